"""Writes packaging.jsonl: what `packaging`, pip's reference, makes of platforms and of the names of wheels.

    python3 -m venv venv && venv/bin/pip install packaging==26.4 && venv/bin/python pep425.py > packaging.jsonl

A row of "tags" has the SHA-256 of the tags that a platform supports, one on each line, and how many they are. A row of
"wheel" has the place of its best tag on each platform, -1 where it does not run.
"""

import hashlib
import json
import random
import sysconfig

from packaging import _manylinux, _musllinux, tags
from packaging.utils import InvalidWheelFilename, parse_wheel_filename

PLATFORMS = [
    (minor, threaded, machine, libc, version)
    for minor, threaded in [(8, False), (9, False), (11, False), (13, False), (13, True), (14, True), (15, True)]
    for machine in ["x86_64", "aarch64", "i686", "ppc64le", "s390x", "riscv64"]
    for libc, version in [("glibc", (2, 17)), ("glibc", (2, 28)), ("glibc", (2, 36)), ("glibc", (2, 12)), ("musl", (1, 1)), ("musl", (1, 2)), ("musl", (1, 5))]
]
NAMES = ["numpy", "Foo_Bar", "zope.interface", "a", "X1", "a__b", "-a", "", "a b", "scikit_learn"]
VERSIONS = ["1", "1.0", "2.1.0+cu118", "1!2", "1.0rc1", "1.0.post1", "nope", "", "1.0_1", "v1"]
BUILDS = ["", "", "", "-1", "-007abc", "-1_x", "-abc", "-"]
INTERPRETERS = ["py3", "py2.py3", "cp311", "cp38", "cp313", "cp39.cp310.cp311", "cp312.cp313", "py311", "pp310", "CP311", "3", "", "cp3-11", "cp37"]
ABIS = ["none", "abi3", "cp311", "cp313t", "cp313", "abi3t", "cp38", "cp39", "abi3.none", "", "pypy310_pp73", "cp37m"]
ON = ["any", "manylinux_2_17_x86_64", "manylinux2014_x86_64", "manylinux_2_17_x86_64.manylinux2014_x86_64", "manylinux_2_28_aarch64", "linux_x86_64",
      "musllinux_1_1_x86_64", "musllinux_1_2_aarch64", "win_amd64", "macosx_11_0_arm64", "manylinux1_x86_64", "manylinux_2_35_x86_64", "", "Linux_x86_64"]


def supported(minor, threaded, machine, libc, version):
    sysconfig.get_platform = lambda: "linux-" + machine
    _manylinux._get_glibc_version = lambda: version if libc == "glibc" else (-1, -1)
    _manylinux._have_compatible_abi = lambda *_: libc == "glibc"
    _musllinux._get_musl_version = lambda _: _musllinux._MuslVersion(*version) if libc == "musl" else None
    platforms = list(tags._linux_platforms(False))
    own = f"cp3{minor}"
    abis = [own + "t" if threaded else own]
    return [str(t) for t in tags.cpython_tags((3, minor), abis, platforms)] + [str(t) for t in tags.compatible_tags((3, minor), own, platforms)]


def wheel(rng):
    few = rng.random() < 0.8
    pick = lambda values, usual: rng.choice(values[: usual if few else None])
    return "-".join([pick(NAMES, 5), pick(VERSIONS, 6) + pick(BUILDS, 6), pick(INTERPRETERS, 9), pick(ABIS, 9), pick(ON, 12)]) + ("" if rng.random() < 0.02 else ".whl")


def write(**row):
    print(json.dumps(row))


def main():
    rng = random.Random(425)
    lists = []
    for minor, threaded, machine, libc, version in PLATFORMS:
        found = supported(minor, threaded, machine, libc, version)
        lists.append({tag: i for i, tag in reversed(list(enumerate(found)))})
        digest = hashlib.sha256("".join(tag + "\n" for tag in found).encode()).hexdigest()
        write(minor=minor, threaded=threaded, machine=machine, libc=libc, libc_major=version[0], libc_minor=version[1], tags=digest, count=len(found))
    for name in dict.fromkeys(wheel(rng) for _ in range(900)):
        try:
            distribution, version, build, on = parse_wheel_filename(name)
        except InvalidWheelFilename:
            write(no_wheel=name)
            continue
        ranks = [min((places[str(t)] for t in on if str(t) in places), default=-1) for places in lists[::21]]
        write(wheel=name, name=distribution, version=str(version), ranks=ranks)


main()
