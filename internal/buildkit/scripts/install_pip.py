"""Runs "pip install" on the mounted requirements.

Index URLs that may hold credentials come in a second, secret requirements file: options in such a file go before
everything the base image configures.
"""

import logging
import os
import re
import runpy
import sys

SECRET = "/run/rime/secret/"


class FailedFetches(logging.Handler):
    """Shows why an index page could not be had. Pip says that to its debug log only, and then that there is no such package."""

    def emit(self, record):
        text = record.getMessage()
        if text.startswith("Could not fetch URL") and ": 404 " not in text:
            sys.stderr.write(re.sub("://[^/@ ]*@", "://***@", text) + "\n")


def show_failed_fetches():
    collector = logging.getLogger("pip._internal.index.collector")
    collector.setLevel(logging.DEBUG)
    collector.addHandler(FailedFetches())


def trust(certificates):
    """Makes downloads trust these certificates besides those that they would trust anyway."""
    known = [os.environ.get("PIP_CERT", ""), "/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt"]
    try:
        from pip._vendor import certifi

        known.append(certifi.where())
    except ImportError:  # some distributions take pip apart
        pass
    bundle = "/run/rime/tmp/ca.pem"
    with open(bundle, "wb") as out:
        for path in known + [certificates]:
            if os.path.isfile(path):
                with open(path, "rb") as f:
                    out.write(f.read() + b"\n")
    # The others are for what the build of a source distribution may download.
    for variable in "PIP_CERT", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE":
        os.environ[variable] = bundle


def main():
    arguments = ["--requirement", "/run/rime/in/requirements.txt"]
    if os.path.isfile(SECRET + "index.txt"):
        arguments = ["--requirement", SECRET + "index.txt"] + arguments
    if os.path.isfile(SECRET + "ca.pem"):
        trust(SECRET + "ca.pem")
    show_failed_fetches()
    sys.argv = ["pip", "install"] + arguments
    runpy.run_module("pip", run_name="__main__", alter_sys=True)


main()
