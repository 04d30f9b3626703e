"""The archive: what portals said, found by words with marks or without; whether it is intact."""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import date
from typing import Any

from archive.search.fold import split_hits
from archive.search.index import Wanted
from ops.archives.cli import find_entries
from ops.archives.cli_status import PAGES, PLACES
from ops.archives.places import opened_index, own_places
from ops.archives.replay import list_months
from ops.console.office.desk import Desk
from ops.console.page import Arguments, Page
from ops.estate.model.estate import Estate
from ops.language.text import N_
from ops.terminal.view import as_table

_ROWS = 50
_LONGEST = 300
_SHOWN = ("text", "site", "content_class", "since", "until", "after", "order")


def read(desk: Desk, arguments: Arguments) -> Mapping[str, object]:
    """Give what was found, the best first, and how the archive stands.

    Args:
        desk: Where.
        arguments: `text`, `site`, `content_class`, `since`, `until`: what is looked for; `order`:
            `day` for the newest first; `after`: id of the last item of the page before.
    """
    asked = {name: arguments.get(name, "")[:_LONGEST] for name in _SHOWN}
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
