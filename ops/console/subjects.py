"""Where a page about something is: `host:web1/disk:/var` has the page of its host."""

from collections.abc import Mapping
from urllib.parse import quote

from ops.alerts.quiet import FORECAST
from ops.alerts.subjects import name_subject

_PAGES: Mapping[str, str] = {"site": "/site?site=", "host": "/server?host="}


def page_of(subject: str) -> str:
    """Give the path of the page about a subject; empty where nothing has one of its own."""
    kind, _colon, rest = subject.removeprefix(FORECAST).partition(":")
    name = rest.partition("/")[0]
    if kind in _PAGES and name:
        return _PAGES[kind] + quote(name, safe="")
    return "/servers" if kind in {"device", "store", "line"} else ""


def describe_subject(subject: str) -> dict[str, str]:
    """Give what a page shows of a subject: its name in the reader's language, and its page."""
    return {"subject": subject, "name": name_subject(subject), "page": page_of(subject)}
