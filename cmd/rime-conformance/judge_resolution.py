"""Says what is wrong with a resolution, by the rules of `packaging` as pip has it. Told on standard input; a fault a line on standard output."""

import json
import sys

from pip._vendor.packaging.markers import Marker
from pip._vendor.packaging.requirements import Requirement
from pip._vendor.packaging.specifiers import SpecifierSet
from pip._vendor.packaging.tags import Tag, compatible_tags, cpython_tags
from pip._vendor.packaging.utils import canonicalize_name, parse_wheel_filename
from pip._vendor.packaging.version import Version
from target_tags import platforms


def supported(target: dict) -> set[Tag]:
    """The tags that a target supports."""
    python = tuple(int(part) for part in target["python"].split(".")[:2])
    places = platforms(target)
    interpreter = "cp" + "".join(map(str, python))
    return {*cpython_tags(python, platforms=places), *compatible_tags(python, interpreter, platforms=places)}


def holds(marker: Marker | None, environment: dict, extras: frozenset) -> bool:
    return marker is None or any(marker.evaluate({**environment, "extra": extra}) for extra in extras or {""})


def walk(told: dict, chosen: dict) -> tuple[list[str], set[str]]:
    """What is not met on the way from the requirements, and all that is reached."""
    faults, reached, done = [], set(), set()
    environment = told["environment"]
    todo = [("the set", Requirement(text), frozenset()) for text in told["requirements"]]
    while todo:
        by, requirement, extras = todo.pop()
        if not holds(requirement.marker, environment, extras):
            continue
        name = canonicalize_name(requirement.name)
        pin = chosen.get(name)
        if pin is None:
            faults.append(f"{by} requires {requirement}, which is not there")
            continue
        reached.add(name)
        if not requirement.specifier.contains(Version(pin["version"]), prereleases=True):
            faults.append(f"{by} requires {requirement}, and there is {pin['version']}")
        wanted = frozenset(canonicalize_name(extra) for extra in requirement.extras) & frozenset(pin["extras"] or ())
        # Extras of several requirements add up; with one at a time, each is seen, as no marker asks for two at once.
        for asked in [frozenset(), *(frozenset([extra]) for extra in sorted(wanted))]:
            if (name, asked) not in done:
                done.add((name, asked))
                todo += [(f"{name} {pin['version']}", Requirement(text), asked) for text in pin["requires"] or ()]
    return faults, reached


def main() -> None:
    told = json.load(sys.stdin)
    chosen = {canonicalize_name(pin["name"]): pin for pin in told["distributions"] or ()}
    faults, reached = walk(told, chosen)
    faults += [f"{name} is there, and nobody requires it" for name in sorted(set(chosen) - reached)]
    tags = supported(told["target"])
    for name, pin in chosen.items():
        if pin["requires_python"] and not SpecifierSet(pin["requires_python"]).contains(told["target"]["python"], prereleases=True):
            faults.append(f"{name} {pin['version']} is for Python {pin['requires_python']}")
        _, version, _, of_file = parse_wheel_filename(pin["file"])
        if not of_file & tags or version != Version(pin["version"]):
            faults.append(f"{pin['file']} is no wheel of {name} {pin['version']} for {told['target']}")
    print("\n".join(dict.fromkeys(faults)), end="\n" if faults else "")


main()
