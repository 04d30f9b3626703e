"""Papers: which kinds there are, what was made lately, what was issued, what was asked for."""

import json
from collections.abc import Mapping

from sqlalchemy import select

from ops.catalog.tables.core import JournalRow
from ops.console.office.desk import Desk
from ops.console.page import Arguments, Page
from ops.language.text import N_
from ops.reports.make import MADE

_LATELY = 20
_FLAGS = {"year": "year", "from": "from_", "to": "to", "site": "site", "of": "of",
          "request": "request", "number": "number", "date": "date"}  # fmt: skip
"""What a kind may heed → the field of the form."""


def read(desk: Desk, arguments: Arguments) -> Mapping[str, object]:
    """Give the kinds of papers and those made last; `kind` chooses the one whose form is open."""
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
        "asked": desk.look("report.requests")["items"] if desk.may("report.requests") else [],
    }


PAGE = Page(
    name="reports",
    title=N_("Reports"),
    task="report.kinds",
    read=read,
    group="duty",
    reads=("kind",),
    acts=("report.make", "report.issue", "report.request"),
)
