"""Writes pip_lines.jsonl: what pip's own parser makes of texts that a requirements file may hold.

    python3 -m venv venv && venv/bin/pip install pip==26.3 && venv/bin/python pip_lines.py > pip_lines.jsonl

Each line has the text and what pip finds in it: the number of a line with the requirement there, as its name, its extras
its comparisons, its address and its marker; "refused" where pip refuses the line, and "other" where pip takes what an
image's requirements cannot hold (options, paths, distributions without a name).
"""

import json
import random

from pip._internal.exceptions import InstallationError
from pip._internal.req.constructors import install_req_from_line
from pip._internal.req.req_file import get_line_parser, preprocess
from pip._vendor.packaging.utils import canonicalize_name

ENDS = ["\n", "\n", "\r\n", "\r", "\v", "\f", "\x1c", "\x1d", "\x1e", "\x85", "\u2028", "\u2029", "\\\n", " \\\r\n", "\n\n"]
SPACES = ["", "", "", " ", "  ", "\t", "\u00a0", "\u3000", "\x1f"]
NAMES = ["numpy", "Foo_Bar", "zope.interface", "a", "X1", "scikit--learn", "-a", "a-", "_b", "n y", "x.zip", "x.tlz", "7"]
EXTRAS = ["", "", "", "[b]", "[ c , b ]", "[]", "[b,]", "[b b]", "[", "[B_c]", "[-x]"]
VERSIONS = ["1", "1.0", "2.0rc1", "1!2", "1.*", "1.0+cu118", "v1.2", "1.0-1", "1.0-custom", "nope", "", "01.2", "1.0.DEV"]
OPERATORS = ["==", ">=", "<=", "!=", "~=", "<", ">", "=", "=>", "", "= =", "^"]
TAILS = ["", "", "", "", "", " # why", "# no comment", "\t# tab", "\u00a0#nbsp", ";", " ; ", "; python_version > '3'", " --hash=sha256:0a",
         " @ https://h.test/x.whl", " other", ",", ")", " (", "\\", " --pre", "#"]
ONLY = ["# comment", "  # comment \\", "-r other.txt", "--pre", "", " ", "\\", "#", ".", "./x", "a ()", "a (>=1)", "a (>=1,<2) ", "a (1.0)", '"numpy"']

parse = get_line_parser(None)


def line(rng):
    if rng.random() < 0.2:
        return rng.choice(ONLY)
    if rng.random() < 0.05:  # "===" takes whatever follows, to pip even a comment: only a version stands behind it here
        return rng.choice(NAMES[:6]) + rng.choice(EXTRAS[:5]) + "===" + rng.choice(VERSIONS[:3] + VERSIONS[5:9])
    clauses = []
    for _ in range(rng.choice([0, 0, 1, 1, 1, 2, 3])):
        clauses.append(rng.choice(SPACES[:6]) + rng.choice(OPERATORS[: rng.choice([7, 7, 7, 12])]) + rng.choice(SPACES[:6])
                       + rng.choice(VERSIONS[: rng.choice([4, 8, 13])]))
    return (rng.choice(SPACES) + rng.choice(NAMES[: rng.choice([6, 6, 13])]) + rng.choice(SPACES[:6])
            + rng.choice(EXTRAS[: rng.choice([5, 11])]) + ",".join(clauses) + rng.choice(SPACES[:4]) + rng.choice(TAILS))


def requirement(number, text):
    try:
        args, opts = parse(text)
        if vars(opts) != vars(parse("")[1]) or not args:
            return {"line": number, "other": True}
        found = install_req_from_line(args)
    except (InstallationError, Exception):  # optparse has exceptions of its own
        return {"line": number, "refused": True}
    if found.req is None or found.editable or (found.link and not found.req.url):
        return {"line": number, "other": True}
    return {
        "line": number,
        "name": canonicalize_name(found.req.name),
        "extras": sorted({canonicalize_name(e) for e in found.req.extras}),
        "comparisons": str(found.req.specifier),
        "url": found.req.url or "",
        "marker": str(found.markers or ""),
    }


def main():
    rng = random.Random(9)
    for _ in range(1200):
        text = "".join(line(rng) + rng.choice(ENDS) for _ in range(rng.choice([1, 1, 2, 3])))
        print(json.dumps({"text": text, "pip": [requirement(n, t) for n, t in preprocess(text)]}))


main()
