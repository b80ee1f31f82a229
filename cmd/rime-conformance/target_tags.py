"""The platform tags of a target."""

LEGACY = {17: "manylinux2014", 12: "manylinux2010", 5: "manylinux1"}


def platforms(target: dict) -> list[str]:
    """The platform tags of a target, the best first."""
    machine = target["machine"]
    tags = ["linux_" + machine]
    if target["libc"] == "musl":
        return tags + [f"musllinux_{target['major']}_{minor}_{machine}" for minor in range(target["minor"], -1, -1)]
    for minor in range(target["minor"], 4 if machine == "x86_64" else 16, -1):
        tags.append(f"manylinux_{target['major']}_{minor}_{machine}")
        if minor in LEGACY:
            tags.append(f"{LEGACY[minor]}_{machine}")
    return tags
