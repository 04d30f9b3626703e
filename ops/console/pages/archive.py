"""The archive: what portals said, found by words; one item of it; a month of captured pages."""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, date, datetime
from itertools import islice
from typing import Any
from urllib.parse import quote

from archive.errors import ArchiveError
from archive.metadata.item import ITEM_FILE, Item, parse_item
from archive.metadata.text import read_text
from archive.search.fold import split_hits
from archive.search.index import Wanted
from ops.archives.cli import PARTS, VERSIONS, find_entries, list_versions
from ops.archives.cli_status import PAGES, PLACES
from ops.archives.item import (
    Named,
    changed_fields,
    changed_files,
    changed_words,
    find_item,
    infected_parts,
)
from ops.archives.places import opened_index, own_places
from ops.archives.replay import list_months
from ops.console.office.captured import GOOD_FOR, MONTHS, RIGHT
from ops.console.office.desk import Desk
from ops.console.page import Arguments, Page, number_of
from ops.estate.model.estate import Estate
from ops.language.text import N_
from ops.terminal.document import plain
from ops.terminal.output import Cell
from ops.terminal.view import Column, Row, View, as_table, moment

_ROWS = 50
_LONGEST_SEARCH = 300
_SHOWN = ("text", "site", "content_class", "since", "until", "after", "order")


def read(desk: Desk, arguments: Arguments) -> Mapping[str, object]:
    """Give what was found, the best first, and how the archive stands.

    Args:
        desk: Where.
        arguments: `text`, `site`, `content_class`, `since`, `until`: what is looked for; `order`:
            `day` for the newest first; `after`: id of the last item of the page before.
    """
    asked = {name: arguments.get(name, "")[:_LONGEST_SEARCH] for name in _SHOWN}
    is_there = own_places(desk.estate)[0].folder.is_dir() if desk.estate.archive else False
    found, count = _search(desk.estate, asked) if is_there else ([], 0)
    is_first = not asked["after"]
    by_day = bool(asked["after"]) or asked["order"] == "day" or not asked["text"]
    standing = desk.look("archive.status") if is_there and is_first else None
    zone = desk.estate.organisation.timezone
    return {
        **asked,
        "is_there": is_there,
        "items": found[:_ROWS],
        "count": count,
        "more": found[_ROWS - 1]["id"] if len(found) > _ROWS and by_day else "",
        "sort": len(found) > _ROWS and not by_day,
        "standing": standing,
        "places": as_table(PLACES, standing["places"], zone=zone) if standing else None,
        "pages": as_table(PAGES, standing["pages"], zone=zone) if standing else None,
        "sites": sorted(it.name for it in desk.estate.sites),
        "classes": [(it.name, it.title or it.name) for it in desk.estate.classes],
        "months": list_months(desk.estate) if is_there and is_first else [],
    }


def _search(estate: Estate, asked: Mapping[str, str]) -> tuple[list[dict[str, Any]], int]:
    wanted = Wanted(
        text=asked["text"],
        site=asked["site"],
        content_class=asked["content_class"],
        since=_day(asked["since"]),
        until=_day(asked["until"]),
        limit=_ROWS + 1,
        newest_first=asked["order"] == "day",
        after=asked["after"],
    )
    with opened_index(own_places(estate)[0], read_only=True) as index:
        found = find_entries(index, wanted)
    titles = {it.name: it.title or it.name for it in estate.classes}
    return [
        {
            **asdict(it),
            "parts": split_hits(it.title, asked["text"]),
            "class_title": titles.get(it.content_class, it.content_class),
        }
        for it in found.entries
    ], found.count


def _day(text: str) -> date | None:
    """Read a day of a form; what is none does not count."""
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        return None


PAGE = Page(
    name="archive",
    title=N_("Archive"),
    task="archive.search",
    read=read,
    reads=("text", "site", "content_class", "since", "until", "after", "order"),
    group="copies",
)


_MOST_PARTS, _MOST_VERSIONS, _MOST_LINES, _LONGEST = 100, 100, 200, 20_000
_PARTS = View(
    PARTS.empty, *PARTS.columns, Column("sha256", "SHA-256", of=lambda row: row.get("sha256", ""))
)


def read_item(desk: Desk, arguments: Arguments) -> Mapping[str, object]:
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


ITEM_PAGE = Page(
    name="item",
    title=N_("Archived item"),
    task="archive.show",
    read=read_item,
    reads=("item", "version", "text"),
    acts=("archive.export",),
)


_ADDRESSES = 100
_LONGEST_ADDRESS = 2_000
_ADDRESS = "/captured?site={site}&month={month}&at={at}&address={address}"
CAPTURED = View(
    N_("No page is like that."),
    Column("address", N_("Address"), link=_ADDRESS),
    Column("moment", N_("Captured"), moment),
)


def read_captured(desk: Desk, arguments: Arguments) -> Mapping[str, object]:
    """Give the pages of a month, by address.

    Args:
        desk: Where.
        arguments: `site`; `month`, the newest where none is named; `text`: part of an address;
            `from`: how many come before; `address` and `at`: one page alone, of that moment.
    """
    if not arguments.get("site"):
        return {"site": "", "address": ""}
    site = desk.estate.site(arguments.get("site", ""))
    month, kept = MONTHS.get(desk.estate, site.name, arguments.get("month", ""))
    text, skip = arguments.get("text", "")[:_LONGEST_ADDRESS], number_of(arguments, "from")
    address = arguments.get("address", "")[:_LONGEST_ADDRESS]
    at, most = arguments.get("at", "")[:20], 0 if address else _ADDRESSES + 1
    found = list(islice(kept.index.pages(text, skip, _ADDRESSES + 1), most))
    items = [
        {
            "site": site.name,
            "month": month,
            "address": it.url,
            "moment": it.moment,
            "at": it.stamp,
        }
        for it in found[:_ADDRESSES]
    ]
    return {
        "site": site.name,
        "site_title": desk.estate.title_at(site.name),
        "month": month,
        "text": text,
        "address": address,
        "at": at,
        "moment": _moment_of(at),
        "list": as_table(CAPTURED, items, zone=desk.estate.organisation.timezone),
        "next": skip + _ADDRESSES if len(found) > _ADDRESSES else None,
        "infected": infected_parts(parse_item(kept.stored.read(ITEM_FILE))),
        "minutes": GOOD_FOR.total_seconds() // 60,
    }


def _moment_of(stamp: str) -> str:
    """Give a capture's moment, as JSON has it; empty where an address names none."""
    try:
        return datetime.strptime(stamp, "%Y%m%d%H%M%S").replace(tzinfo=UTC).isoformat()
    except ValueError:
        return ""


CAPTURED_PAGE = Page(
    name="captured",
    title=N_("Captured pages"),
    task=RIGHT,
    read=read_captured,
    reads=("site", "month", "text", "from", "address", "at"),
)
