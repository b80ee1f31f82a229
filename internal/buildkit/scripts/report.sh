#!/bin/sh
# Writes what is installed to /run/rime/out/report: sections that begin with a line "%% name".
set -eu
exec >/run/rime/out/report

echo "%% python"
python3 -c 'import sys; print("%d.%d" % sys.version_info[:2])'
echo "%% pip"
python3 -m pip list --format=json
echo
echo "%% os-release"
cat /etc/os-release 2>/dev/null || :
if command -v dpkg-query >/dev/null 2>&1; then
    echo "%% deb"
    # shellcheck disable=SC2016 # the braces are dpkg's
    dpkg-query --show --showformat='${db:Status-Status}\t${Package}\t${Version}\t${Architecture}\n'
elif command -v rpm >/dev/null 2>&1; then
    echo "%% rpm"
    rpm --query --all --queryformat '%{NAME}\t%{EPOCH}\t%{VERSION}-%{RELEASE}\t%{ARCH}\n'
fi
