"""Tells which Python this is, as the Go side names a target."""

import json
import platform

import pip

libc, version = platform.libc_ver()
major, minor = (version.split(".") + ["0", "0"])[:2]
print(json.dumps({
    "python": platform.python_version() if platform.python_implementation() == "CPython" else "",
    "machine": platform.machine(), "libc": libc, "major": int(major or 0), "minor": int(minor or 0), "pip": pip.__version__,
}))
