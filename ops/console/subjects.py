"""Where a page about something is: `host:web1/disk:/var` has the page of its host."""

from collections.abc import Mapping
from urllib.parse import quote

from ops.alerts.quiet import FORECAST
from ops.alerts.subjects import name_subject
from ops.monitor.samples.sample import THIS_MACHINE

AUDITED = "localhost"
"""What audits call this machine."""

_PAGES: Mapping[str, str] = {"site": "/site?site=", "host": "/server?host="}


def page_of(subject: str) -> str:
    """Give the path of the page about a subject; empty where nothing has one of its own."""
    kind, _colon, rest = subject.removeprefix(FORECAST).partition(":")
    name = rest.partition("/")[0]
    if kind == "host" and name == AUDITED:
        name = THIS_MACHINE
    if kind in _PAGES and name:
        return _PAGES[kind] + quote(name, safe="")
    return "/servers" if kind in {"device", "store", "line"} else ""


def describe_subject(subject: str) -> dict[str, str]:
    """Give what a page shows of a subject: its name in the reader's language, and its page."""
    named = f"host:{THIS_MACHINE}" if subject == f"host:{AUDITED}" else subject
    return {"subject": subject, "name": name_subject(named), "page": page_of(subject)}
