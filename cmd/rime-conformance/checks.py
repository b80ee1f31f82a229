"""What both scripts need: the platform to talk to, and checks that are told one by one."""

import json
import os
import re
import sys
import time
from contextlib import contextmanager

PLATFORM = json.loads(os.environ["RIME_CONFORMANCE"])
failed = []


def check(what, truth, got=None):
    """Tells whether something is as it has to be."""
    print(("    ok      " if truth else "    FAILED  ") + what + ("" if truth or got is None else f": got {got!r}"), flush=True)
    if not truth:
        failed.append(what)


def equal(what, got, want):
    check(what, got == want, f"{got!r}, want {want!r}")


@contextmanager
def refused(what, kind, **attributes):
    """The block has to raise an exception of that kind, with these attributes; "text" is part of what it says."""
    try:
        yield
    except kind as e:
        text = attributes.pop("text", "")
        wrong = {name: getattr(e, name) for name, want in attributes.items() if getattr(e, name) != want}
        check(what, not wrong and text in str(e) + str(getattr(e, "body", "")), wrong or str(e))
    except Exception as e:  # not the exception that a user would catch
        check(what, False, f"{type(e).__name__}: {e}")
    else:
        check(what, False, "no error")


def until(what, look, done):
    """Looks until it is done, and returns what it has seen last."""
    deadline = time.monotonic() + 30
    seen = look()
    while not done(seen) and time.monotonic() < deadline:
        time.sleep(0.02)
        seen = look()
    check(what, done(seen), seen)
    return seen


def enum(prefix, value):
    """An enum's value as the platform writes it."""
    return prefix + value.replace("rocky_linux", "rockylinux").upper()


def of_terraform(image):
    """What Terraform knows of an image, in the platform's words."""
    packages = [text.partition("=") for text in image["rocky_linux_packages"]]
    return {
        "name": image["name"],
        "status": enum("STATUS_", image["status"]),
        "role": enum("ROLE_TYPE_", image["role_type"]),
        "tag": image["rime_tag"],
        "repository": image["repo_uri"],
        "Python": image["python_version"],
        "base image": image["base_image"]["name"],
        "kind of base image": enum("REFERENCE_TYPE_", image["base_image"]["reference_type"]),
        "children": [child["name"] for child in image["child_images"]],
        "pip": [re.match(r"([^<>=!~ ]*)(.*)", text).groups() for text in image["pip_requirements"]],
        "packages": sorted((name, version) for name, _, version in packages),
        "kinds of packages": [enum("PACKAGE_TYPE_", "rocky_linux") for _ in packages],
        "libraries": sorted(image["pip_libraries"].items()),
    }


def of_terraform_group_image(image):
    """What Terraform knows of an image of PrimeHub, in the platform's words. What is empty there is null, or empty as well."""
    build = image["build"]
    known = {
        "displayName": image["display_name"],
        "description": image["description"],
        "type": image["type"].replace("universal", "both"),
        "groupName": image["group"],
        "global": image["global"],
        "groups": sorted(image["groups"]),
        "url": image["url"],
        "urlForGpu": image["url_for_gpu"],
        "useImagePullSecret": image["image_pull_secret"],
        "isReady": image["is_ready"],
        "logEndpoint": image["log_url"],
    }
    if build:
        known["phase"] = image["phase"].capitalize()
        known["baseImage"] = build["base_image_url"]
        known["pullSecret"] = build["image_pull_secret"]
        known["packages"] = {name: [word for entry in build[f"{name}_packages"] for word in entry.split()] for name in ("apt", "conda", "pip")}
    return known


def normal(name):
    """The name of a distribution as PEP 503 spells it."""
    return re.sub("[-_.]+", "-", name).lower()


def meaning(requirements):
    """What pip requirements mean, however they are spelled."""
    return sorted((normal(name), sorted("".join(part.split()) for part in specifier.split(","))) for name, specifier in requirements)


def same(image, read, known=of_terraform):
    """Holds what the client reads of an image that Terraform made against what Terraform knows of it, field by field."""
    for field, value in read.items():
        told = known(image)[field]
        if field == "pip":
            value, told = meaning(value), meaning(told)
        if field == "libraries":
            value = sorted((normal(name), version) for name, version in value)
        equal(f"{image['name']}: {field}", value, told)


def finish():
    sys.exit(1 if failed else 0)
