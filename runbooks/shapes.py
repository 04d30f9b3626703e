"""The shapes of a runbook's values: what may be typed, and which of it is a place; pure.

A place is a path of the machine on which commands run. A value that is one has a shape that says
so, stands at the beginning of a word, and is looked at in the step that uses it, by who runs the
command (`Place`). No other value names a place.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

Shape = Literal[
    "text", "name", "number", "day", "moment", "address", "snapshot", "below",
    "file", "folder", "new-folder", "repository", "estate",
]  # fmt: skip
SHAPES: tuple[Shape, ...] = get_args(Shape)

_DAY = r"[0-9]{1,2}/[0-9]{1,2}/[0-9]{4}|[0-9]{4}-[0-9]{2}-[0-9]{2}"
_NOT_UP = r"(?!(?:.*/)?\.\.(?:/|$))"
_PATH = rf"{_NOT_UP}/.+"
_FORMS: Mapping[Shape, str] = {
    "name": r"[A-Za-z0-9_][A-Za-z0-9._-]*",
    "number": r"[0-9]{1,12}",
    "day": _DAY,
    "moment": rf"(?:{_DAY})(?:[ T][0-9]{{1,2}}:[0-9]{{2}})?",
    "address": r"https?://\S+",
    "snapshot": r"[0-9a-f]{4,64}|latest",
    "below": rf"{_NOT_UP}[^/~].*",
    "file": _PATH,
    "folder": _PATH,
    "new-folder": _PATH,
    "estate": _PATH,
    "repository": rf"{_PATH}|[a-z0-9]+:.+",
}
PATHS: frozenset[Shape] = frozenset(it for it, form in _FORMS.items() if form == _PATH)
"""Shapes that are absolute paths, and nothing else."""
_LOOKED_AT: frozenset[Shape] = frozenset({"file", "folder", "new-folder", "repository"})


@dataclass(frozen=True, slots=True)
class Place:
    """A path of the machine on which a command runs, to be looked at right before.

    Attributes:
        shape: `file`, `folder` or `new-folder`.
        path: As it was given.
        below: What follows it in the word, without the stroke between them; may be empty.
    """

    shape: Shape
    path: str
    below: str = ""


def choose_shape(name: str, table: Mapping[str, Any], keys: frozenset[str]) -> Shape:
    """Give the shape of a value, as its table says; else that of a key's file, or of a text.

    Args:
        name: Of the value.
        table: What the front matter says of it.
        keys: Names of the values that hold a private key's file.
    """
    if table.get("shape") in SHAPES:
        shape: Shape = table["shape"]
        return shape
    return "file" if name in keys else "text"


def fits_shape(shape: Shape, value: str) -> bool:
    """Tell whether a value is written as its shape is."""
    form = _FORMS.get(shape)
    return form is None or re.fullmatch(form, value) is not None


def is_place(shape: Shape) -> bool:
    """Tell whether values of a shape may name a place of the machine."""
    return shape in _LOOKED_AT


def find_place(shape: Shape, value: str, below: str) -> Place | None:
    """Give the place that a value names at the beginning of a word; None where it names none."""
    if not is_place(shape) or not value.startswith("/"):
        return None
    return Place("folder" if shape == "repository" else shape, value, below.lstrip("/"))


def names_place(value: str) -> bool:
    """Decide whether a value names a place of a machine, or leads out of a folder."""
    text = value.strip()
    return text.startswith(("/", "~")) or ".." in text.split("/")
