#!/bin/sh
# Checks that the base image can take pip requirements. $1 is the Python version it must have, "X.Y"; empty takes any.
# A line that begins with "rime: " together with exit code 69 is a verdict on the base image, worded for the user.
set -eu

refuse() {
    echo "rime: $1" >&2
    exit 69
}

# One start of Python for both questions; pip itself takes ten times as long to start.
questions='import importlib.util, sys; print("%d.%d" % sys.version_info[:2], importlib.util.find_spec("pip") is not None)'
command -v python3 >/dev/null 2>&1 || refuse "the base image has no python3"
answers=$(python3 -c "$questions") || refuse "python3 of the base image does not run"
found=${answers% *}
if [ -n "$1" ] && [ "$1" != "$found" ]; then
    refuse "the base image has Python $found, and Python $1 was asked for"
fi
[ "${answers#* }" = True ] || refuse "the base image has no pip for its python3 (Python $found)"
{
    echo "$found"
    cat /run/rime/secret/fresh 2>/dev/null || : # new in each fresh build, whose later steps are thereby run anew
} >/run/rime/out/checked
