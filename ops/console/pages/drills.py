"""The restore drills of a year as a calendar, which are due, what they left open; the minutes."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, time
from itertools import islice
from typing import Any

from sqlalchemy import select

from ops.catalog.columns import find_by_id
from ops.catalog.tables.drills import Drill, DrillFinding
from ops.charts.calendar import CalendarChart, Square, Tone, draw_calendar
from ops.console.office.desk import Desk
from ops.console.page import Arguments, Page, number_of
from ops.drills.minutes.cli import DRILLS
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
from ops.drills.rotation.due import DUE
from ops.language.formats import format_date
from ops.language.text import N_, _
from ops.outcomes import explain
from ops.terminal.view import View, as_made, as_table

_ROWS = 200
_MOST_DRILLS = 10_000
_TONES: Mapping[str, Tone] = {"ok": "good", "incomplete": "fair", "failed": "bad"}
_ORDER: Sequence[Tone] = ("unknown", "good", "fair", "bad")
_WEEKDAYS = (N_("Mon"), N_("Tue"), N_("Wed"), N_("Thu"), N_("Fri"), N_("Sat"), N_("Sun"))
_FIRST_YEAR = 2000
_IN_MINUTES = {"rto_seconds", "rpo_seconds"}
DRILLS_BEGUN = View(DRILLS.empty, *(it for it in DRILLS.columns if it.key not in _IN_MINUTES))
"""Without what only the minutes tell: of a year these are too much to read."""


def read(desk: Desk, arguments: Arguments) -> Mapping[str, object]:
    """Give the drills of a year; of one site where `site` is among the arguments."""
    this_year = desk.now.astimezone(desk.estate.zone).year
    site = arguments.get("site", "")
    year = number_of(arguments, "year", this_year, least=_FIRST_YEAR, most=this_year)
    drills = read_drills(desk, year, site)
    findings = desk.look("drill.list", findings=True, site=site)["items"]
    due = desk.look("drill.list", due=True)["items"]
    return {
        "year": year,
        "years": [it for it in (year - 1, year + 1) if _FIRST_YEAR <= it <= this_year],
        "site": site,
        "sites": [it.name for it in desk.estate.sites],
        "site_choices": [(it.name, it.title) for it in desk.estate.sites],
        "calendar": draw(desk, drills, year),
        "list": as_table(DRILLS_BEGUN, drills[:_ROWS], zone=desk.estate.organisation.timezone),
        "is_cut": len(drills) > _ROWS,
        "due": as_table(DUE, due[:_ROWS]),
        "findings": [_tell_finding(it) for it in findings[:_ROWS]],
    }


def read_drills(desk: Desk, year: int, site: str = "") -> list[dict[str, Any]]:
    """Give the drills that began in a year of the organisation's, the newest first."""
    names = ("id", "site", "scope", "source", "engine", "from_paper", "store", "started_at",
             "outcome", "reason_code", "params")  # fmt: skip
    first, last = (
        datetime.combine(date(it, 1, 1), time(), desk.estate.zone) for it in (year, year + 1)
    )
    query = select(*(getattr(Drill, it) for it in names)).where(
        Drill.started_at >= first, Drill.started_at < last
    )
    if site:
        query = query.where(Drill.site == site)
    query = query.order_by(Drill.started_at.desc(), Drill.id.desc()).limit(_MOST_DRILLS)
    with desk.catalog.reading() as session:
        return [dict(it) for it in session.execute(query).mappings()]


def draw(desk: Desk, drills: Sequence[Mapping[str, Any]], year: int) -> str:
    """Draw a year of drills; the worst outcome of a day decides."""
    days: dict[date, list[Mapping[str, Any]]] = {}
    for it in drills:
        days.setdefault(it["started_at"].astimezone(desk.estate.zone).date(), []).append(it)
    chart = CalendarChart(
        title=_("Restore drills of {year}").format(year=year),
        summary=_("{count} drills on {days} days").format(count=len(drills), days=len(days)),
        window=(date(year, 1, 1), date(year, 12, 31)),
        squares={day: _judge(found) for day, found in days.items()},
        tones=(
            ("good", _("passed")),
            ("fair", _("incomplete")),
            ("bad", _("failed")),
            ("unknown", _("not checked, or stopped")),
        ),
        weekdays=tuple(map(_, _WEEKDAYS)),
        write_month=lambda day: f"{day:%m/%y}",
        write_day=format_date,
    )
    return draw_calendar(chart)


def _judge(found: Sequence[Mapping[str, Any]]) -> Square:
    tones = [_TONES.get(it["outcome"] or "", "unknown") for it in found]
    names = ", ".join(dict.fromkeys(it["site"] for it in found))
    return Square(max(tones, key=_ORDER.index), names)


def _tell_finding(finding: Mapping[str, Any]) -> dict[str, Any]:
    told = [
        explain(it["code"], it["params"], site=finding["site"]) for it in finding["shortcomings"]
    ]
    return {**finding, "told": told}


PAGE = Page(
    name="drills",
    title=N_("Restore drills"),
    task="drill.list",
    read=read,
    reads=("year", "site"),
    acts=("drill.run",),
    group="copies",
)


_MOST_ROWS = 200


def read_drill(desk: Desk, arguments: Arguments) -> Mapping[str, object]:
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


DRILL_PAGE = Page(
    name="drill",
    title=N_("Minutes of a drill"),
    task="drill.show",
    read=read_drill,
    reads=("drill", "finding"),
    acts=("report.drill", "drill.run", "register.add"),
)
