"""Read the changeable part, which the service writes, and lay it under the files that are root's.

`STATE/changeable.toml` may hold what `ops.estate.model.changeable` marks, and nothing else. Where
both say something, root's file holds: a value there stays, lists of both are joined, entries with
names are completed key by key. The folder is the service's, so the file is opened as what anybody
could have put there: no link, a regular file, bounded, without characters that command a terminal.
"""

import errno
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from ops.entering import StrangeLinkError, entered, read_entered
from ops.estate.load.problems import render_key
from ops.estate.load.read import (
    DEEP_FIX,
    TOO_DEEP,
    UNREADABLE,
    Document,
    Location,
    changeable_path,
    parse_into,
    read_document,
)
from ops.estate.model.changeable import find_refused, is_whole, list_open, mark_of
from ops.estate.model.estate import Estate
from ops.estate.model.values import fields_of, is_list_of_tables, model_of
from ops.language.text import N_, make_visible

MOST_BYTES = 1 << 20
_DEEPEST = 8


@dataclass(slots=True)
class Laid:
    """How a part lies under a document; what has no effect stops nothing: root may write first.

    Attributes:
        document: Root's files, as read; their values stay.
        path: Of the part.
        held: Where both say something else, and root's file holds.
        missed: Entries that root's files do not have.
    """

    document: Document
    path: Path
    held: list[Location] = field(default_factory=list)
    missed: list[str] = field(default_factory=list)

    def lay(
        self, target: dict[str, Any], part: Mapping[str, Any], model: type[BaseModel], at: Location
    ) -> None:
        """Lay a table under another one."""
        fields = fields_of(model)
        for key, value in part.items():
            inner, location, known = model_of(fields[key]), (*at, key), target.get(key)
            if is_list_of_tables(fields[key]) and isinstance(value, list):
                if isinstance(known, list | None):
                    self._lay_list(target.setdefault(key, []), value, fields[key], location)
            elif known is None:
                target[key] = value
                self.document.files[location] = self.path
            elif isinstance(known, dict) and isinstance(value, dict) and inner is not None:
                self.lay(known, value, inner, location)
            elif known != value:
                self.held.append(location)

    def _lay_list(
        self, known: list[Any], entries: list[Any], field: FieldInfo, at: Location
    ) -> None:
        inner = model_of(field)
        names = [it.get("name") for it in known if isinstance(it, dict)]
        for entry in entries:
            name = entry.get("name") if isinstance(entry, dict) else None
            is_there = name in names and len(names) == len(known)
            if is_there and inner is not None and not is_whole(field):
                place = names.index(name)
                rest = {key: value for key, value in entry.items() if key != "name"}
                self.lay(known[place], rest, inner, (*at, place))
            elif mark_of(field) is None:
                self.missed.append(f"{at[-1]}[{make_visible(str(name), one_line=True)}]")
            else:
                self.document.files[(*at, len(known))] = self.path
                known.append(entry)


def read_changeable(path: Path) -> bytes | None:
    """Give what lies there; None where nothing does.

    Raises:
        OSError: It cannot be read, is no file, or is too large.
        StrangeLinkError: A link leads there.
    """
    if path.is_symlink():  # also one of our own
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))
    try:
        with entered(path) as place:
            return read_entered(place, MOST_BYTES)[0]
    except (FileNotFoundError, NotADirectoryError):
        return None


def read_whole(
    path: Path, content: bytes | None = None, instead: Mapping[Path, bytes] | None = None
) -> Document:
    """Read an estate, the changeable part as well; mistakes are collected, never raised.

    Args:
        path: The main file.
        content: What the changeable part is to hold; None for what it holds.
        instead: What files of root are to hold, see `read_document`.
    """
    document = read_document(path, instead)
    add_changeable(document, content)
    return document


def add_changeable(document: Document, content: bytes | None = None) -> Laid:
    """Lay the changeable part under a document; what is wrong with it is added to its problems.

    Args:
        document: Root's files, as read.
        content: What the part is to hold; None for what it holds.

    Returns:
        What has no effect.
    """
    path = changeable_path(document)
    laid, mistakes = Laid(document, path), len(document.problems)
    content = _read(path, document) if content is None else content
    part = None if content is None else parse_into(document, path, content)
    if part is None:
        return laid
    document.changeable = path
    if _is_deep(part):
        document.add_problem("", TOO_DEEP, DEEP_FIX, path)
        return laid
    for place in find_refused(part, Estate):
        document.add_problem(
            make_visible(render_key(place, part), one_line=True),
            "this may not stand in the part that the service itself writes",
            "remove it here; it is root's to say, in the estate file. Here may stand: {open}",
            path,
            open=", ".join(list_open(Estate)),
        )
    for place in _find_commanding(part):
        document.add_problem(
            ".".join(map(str, place)),
            "the text holds a character that commands a terminal",
            "type the text again, on one line",
            path,
        )
    if len(document.problems) == mistakes:
        laid.lay(document.data, part, Estate, ())
    return laid


def _read(path: Path, document: Document) -> bytes | None:
    try:
        return read_changeable(path)
    except (OSError, StrangeLinkError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        fix = N_("look at it and at who put it there; the service's user has to read it")
        document.add_problem("", UNREADABLE, fix, path, reason=reason)
    return None


def _is_deep(part: dict[str, Any]) -> bool:
    """Tell whether something lies deeper than anything that may stand here; without recursion."""
    layer: list[Any] = [part]
    for _level in range(_DEEPEST):
        tables = [it.values() if isinstance(it, dict) else it for it in layer]
        layer = [it for below in tables for it in below if isinstance(it, dict | list)]
    return bool(layer)


def _find_commanding(value: object, at: Location = ()) -> Iterator[Location]:
    if isinstance(value, str) and make_visible(value, one_line=True) != value:
        yield at
    entries: Mapping[Any, object] = value if isinstance(value, dict) else {}
    if isinstance(value, list):
        entries = dict(enumerate(value))
    for key, item in entries.items():
        yield from _find_commanding(item, (*at, key))
