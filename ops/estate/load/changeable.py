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

from ops.entering import StrangeLinkError, entered, read_entered
from ops.errors import Problem
from ops.estate.load.problems import render_key
from ops.estate.load.read import (
    Document,
    Location,
    changeable_path,
    parse_into,
    read_document,
)
from ops.estate.model.changeable import (
    fields_of,
    find_refused,
    inner_model,
    list_open,
    mark_of,
)
from ops.estate.model.estate import Estate
from ops.language.text import make_visible

MOST_BYTES = 1 << 20
_DEEPEST = 8


@dataclass(slots=True)
class Laid:
    """What of the part has no effect; neither stops anything, for root may change its files first.

    Attributes:
        held: Where both say something else, and root's file holds.
        missed: Entries that root's files do not have.
    """

    held: list[Location] = field(default_factory=list)
    missed: list[str] = field(default_factory=list)


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
    path, laid = changeable_path(document), Laid()
    content = _read(path, document) if content is None else content
    if content is None:
        return laid
    part = parse_into(document, path, content)
    if part is None:
        return laid
    document.changeable = path
    if _is_deep(part):
        document.problems.append(
            Problem(
                "",
                "lists or tables lie too deep inside each other",
                "look for brackets that were never closed, or opened too often",
                {},
                path,
            )
        )
        return laid
    problems = [*_find_refused(part, path), *_find_commanding(part, path)]
    document.problems += problems
    if problems:
        return laid
    _Laying(document, path, laid).table(document.data, part, Estate, ())
    return laid


def _read(path: Path, document: Document) -> bytes | None:
    try:
        return read_changeable(path)
    except (OSError, StrangeLinkError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        fix = "look at it and at who put it there; the service's user has to read it"
        document.problems.append(
            Problem("", "the file cannot be read: {reason}", fix, {"reason": reason}, path)
        )
    return None


def _is_deep(part: dict[str, Any]) -> bool:
    """Tell whether something lies deeper than anything that may stand here; without recursion."""
    layer: list[Any] = [part]
    for _level in range(_DEEPEST):
        tables = [it.values() if isinstance(it, dict) else it for it in layer]
        layer = [it for below in tables for it in below if isinstance(it, dict | list)]
    return bool(layer)


def _find_refused(part: Mapping[str, Any], path: Path) -> Iterator[Problem]:
    for place in find_refused(part, Estate):
        yield Problem(
            make_visible(render_key(place, part), one_line=True),
            "this may not stand in the part that the service itself writes",
            "remove it here; it is root's to say, in the estate file. Here may stand: {open}",
            {"open": ", ".join(list_open(Estate))},
            path,
        )


def _find_commanding(value: object, path: Path, at: Location = ()) -> Iterator[Problem]:
    if isinstance(value, str) and make_visible(value, one_line=True) != value:
        yield Problem(
            ".".join(map(str, at)),
            "the text holds a character that commands a terminal",
            "type the text again, on one line",
            {},
            path,
        )
    entries: Mapping[Any, object] = value if isinstance(value, dict) else {}
    if isinstance(value, list):
        entries = dict(enumerate(value))
    for key, item in entries.items():
        yield from _find_commanding(item, path, (*at, key))


@dataclass(slots=True)
class _Laying:
    """Lays a part under a document.

    Attributes:
        document: Whose values stay.
        path: Of the part.
        laid: What came of it.
    """

    document: Document
    path: Path
    laid: Laid

    def table(
        self, target: dict[str, Any], part: Mapping[str, Any], model: type[BaseModel], at: Location
    ) -> None:
        """Lay a table under another one."""
        fields = fields_of(model)
        for key, value in part.items():
            inner, is_list = inner_model(fields[key])
            location, known = (*at, key), target.get(key)
            if is_list and inner is not None and isinstance(value, list):
                if isinstance(known, list | None):
                    self._list(target.setdefault(key, []), value, (fields[key], inner), location)
            elif known is None:
                target[key] = value
                self.document.files[location] = self.path
            elif isinstance(known, dict) and isinstance(value, dict) and inner is not None:
                self.table(known, value, inner, location)
            elif known != value:
                self.laid.held.append(location)

    def _list(
        self, known: list[Any], entries: list[Any], told: tuple[Any, type[BaseModel]], at: Location
    ) -> None:
        field, inner = told
        mark = mark_of(field)
        names = [it.get("name") for it in known if isinstance(it, dict)]
        is_whole = mark is not None and mark.is_whole
        for entry in entries:
            name = entry.get("name") if isinstance(entry, dict) else None
            if not is_whole and name in names and len(names) == len(known):
                place = names.index(name)
                rest = {key: value for key, value in entry.items() if key != "name"}
                self.table(known[place], rest, inner, (*at, place))
            elif mark is None:
                self.laid.missed.append(f"{at[-1]}[{make_visible(str(name), one_line=True)}]")
            else:
                self.document.files[(*at, len(known))] = self.path
                known.append(entry)
