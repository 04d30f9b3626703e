"""Where a page about something is: a subject, or a row that proves something.

`host:web1/disk:/var` has the page of its host. Every address names its arguments in plain text
here, so that a test can hold them against what the page reads.
"""

from collections.abc import Mapping
from urllib.parse import quote

from ops.alerts.silences import FORECAST
from ops.alerts.subjects import name_subject
from ops.monitor.samples.sample import THIS_MACHINE
from ops.terminal.output import Cell

AUDITED = "localhost"
"""What audits call this machine."""

_PAGES: Mapping[str, str] = {
    **dict.fromkeys(("site", "late", "frozen"), "/site?site="),
    "host": "/server?host=",
    "device": "/server?device=",
    "store": "/server?store=",
}

_ROWS: Mapping[str, str] = {
    "alert": "/alerts?alert=", "asset": "/assets?asset=", "documents": "/documents?id=",
    "drill": "/drill?drill=", "drill-finding": "/drill?finding=", "drill_findings":
    "/drill?finding=", "drills": "/drill?drill=", "duty": "/duty?duty=",
    "finding": "/findings?id=", "journal": "/journal?sequence=", "quotation": "/documents?id=",
    "register": "/entry?id=", "register_entries": "/entry?id=", "run": "/run?id=",
    "runs": "/run?id=", **dict.fromkeys(("changes", "minutes", "snapshots", "stores_seen"),
    "/site?site="),
}  # fmt: skip
"""Kind of a row, as plans, duties and the register call it → the page that shows it alone."""


def page_of(subject: str) -> str:
    """Give the path of the page about a subject; empty where nothing has one of its own."""
    kind, _colon, rest = subject.removeprefix(FORECAST).partition(":")
    name = rest.partition("/")[0]
    if kind == "host" and name == AUDITED:
        name = THIS_MACHINE
    if kind in _PAGES and name:
        return _PAGES[kind] + quote(name, safe="")
    return "/servers" if kind == "line" else ""


def page_of_row(kind: str, row: str) -> str:
    """Give the path of the page that shows a row alone; empty where none does.

    Args:
        kind: As plans, duties and the register call it.
        row: Its id; `NAME@PERIOD` and `NAME:SUBJECT` of a duty, `YEAR-NUMBER` of an item of a plan,
            a subject with what is forecast of it.
    """
    if kind == "forecast":
        return page_of(row)
    if kind == "plan":
        year, _hyphen, item = row.partition("-")
        return f"/plan?year={quote(year)}&item={quote(item)}"
    if kind == "duty":
        name, _at, period = row.partition("@")
        when = zip(("&year=", "&month="), period.split("-"), strict=False)
        told = "".join(f"{flag}{it}" for flag, it in when if it.isdecimal())
        return f"/duty?duty={quote(name.partition(':')[0], safe='')}{told}"
    return _ROWS[kind] + quote(row, safe="") if kind in _ROWS and row else ""


def describe_subject(subject: str) -> dict[str, str]:
    """Give what a page shows of a subject: its name in the reader's language, and its page."""
    named = f"host:{THIS_MACHINE}" if subject == f"host:{AUDITED}" else subject
    return {"subject": subject, "name": name_subject(named), "page": page_of(subject)}


def link(subject: str) -> Cell:
    """Give a subject as a list of a page shows it."""
    about = describe_subject(subject)
    return Cell(about["name"], link=about["page"])
