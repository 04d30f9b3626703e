"""Seams between rooms: a lower room says what it needs, `ops.wiring` lists who gives it.

A part is named as "module:attribute" (a whole module without) and imported when it is asked for, so
that a process loads only what it uses; whoever starts one imports `ops.wiring` first.
"""

from collections import defaultdict
from functools import cache
from importlib import import_module
from typing import Any, Generic, TypeVar, cast

Part = TypeVar("Part")

_given: defaultdict[str, list[object]] = defaultdict(list)


def give(seam: str, *parts: object) -> None:
    """Add parts to a seam, in order: names of parts, or the parts themselves; each counts once."""
    _given[seam] += [it for it in dict.fromkeys(parts) if it not in _given[seam]]


def names_of_parts() -> dict[str, list[object]]:
    """Give what was given to each seam so far; for who holds the list against the rooms."""
    return {seam: list(parts) for seam, parts in _given.items()}


class Seam(Generic[Part]):
    """What a room needs of rooms above it.

    Args:
        name: As in `ops.wiring`.
    """

    def __init__(self, name: str) -> None:
        self.name = name

    def parts(self) -> list[Part]:
        """Give what was given, in that order; imports what was named.

        Raises:
            LookupError: Nothing was given: this process has not imported `ops.wiring`.
        """
        if self.name not in _given:
            raise LookupError(f"nobody gives {self.name}: import ops.wiring")
        return [cast(Part, find(it) if isinstance(it, str) else it) for it in _given[self.name]]


@cache
def find(name: str) -> Any:
    """Give the part that is called "module:attribute", or "module"."""
    module, _, attribute = name.partition(":")
    found = import_module(module)
    return getattr(found, attribute) if attribute else found
