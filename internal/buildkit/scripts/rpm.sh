#!/bin/sh
# Installs RPM packages with whichever package manager the base image has. The arguments are the packages; they are
# never read as options nor by the shell.
set -eu
ca=

if [ -s /run/rime/secret/ca.pem ]; then
    cat /etc/pki/tls/certs/ca-bundle.crt /run/rime/secret/ca.pem 2>/dev/null >/run/rime/tmp/ca.pem || :
    ca=--setopt=sslcacert=/run/rime/tmp/ca.pem
fi

if command -v dnf >/dev/null 2>&1; then
    exec dnf --assumeyes --refresh --setopt=install_weak_deps=False --setopt=keepcache=True --setopt=logdir=/run/rime/tmp ${ca:+"$ca"} install -- "$@"
elif command -v microdnf >/dev/null 2>&1; then
    exec microdnf --assumeyes --setopt=install_weak_deps=0 --setopt=keepcache=1 ${ca:+"$ca"} install -- "$@"
elif command -v yum >/dev/null 2>&1; then # yum 3 installs what it finds and is content, unless told otherwise
    exec yum --assumeyes --setopt=metadata_expire=0 --setopt=skip_missing_names_on_install=False --setopt=keepcache=1 ${ca:+"$ca"} install -- "$@"
fi
echo "rime: the base image has none of dnf, microdnf and yum, so it cannot take rocky_linux packages" >&2
exit 69
