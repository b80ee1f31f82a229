"""Writes packaging.jsonl: what `packaging`, pip's reference of PEP 508, makes of markers and requirements.

    python3 -m venv venv && venv/bin/pip install packaging==26.4 && venv/bin/python pep508.py > packaging.jsonl

The first line has the environments; "extra" is the extra asked for. A row of "marker" has one character for each of them:
1 where the marker holds, 0 where not, x where the comparison has no meaning.
"""

import json
import random

from packaging.markers import InvalidMarker, Marker, UndefinedComparison
from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

SPACES = ["", " ", " ", " ", "  ", "\t"]
VERSIONS = ["3", "3.8", "3.9", "3.9.0", "3.10", "3.11", "3.11.7", "3.12", "3.13.0rc1", "3.*", "3.11.*", "2.7", "v3.9", "3.9 3.10", "nope", "", "3.10a1", "7.3.17"]
VALUES = {
    "python_version": VERSIONS, "python_full_version": VERSIONS, "implementation_version": VERSIONS,
    "platform_release": VERSIONS + ["6.1.0", "6.1.0-18-amd64"],
    "sys_platform": ["linux", "linux2", "win32", "darwin", "cygwin", "", "LINUX", "linux darwin"], "sys.platform": ["linux", "win32"],
    "os_name": ["posix", "nt", "java", ""], "os.name": ["posix", "nt"],
    "platform_system": ["Linux", "Windows", "Darwin", "linux", ""],
    "platform_machine": ["x86_64", "aarch64", "arm64", "AMD64", "x86_64 aarch64", "ppc64le"], "platform.machine": ["x86_64", "aarch64"],
    "platform_version": ["", "#1 SMP", "1"], "platform.version": ["", "1"],
    "platform_python_implementation": ["CPython", "PyPy", "cpython", ""], "platform.python_implementation": ["CPython", "PyPy"],
    "python_implementation": ["CPython", "PyPy"], "implementation_name": ["cpython", "pypy", "CPython", ""],
    "extra": ["s3", "S3", "all", "Foo_Bar", "foo-bar", "foo.bar", "", "s3 all"],
}
OPERATORS = ["==", "==", "!=", ">=", ">=", "<", "<", "<=", ">", "~=", "===", "in", "not in", "not  in"]
SLIPS = ["", "python_version", "python_version >", "python_version > 3", "'3' < ", "python_version => '3'", "python_version = '3'", "os_name == posix",
         "(os_name == 'posix'", "os_name == 'posix')", "os_name == 'posix' and", "or os_name == 'posix'", "os_name == 'posix' xor os_name == 'nt'",
         "os_name == 'posix' os_name == 'nt'", "os_name == 'posix\"", "os_name not 'posix'", "os_name notin 'posix'", "platform.release == '1'",
         "python_versions == '3'", "()", "os_name == ('posix')", "not os_name == 'posix'", "os_name in posix", "OS_NAME == 'posix'", "os_name IN 'posix'",
         "os_name == 'posix';", "os_name == 'posix' # why", "python_version>='3'and'x'==extra", "(((os_name=='nt')))", "'linux'in sys_platform",
         "os_name == 'posix'or os_name == 'nt'", "os_name == 'posix' or(os_name == 'nt')", "os_name == 'it\"s'", "os_name == \"it's\"", "os_name in'posix'"]


def comparison(rng):
    variable = rng.choice(list(VALUES))
    value = rng.choice(VALUES[variable])
    quote = rng.choice("'\"")
    sides = [variable, quote + value + quote]
    if rng.random() < 0.2:
        sides.reverse()
    operator = rng.choice(OPERATORS)
    space = " " if operator[0].isalpha() else rng.choice(SPACES)
    return sides[0] + space + operator + space + sides[1]


def marker(rng, depth=0):
    parts = []
    for _ in range(rng.choice([1, 1, 1, 2, 2, 3]) if depth else rng.choice([1, 1, 2, 3, 4])):
        part = comparison(rng)
        if depth < 3 and rng.random() < 0.25:
            part = "(" + rng.choice(SPACES) + marker(rng, depth + 1) + rng.choice(SPACES) + ")"
        parts += [part, rng.choice(["and", "and", "or"])]
    return " ".join(parts[:-1])


def environment(python, full, machine, extra, implementation=("cpython", "CPython"), release=""):
    return {
        "os_name": "posix", "sys_platform": "linux", "platform_system": "Linux", "platform_machine": machine, "platform_version": "",
        "platform_release": release, "python_version": python, "python_full_version": full, "implementation_name": implementation[0],
        "platform_python_implementation": implementation[1], "implementation_version": full, "extra": extra,
    }


ENVIRONMENTS = [
    environment(python, full, machine, extra)
    for python, full in [("3.8", "3.8.20"), ("3.9", "3.9.0"), ("3.10", "3.10.14"), ("3.11", "3.11.7"), ("3.12", "3.12.0"), ("3.13", "3.13.0rc1")]
    for machine in ["x86_64", "aarch64"]
    for extra in ["", "s3", "foo-bar"]
] + [environment("3.10", "7.3.17", "x86_64", "", ("pypy", "PyPy")), environment("3.11", "3.11.7", "x86_64", "all", release="6.1.0"),
     environment("3.11", "3.11.7", "ppc64le", "", release="6.1.0-18-amd64")]

NAMES = ["numpy", "Foo_Bar", "zope.interface", "a", "X1", "scikit--learn", "a-._b", "7", "-a", "a-", "_b", "n y", "a.b-", "ä"]
EXTRAS = ["", "", "", "[b]", "[ c , b ]", "[]", "[b,]", "[b b]", "[", "[B_c,b.C]", "[-x]", "[,]", "[a][b]"]
SPECIFIERS = ["", "", ">=1", "==1.0", " >= 1.0 , < 2", "(>=1,<2)", "( >=1 )", "()", "(>=1", ">=1,", ">=1,,<2", ",>=1", "~=1", "~=1.4.2", "==1.*", ">=1.*", "=1", "1.0",
              "(1.0)", "===any thing", "===1.0-Custom", "!=1.0+cu118", ">=1.0+cu118", "<2 >1", "==1 .0", ">=1)", "(>=1))", ">=1,<2,"]
ADDRESSES = ["@ https://h.test/x-1-py3-none-any.whl", "@https://h.test/x.zip", "@ git+https://h.test/x.git@0a1b", "@", "@ ", "@ file:///x y", "@ https://h.test/x.zip#sha256=0a", "@ x;y"]
TAILS = ["", "", "", "; python_version >= '3.9'", " ; extra == 'S3'", ";os_name=='nt' or extra=='x'", "; ", ";", " # why", "; python_version", " --hash=x", " ;python_version>'3' ;"]


def requirement(rng):
    text = rng.choice(["", "", " "]) + rng.choice(NAMES[: rng.choice([8, 8, 14])]) + rng.choice(SPACES[:3]) + rng.choice(EXTRAS[: rng.choice([5, 13])])
    text += rng.choice(SPACES[:3]) + (rng.choice(ADDRESSES) if rng.random() < 0.2 else rng.choice(SPECIFIERS))
    return text + rng.choice(TAILS) + rng.choice(["", "", " "])


def some(make, rng, count, taken=()):
    found = dict.fromkeys(taken)
    while len(found) < count:
        found[make(rng)] = None
    return list(found)


def holds(parsed, where):
    try:
        return "1" if parsed.evaluate(where) else "0"
    except UndefinedComparison:
        return "x"


def write(**row):
    print(json.dumps(row))


def main():
    rng = random.Random(508)
    write(environments=ENVIRONMENTS)
    for text in some(marker, rng, 1200, SLIPS):
        try:
            parsed = Marker(text)
        except InvalidMarker:
            write(no_marker=text)
            continue
        write(marker=text, holds="".join(holds(parsed, where) for where in ENVIRONMENTS))
    for text in some(requirement, rng, 1500):
        try:
            r = Requirement(text)
        except InvalidRequirement:
            write(no_requirement=text)
            continue
        write(requirement=text, name=canonicalize_name(r.name), extras=sorted({canonicalize_name(e) for e in r.extras}), specifier=str(r.specifier), url=r.url or "", condition=str(r.marker or ""))


main()
