"""Runs pip for a target that is not this Python. pip judges environment markers by the Python that it runs on, whatever it is told of another one;
so it is told here what the environment is. The rest of it is as it came."""

import json
import os
import sys

from pip._internal.cli.main import main
from pip._vendor.packaging import markers
from target_tags import platforms

told = json.loads(os.environ["RIME_CONFORMANCE"])
markers.default_environment = lambda: dict(told["environment"])
target = told["target"]
foreign = ["--python-version", target["python"], "--implementation", "cp"]
for platform in platforms(target):
    foreign += ["--platform", platform]
sys.exit(main(sys.argv[1:] + foreign))
