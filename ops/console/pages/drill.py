"""The minutes of one drill: what was aimed at, what was reached, and the evidence."""

from collections.abc import Mapping
from itertools import islice
from typing import Any

from ops.catalog.find import find_by_id
from ops.catalog.tables.drills import DrillFinding
from ops.console.office.desk import Desk
from ops.console.page import Arguments, Page
from ops.drills.minutes.minutes import Minutes, read_minutes
from ops.drills.minutes.tables import (
    COURSE,
    MEASURES,
    PAGES,
    SHARES,
    SHORTCOMINGS,
    course_rows,
    measure_rows,
    page_rows,
    part_rows,
    shortcoming_rows,
)
from ops.language.text import N_, _
from ops.terminal.view import as_made

_MOST_ROWS = 200


def read(desk: Desk, arguments: Arguments) -> Mapping[str, object]:
    """Give the drill that `drill` names, or that has shown `finding`; nothing without one."""
    wanted = arguments.get("drill", "") or _drill_of(desk, arguments.get("finding", ""))
    if not wanted:
        return {"drill": None}
    drill = desk.look("drill.show", drill=wanted[:80])["items"][0]
    minutes = drill.pop("minutes")
    return {
        "drill": drill,
        "minutes": minutes,
        "tables": [] if minutes is None else _tables(desk, read_minutes(minutes)),
        "evidence": [] if minutes is None else _evidence(minutes),
    }


def _drill_of(desk: Desk, finding: str) -> str:
    with desk.catalog.reading() as session:
        row = find_by_id(session, DrillFinding, finding[:80])
    return row.drill.hex if row else ""


def _tables(desk: Desk, minutes: Minutes) -> list[tuple[str, object]]:
    """Give the tables of the minutes, as the terminal writes them."""
    results, site = minutes.results, minutes.scenario["site"]
    titles = {it.name: it.title for it in desk.estate.people}
    made = (
        (_("Aimed at and reached"), MEASURES, measure_rows(results)),
        (_("Course"), COURSE, course_rows(minutes, desk.estate.organisation.timezone)),
        (_("Web pages"), PAGES, page_rows(results["pages"])),
        (_("Where the time went"), SHARES, part_rows(results)),
        (_("Shortcomings"), SHORTCOMINGS, shortcoming_rows(minutes.shortcomings, site, titles)),
    )
    tables = [(title, as_made(heads, islice(rows, _MOST_ROWS))) for title, heads, rows in made]
    return [(title, table) for title, table in tables if table["rows"]]


def _evidence(minutes: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Give what whoever doubts it can look for."""
    copy, results = minutes["copy"], minutes["results"]
    found = [
        (_("Snapshot"), copy.get("snapshot", "")),
        (_("Store"), " · ".join(filter(None, (copy.get("store"), copy.get("location"))))),
        (_("Restored with"), copy.get("restored_with", "")),
        (_("SHA-256 of the list of hashes"), results.get("hash_list", "")),
    ]
    return [(name, value) for name, value in found if value]


PAGE = Page(
    name="drill",
    title=N_("Minutes of a drill"),
    task="drill.show",
    read=read,
    reads=("drill", "finding"),
    acts=("report.drill", "drill.run", "register.add"),
)
