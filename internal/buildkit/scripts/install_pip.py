"""Runs "pip install" on the mounted requirements.

Index URLs that may hold credentials come in a second, secret requirements file: options in such a file go before
everything the base image configures. Pip prints those URLs, and hides passwords in them but no tokens in the path; whatever
a step prints stays in the daemon's history of builds. So pip runs in a process of its own, whose output is searched for secrets.
"""

import json
import logging
import os
import re
import runpy
import subprocess
import sys
import threading

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


def hidings():
    """What must not be printed, with what is shown in its place; the longest goes first."""
    if not os.path.isfile(SECRET + "hidings.json"):
        return []
    with open(SECRET + "hidings.json", "rb") as f:
        return [(secret.encode(), shown.encode()) for secret, shown in json.loads(f.read().decode())]


class Relay(threading.Thread):
    """Copies output without the secrets, by whole lines as long as these are of a sensible length."""

    def __init__(self, source, pairs):
        super().__init__(daemon=True)
        self.source, self.pairs, self.held = source, pairs, b""

    def run(self):
        while True:
            chunk = self.source.read1(1 << 16)
            if not chunk:
                return
            self.held += chunk
            end = self.held.rfind(b"\n") + 1
            if end == 0 and len(self.held) > 1 << 20:
                self.held = self.clean(self.held)
                end = max(0, len(self.held) - len(self.pairs[0][0]))  # the rest may be the beginning of a secret
            ready, self.held = self.held[:end], self.held[end:]
            self.show(ready)

    def clean(self, text):
        for secret, shown in self.pairs:
            text = text.replace(secret, shown)
        return text

    def show(self, text):
        sys.stdout.buffer.write(self.clean(text))
        sys.stdout.buffer.flush()


def run_without(pairs):
    """Runs this script again as a child that installs, and ends as it ends."""
    child = subprocess.Popen(
        [sys.executable, os.path.abspath(__file__), "install"] + sys.argv[1:], bufsize=-1, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    relay = Relay(child.stdout, pairs)
    relay.start()
    status = child.wait()
    relay.join(10)  # not for ever: a process that a build left behind may hold the other end
    if not relay.is_alive():
        relay.show(relay.held)
    sys.stdout.flush()
    os._exit(status if status >= 0 else 128 - status)


def main():
    pairs = hidings()
    if pairs and sys.argv[1:2] != ["install"]:
        run_without(pairs)
    options = [argument for argument in sys.argv[1:] if argument != "install"]
    arguments = options + ["--requirement", "/run/rime/in/requirements.txt"]
    if os.path.isfile(SECRET + "index.txt"):
        arguments = ["--requirement", SECRET + "index.txt"] + arguments
    if os.path.isfile(SECRET + "ca.pem"):
        trust(SECRET + "ca.pem")
    show_failed_fetches()
    sys.argv = ["pip", "install"] + arguments
    runpy.run_module("pip", run_name="__main__", alter_sys=True)


main()
