"""Papers: which kinds there are, what was made lately, what was issued, what was asked for."""

import json
from collections.abc import Mapping

from sqlalchemy import select

from ops.access.rights import RIGHTS
from ops.catalog.tables.core import JournalRow
from ops.console.office.desk import Desk
from ops.console.page import Arguments, Page
from ops.language.text import N_
from ops.reports.cli import MADE

_LATELY = 20
_TIME, _ASKED = ("from_", "to"), ("requester", "reference", "due")
_ALWAYS_HIDDEN = ("number", "date")
_HIDDEN: Mapping[str, tuple[str, ...]] = {
    "year": ("site", "of", *_TIME, *_ASKED),
    "time": ("site", "of"),
    "site": ("of", *_TIME, *_ASKED),
    "drill": ("year", "site", *_TIME, *_ASKED),
    "stop": ("year", "site", *_TIME, *_ASKED),
    "day": ("year", "site", "of", *_TIME, *_ASKED),
}
"""What a kind is about → flags that its form leaves out."""


def read(desk: Desk, arguments: Arguments) -> Mapping[str, object]:
    """Give the kinds of papers and those made last; `kind` chooses the one whose form is open."""
    kinds = desk.look("report.kinds")["items"]
    for kind in kinds:
        hidden = (*_HIDDEN.get(kind["needs"], ()), *_ALWAYS_HIDDEN)
        kind["given"] = {"kind": kind["kind"], **dict.fromkeys(hidden, "")}
    query = select(JournalRow.at, JournalRow.person, JournalRow.login, JournalRow.subject,
                   JournalRow.details)  # fmt: skip
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
        "asked": _read_requests(desk),
    }


def _read_requests(desk: Desk) -> list[object] | None:
    """Give what was asked for once and is due; None where nobody keeps that, or may see it."""
    task = "report.requests"
    if task not in RIGHTS or not desk.may(task):
        return None
    found: list[object] = desk.look(task)["items"]
    return found


PAGE = Page(
    name="reports", title=N_("Reports"), task="report.kinds", read=read, group="duty",
    acts=("report.make", "report.issue"),
)  # fmt: skip
