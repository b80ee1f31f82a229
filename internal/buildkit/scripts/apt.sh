#!/bin/sh
# Installs Debian packages. The arguments are the packages; they are never read as options nor by the shell.
set -eu
config=/run/rime/in/apt.conf

if [ -s /run/rime/secret/ca.pem ]; then
    cat /etc/ssl/certs/ca-certificates.crt /run/rime/secret/ca.pem 2>/dev/null >/run/rime/tmp/ca.pem || :
    { cat "$config"; echo 'Acquire::https::CAInfo "/run/rime/tmp/ca.pem";'; } >/run/rime/tmp/apt.conf
    config=/run/rime/tmp/apt.conf
fi

command -v apt-get >/dev/null 2>&1 || {
    echo "rime: the base image has no apt-get, so it cannot take apt packages" >&2
    exit 69
}
apt-get --config-file="$config" update
for package in "$@"; do
    name=${package%%[=:]*}
    case $name in
    *.*) # apt-get takes a name that it does not know for a pattern, and then installs everything that matches
        apt-cache --config-file="$config" pkgnames -- "$name" | grep -Fqx -e "$name" || {
            echo "E: Unable to locate package $name" >&2
            exit 100
        }
        ;;
    esac
done
apt-get --config-file="$config" install -- "$@"
# What the package manager keeps for itself and makes again when it needs it.
rm -f /var/cache/ldconfig/aux-cache /var/lib/dpkg/*-old
