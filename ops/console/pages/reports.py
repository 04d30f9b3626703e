"""Papers: which kinds there are, what was made and asked for; what a unit says in its report."""

import json
from collections.abc import Mapping

from sqlalchemy import select

from ops.catalog.tables.core import JournalRow
from ops.console.office.desk import Desk
from ops.console.page import Arguments, Page, number_of
from ops.language.text import N_, _
from ops.reports.figures.figure import running_year
from ops.reports.make import MADE
from ops.reports.sections import PARTS, SECTIONS
from ops.terminal.view import as_cells, as_table

_LATELY = 20
_FLAGS = {"year": "year", "from": "from_", "to": "to", "site": "site", "of": "of",
          "request": "request", "number": "number", "date": "date"}  # fmt: skip
"""What a kind may heed → the field of the form."""


def read(desk: Desk, arguments: Arguments) -> Mapping[str, object]:
    """Give the kinds of papers and those made last.

    Args:
        desk: Where.
        arguments: `kind`: whose form is open; `of`: what that paper is about.
    """
    kinds = desk.look("report.kinds")["items"]
    for kind in kinds:
        hidden = [name for flag, name in _FLAGS.items() if flag not in kind["takes"]]
        kind["given"] = {"kind": kind["kind"], **dict.fromkeys(hidden, "")}
    query = select(
        JournalRow.at, JournalRow.person, JournalRow.login, JournalRow.subject, JournalRow.details
    )
    query = query.where(JournalRow.action == MADE).order_by(JournalRow.sequence.desc())
    with desk.catalog.reading() as session:
        rows = session.execute(query.limit(_LATELY)).mappings()
        made = [{**row, "details": json.loads(row["details"])} for row in rows]
    titles = {it["kind"]: it["title"] for it in kinds}
    return {
        "kinds": kinds,
        "titles": titles,
        "made": made,
        "sites": [[it.name, it.title] for it in desk.estate.sites],
        "year": desk.now.astimezone(desk.estate.zone).year,
        "kind": arguments.get("kind", "") if arguments.get("kind", "") in titles else "",
        "of": arguments.get("of", "")[:80],
        "asked": desk.look("report.requests")["items"] if desk.may("report.requests") else [],
    }


PAGE = Page(
    name="reports",
    title=N_("Reports"),
    task="report.kinds",
    read=read,
    group="duty",
    reads=("kind", "of"),
    acts=("report.make", "report.issue", "report.request"),
)


def read_unit(desk: Desk, arguments: Arguments) -> Mapping[str, object]:
    """Give the unit's part of `site` and `year`; without a site how far every unit is."""
    running = running_year(desk.now.astimezone(desk.estate.zone).date(), desk.estate.zone)
    year = number_of(arguments, "year", running, least=1000, most=9999)
    own = desk.own_sites()
    first = "" if desk.may("report.section") or not own else own[0]
    site = arguments.get("site", "") or first
    titles = {it.name: it.title for it in desk.sites("report.section")}
    found = desk.look("report.section", site=site, year=year)["items"]
    titles_of = {"site": lambda row: titles.get(row["site"], row["site"])}
    return {
        "items": found,
        "shown": [as_cells(SECTIONS, it) for it in found] if site else [],
        "list": as_table(SECTIONS, found, beside=titles_of),
        "site": site,
        "title": titles.get(site, ""),
        "titles": titles,
        "own": own,
        "is_own": site in own,
        "year": year,
        "running": running,
        "parts": {name: _(text) for name, text in PARTS.items()},
    }


UNIT_PAGE = Page(
    name="unit",
    title=N_("My unit's report"),
    task="report.section",
    read=read_unit,
    group="duty",
    reads=("site", "year"),
    acts=("report.section", "report.site"),
    is_by_site=True,
)
