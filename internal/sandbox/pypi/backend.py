"""PEP 517 backend of the rime sandbox's source distributions: does what behaviour.json says, then writes the wheel."""

import base64
import json
import os
import signal
import subprocess
import sys
import zipfile

# The build proper runs in a child whose command line carries the marker, so that it can be seen from outside.
CHILD = """
import base64, json, signal, sys, time
b = json.load(open("behaviour.json"))
if b["ignore_sigterm"]:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
output = base64.b64decode(b["output"] or "")
for _ in range(b["output_repeat"]):
    sys.stdout.buffer.write(output)
sys.stdout.buffer.flush()
time.sleep(b["sleep_seconds"])
if b["failure"]:
    sys.exit(b["failure"])
"""


def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    with open("behaviour.json") as f:
        b = json.load(f)
    if b["ignore_sigterm"]:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
    if subprocess.call([sys.executable, "-c", CHILD, b["marker"]]) != 0:
        raise SystemExit("the build of %s failed" % b["wheel_name"])
    with zipfile.ZipFile(os.path.join(wheel_directory, b["wheel_name"]), "w") as z:
        for name, content in b["wheel_files"].items():
            z.writestr(name, base64.b64decode(content))
    return b["wheel_name"]
