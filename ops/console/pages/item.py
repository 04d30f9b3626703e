"""One archived item: where it comes from, its files with their digests, versions, what changed."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from archive.errors import ArchiveError
from archive.metadata.item import Item
from archive.metadata.text import read_text
from archive.search.fold import split_hits
from ops.archives.cli import PARTS, VERSIONS, list_versions
from ops.archives.differences import changed_fields, changed_files, changed_words
from ops.archives.find import Named, find_item
from ops.console.office.desk import Desk
from ops.console.page import Arguments, Page
from ops.language.text import N_
from ops.terminal.document import plain
from ops.terminal.output import Cell
from ops.terminal.view import Column, Row, View, as_table

_MOST_PARTS, _MOST_VERSIONS, _MOST_LINES, _LONGEST = 100, 100, 200, 20_000
_PARTS = View(
    PARTS.empty,
    *PARTS.columns,
    Column("sha256", "SHA-256", of=lambda row: row.get("sha256", "")),
)


def read(desk: Desk, arguments: Arguments) -> Mapping[str, object]:
    """Give an item.

    Args:
        desk: Where.
        arguments: `item`: its id; `version`: which of its versions, and what that one changed;
            `text`: words to mark in it.
    """
    wanted, version = arguments.get("item", "")[:200], arguments.get("version", "")[:10]
    if not wanted:
        return {"item": None}
    named = find_item(desk.estate, wanted)
    item = named.item(version)
    numbers = [f"v{it}" for it in range(1, len(named.stored.inventory.versions) + 1)]
    shown = version or numbers[-1]
    before = numbers[numbers.index(shown) - 1] if shown in numbers[1:] else ""
    described: Any = plain(_builtins(item))
    titles = {it.name: it.title or it.name for it in desk.estate.classes}
    return {
        "item": described,
        "parts": as_table(_PARTS, described["parts"][:_MOST_PARTS]),
        "class_title": titles.get(item.content_class, item.content_class),
        "version": shown,
        "versions": as_table(
            VERSIONS,
            list_versions(named)[-_MOST_VERSIONS:],
            zone=desk.estate.organisation.timezone,
            beside={"version": lambda it: Cell(it["version"], link=_page_of(wanted, it))},
        ),
        "before": before,
        "changes": _changes(named, before, shown) if before else None,
        "body": split_hits(_body(named, item, shown), arguments.get("text", "")[:300]),
        "text": arguments.get("text", "")[:300],
    }


def _builtins(item: Item) -> dict[str, Any]:
    import msgspec

    found: dict[str, Any] = msgspec.to_builtins(item)
    return {"identifier": "", "creators": [], "addresses": [], "published": "", "withdrawn": "",
            "created": "", "fields": {}, "refused": [], "parts": [], **found}  # fmt: skip


def _page_of(item: str, row: Row) -> str:
    return f"/item?item={quote(item, '')}&version={row['version']}"


def _changes(named: Named, before: str, after: str) -> dict[str, Any]:
    """Give what a version changed in fields, files and words."""
    items = named.item(before), named.item(after)
    words = list(changed_words(named.stored, (before, after), items))
    return {
        "fields": [
            {"field": field, "old": str(plain(old)), "new": str(plain(new))}
            for field, old, new in changed_fields(*items)
        ][:_MOST_LINES],
        "files": changed_files(*items)[:_MOST_LINES],
        "words": words[:_MOST_LINES],
    }


def _body(named: Named, item: Item, version: str) -> str:
    """Give the beginning of its words; empty where they cannot be read."""
    body = next((it for it in item.parts if it.role == "body"), None)
    if body is None:
        return ""
    try:
        found = read_text(body, named.stored.read(body.path, version))
    except ArchiveError:
        return ""
    return found.words[:_LONGEST] if found else ""


PAGE = Page(
    name="item",
    title=N_("Archived item"),
    task="archive.show",
    read=read,
    reads=("item", "version", "text"),
    acts=("archive.export",),
)
