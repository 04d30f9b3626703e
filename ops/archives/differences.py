"""What changed between two versions of an item, in fields and in words; pure."""

import difflib
from collections.abc import Iterator
from typing import Any

import msgspec

from archive.errors import ArchiveError
from archive.metadata.item import Item
from archive.metadata.text import read_text
from archive.ocfl.root import StoredObject

_PASSED_OVER = frozenset({"schema", "archived", "parts", "nonce", "retention"})
_MOST_LINES = 2_000
_MOST_SHOWN = 200


def changed_fields(before: Item, after: Item) -> list[tuple[str, Any, Any]]:
    """Give (field, before, after) of what differs, files left out."""
    old, new = msgspec.to_builtins(before), msgspec.to_builtins(after)
    names = [it for it in Item.__struct_fields__ if it not in _PASSED_OVER]
    return [(it, old.get(it), new.get(it)) for it in names if old.get(it) != new.get(it)]


def changed_files(before: Item, after: Item) -> list[tuple[str, str]]:
    """Give (path, `new`, `gone` or `changed`), in order."""
    old = {it.path: it.sha512 for it in before.parts}
    new = {it.path: it.sha512 for it in after.parts}
    kinds = {path: _kind(old.get(path), new.get(path)) for path in sorted({*old, *new})}
    return [(path, kind) for path, kind in kinds.items() if kind]


def changed_words(
    stored: StoredObject, versions: tuple[str, str], items: tuple[Item, Item]
) -> Iterator[str]:
    """Yield the lines of the body that differ, with `-` and `+` before them."""
    before, after = (_lines(stored, item, it) for item, it in zip(items, versions, strict=True))
    lines = difflib.unified_diff(before, after, lineterm="", n=1)
    for number, line in enumerate(lines):
        if number == _MOST_SHOWN:
            return
        if not line.startswith(("---", "+++", "@@")):
            yield line


def _lines(stored: StoredObject, item: Item, version: str) -> list[str]:
    body = next((it for it in item.parts if it.role == "body"), None)
    if body is None:
        return []
    try:
        read = read_text(body, stored.read(body.path, version))
    except ArchiveError:
        return []
    words = read.words if read else ""
    return words.replace(". ", ".\n").splitlines()[:_MOST_LINES]


def _kind(old: str | None, new: str | None) -> str:
    if old is None:
        return "new"
    if new is None:
        return "gone"
    return "changed" if old != new else ""
