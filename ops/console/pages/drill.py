"""The minutes of one drill: what was aimed at, what was reached, and the evidence."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ops.catalog.find import find_by_id
from ops.catalog.tables.drills import DrillFinding
from ops.console.office.desk import Desk
from ops.console.page import Arguments, Page
from ops.drills.minutes.minutes import Minutes, read_minutes
from ops.drills.minutes.tables import (
    course_rows,
    measure_rows,
    page_rows,
    part_rows,
    shortcoming_rows,
)
from ops.drills.minutes.verdict import ARCHIVE_PARTS, RTO_PARTS
from ops.language.text import N_, _
from ops.terminal.output import Cell

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


def _tables(desk: Desk, minutes: Minutes) -> list[dict[str, Any]]:
    """Give the tables of the minutes, as the terminal writes them."""
    results = minutes.results
    titles = {it.name: it.title for it in desk.estate.people}
    site = minutes.scenario["site"]
    order = ARCHIVE_PARTS if "items" in results else RTO_PARTS
    zone = desk.estate.organisation.timezone
    made = [
        _table(_("Aimed at and reached"), (_("Content"), _("Wanted"), _("Reached"), _("Result")),
               measure_rows(results)),
        _table(_("Course"), (_("Hour"), _("Step"), _("Carried out by"), _("Result"), _("Took")),
               course_rows(minutes, zone)),
        _table(_("Web pages"), (_("Page"), _("Result"), _("Stays"), _("Wanted"), _("Alike")),
               page_rows(results["pages"])),
        _table(_("Where the time went"), (_("Part"), _("Took")),
               (row[:2] for row in part_rows(results["rto"]["parts"], order))),
        _table(_("Shortcomings"), (_("What"), _("What to do"), _("Answerable"), _("By when")),
               shortcoming_rows(minutes.shortcomings, site, titles)),
    ]  # fmt: skip
    return [it for it in made if it["rows"]]


def _table(
    title: str, heads: Sequence[str], rows: Iterable[Sequence[str | Cell]]
) -> dict[str, Any]:
    shown = [
        [_cell(it) for it in row] for _number, row in zip(range(_MOST_ROWS), rows, strict=False)
    ]
    return {"title": title, "heads": heads, "rows": shown}


def _cell(cell: str | Cell) -> dict[str, str]:
    if isinstance(cell, Cell):
        return {"text": cell.text, "tone": cell.tone}
    return {"text": cell, "tone": "plain"}


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
    name="drill", title=N_("Minutes of a drill"), task="drill.show", read=read,
    reads=("drill", "finding"),
    acts=("report.drill", "drill.run", "register.add"),
)  # fmt: skip
