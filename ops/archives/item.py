"""An item as a person names it, by id or address, and what changed between two of its versions."""

import difflib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import msgspec

from archive.errors import ArchiveError
from archive.metadata.findings import INFECTED
from archive.metadata.item import ITEM_FILE, Item, parse_item
from archive.metadata.text import read_text
from archive.ocfl.root import StoredObject
from archive.search.index import Entry, Found, ItemIndex, Wanted
from ops.archives.places import Place, opened_index, own_places
from ops.errors import WrongUseError
from ops.estate.model.estate import Estate
from ops.language.formats import format_id

_FEWEST_DIGITS = 4


@dataclass(frozen=True, slots=True)
class Named:
    """An item that was found.

    Attributes:
        place: Its root.
        entry: As the index has it.
        stored: The object.
    """

    place: Place
    entry: Entry
    stored: StoredObject

    def item(self, version: str = "") -> Item:
        """Give its description in a version, the newest when none is named.

        Raises:
            ObjectNotFoundError: There is no such version.
            ObjectDamagedError: It is not what it was.
        """
        return parse_item(self.stored.read(ITEM_FILE, version))


def infected_parts(item: Item) -> list[str]:
    """Give what a scanner found in files that were kept all the same, when they came."""
    return [it.malware for it in item.parts if it.malware.startswith(INFECTED)]


def find_by_address(index: ItemIndex, wanted: Wanted) -> Found:
    """Find what has or had an address, also where people write it a little otherwise.

    Tried are the address itself, without its fragment, with and without the last slash, by HTTP
    and HTTPS; the first of these that fits counts.
    """
    plain = wanted.address.strip().partition("#")[0]
    scheme, mark, rest = plain.partition("://")
    scheme = scheme.lower() if mark else scheme
    other = {"http": "https", "https": "http"}.get(scheme, scheme)
    forms = [f"{it}{mark}{rest.rstrip('/')}" for it in (scheme, other)] if mark else [plain]
    for form in dict.fromkeys(
        [wanted.address, plain, *(f"{it}{end}" for it in forms for end in ("", "/"))]
    ):
        found = index.search(replace(wanted, address=form)) if form else Found((), 0)
        if found.entries:
            return found
    return Found((), 0)


def find_item(estate: Estate, text: str, *, private: bool = False) -> Named:
    """Give the one item that is meant.

    Args:
        estate: The estate in force.
        text: Beginning or end of an id, four digits at least; or an address.
        private: Look among access grades 3 and 4 instead.

    Raises:
        WrongUseError: None is, or several are.
    """
    place = own_places(estate)[1 if private else 0]
    with opened_index(place, read_only=True) as index:
        ids = index.ids_like(text.lower()) if len(text) >= _FEWEST_DIGITS else []
        if not ids:
            ids = [it.id for it in find_by_address(index, Wanted(address=text, limit=10)).entries]
        if len(ids) != 1:
            raise WrongUseError(
                '"{text}" names no item' if not ids else '"{text}" names several items',
                why="it fits: {ids}" if ids else "",
                next_step="`{program} archive.search --text WORDS` shows ids",
                text=text,
                ids=", ".join(map(format_id, ids)),
            )
        entry = index.entry(ids[0])
    if entry is None:
        raise LookupError(ids[0])
    return Named(place, entry, place.root().find(entry.id))


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
