"""Writes packaging.jsonl: what `packaging`, pip's reference of PEP 440, makes of versions and specifiers.

    python3 -m venv venv && venv/bin/pip install packaging==26.4 && venv/bin/python pep440.py > packaging.jsonl

The first line has the versions in their order, equal ones together. A row of "clause" or "specifier" has one bit for each
of them, the first in the highest bit: whether it is allowed, as a pre-release too.
"""

import json
import random

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.version import InvalidVersion, Version

NUMBERS = ["0", "1", "2", "3", "9", "10", "007", "2024", "20260101123456789012345"]
PRES = ["a", "b", "c", "rc", "alpha", "beta", "pre", "preview"]
SEPARATORS = ["", "", "", ".", "-", "_"]
LOCALS = ["cu118", "cpu", "1", "01", "10", "2", "abc.1", "abc-1", "ABC_01.x", "1.abc", "1a", "a1", "abc", "abc.0", "0"]
SLIPS = ["", "1.", ".1", "1..0", "1.0-", "1.0--1", "a", "1.0+", "1.0+a..b", "1.0+-a", "1.0.x", "v", "1!", "!1", "1!!2", "1.0 a", "1,0", "１.０",
         "1.0+ü", "1.0post", "1.0rev2", "1.0r", "1.0dev", "1.0-dev", "1.0a-", "1.0a-.post1", "1.0-a.-post", "1.0rcrc", "1.0.dev1.post1", "1.0post1a1",
         "1.0a1b1", "vv1", "v 1", " 1.0 ", "\t1.0\n", "1.0.*", "latest", "1.0+cu118+x", "1_0", "1.0_1", "1.0-1-1", "1.0-01", "01.02.003", "1e5", "1.0+K"]


def number(rng):
    return rng.choice(NUMBERS[: rng.choice([4, 6, 9])])


def case(rng, text):
    return "".join(c.upper() if rng.random() < 0.1 else c for c in text)


def version(rng):
    text = rng.choice(["", "", "", "", "", "", "v"])
    if rng.random() < 0.08:
        text += rng.choice(["0", "1", "2"]) + "!"
    text += ".".join(number(rng) for _ in range(rng.choice([1, 2, 2, 2, 3, 3, 4])))
    if rng.random() < 0.35:
        text += rng.choice(SEPARATORS) + rng.choice(PRES) + rng.choice(SEPARATORS) + rng.choice(["", number(rng)])
    if rng.random() < 0.25:
        text += rng.choice(["-" + number(rng), rng.choice(SEPARATORS) + rng.choice(["post", "rev", "r"]) + rng.choice(SEPARATORS) + number(rng)])
    if rng.random() < 0.25:
        text += rng.choice(SEPARATORS) + "dev" + rng.choice(SEPARATORS) + rng.choice(["", number(rng)])
    if rng.random() < 0.15:
        text += "+" + rng.choice(LOCALS)
    return case(rng, text)


def near(rng):
    """A version among few, so that comparisons meet each other's edges."""
    text = rng.choice(["1", "1.0", "1.0.0", "1.1", "1.0.1", "2", "0", "1!1", "0.9"])
    text += rng.choice(["", "", "a0", "a1", "b1", "rc1", "a1.post1", "rc1.post0"])
    text += rng.choice(["", "", ".post0", ".post1", "-2"]) if "post" not in text else ""
    text += rng.choice(["", "", "", ".dev0", ".dev1"])
    return text + rng.choice(["", "", "", "+cpu", "+1", "+cpu.1"])


def clause(rng):
    operator = rng.choice(["==", "==", "!=", "!=", ">=", ">", "<=", "<", "~=", "~=", "==="])
    text = rng.choice([version, near, near])(rng)
    if operator not in ("==", "!=", "===") and rng.random() < 0.9:
        text = text.split("+")[0]
    if operator in ("==", "!=") and rng.random() < 0.3:
        text = text.split("+")[0] + ".*"
    return operator + rng.choice(["", "", " ", "  "]) + text


def some(make, rng, count, taken=()):
    found = dict.fromkeys(taken)
    while len(found) < count:
        found[make(rng)] = None
    return list(found)


def parsed(parse, refusal, texts):
    good, bad = [], []
    for text in texts:
        try:
            good.append((text, parse(text)))
        except refusal:
            bad.append(text)
    return good, bad


def write(**row):
    print(json.dumps(row))


def main():
    rng = random.Random(440)
    versions, not_versions = parsed(Version, InvalidVersion, some(near, rng, 220, SLIPS) + some(version, rng, 200))
    versions = sorted({str(v): v for _, v in versions}.values(), key=lambda v: (v, str(v)))
    groups = []
    for v in versions:
        if groups and Version(groups[-1][0]) == v:
            groups[-1].append(str(v))
        else:
            groups.append([str(v)])
    write(versions=groups)

    spellings, _ = parsed(Version, InvalidVersion, some(version, rng, 1600, SLIPS))
    for text, v in spellings:
        write(text=text, normal=str(v), public=v.public, base=v.base_version, local=v.local or "", pre=v.is_prerelease)
    for text in not_versions:
        write(no_version=text)

    def bits(specifier):
        value = 0
        for v in versions:
            value = value << 1 | specifier.contains(v, prereleases=True)
        return f"{value:x}"

    clauses, not_clauses = parsed(SpecifierSet, InvalidSpecifier, some(clause, rng, 450))
    for text, specifier in clauses:
        write(clause=text, allows=bits(specifier), pre=bool(specifier.prereleases))
    for text in not_clauses:
        write(no_clause=text)
    good = [text for text, _ in clauses]
    for _ in range(400):
        text = ",".join(rng.choice(good) for _ in range(rng.choice([2, 2, 3])))
        specifier = SpecifierSet(text)
        write(specifier=text, allows=bits(specifier), pre=bool(specifier.prereleases), none=specifier.is_unsatisfiable())


main()
