"""What both scripts need: the platform to talk to, and checks that are told one by one."""

import json
import os
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


def finish():
    sys.exit(1 if failed else 0)
