"""Hosts, devices and stores as they were last seen, what is red first."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from ops.alerts.watch import read_states
from ops.charts.lines import draw_sparkline
from ops.console.office.desk import Desk
from ops.console.page import Arguments, Page
from ops.console.subjects import describe_subject
from ops.language.text import N_, _
from ops.monitor.forecast.wording import EXPLANATIONS
from ops.monitor.overview import COLUMNS, HEADS, largest_of, look_around

_KINDS = ("host", "device", "store")


def read(desk: Desk, arguments: Arguments) -> Mapping[str, object]:
    """Give each thing with its newest figures; `health` among the arguments: only those."""
    wanted = arguments.get("health", "")
    found, trouble = look_around(desk.estate, desk.catalog, desk.now, _KINDS)
    shown = [it for it in found if not wanted or it.health == wanted]
    with desk.catalog.reading() as session:
        states = read_states(session).values()
    return {
        "kinds": [
            {
                "name": kind,
                "heads": [_(head) for head, _metric in COLUMNS[kind]],
                "title": _(HEADS[kind]),
                "items": [_row(it, kind) for it in shown if it.subject.startswith(f"{kind}:")],
            }
            for kind in _KINDS
        ],
        "counts": {it: sum(one.health == it for one in found)
                   for it in ("bad", "passing", "not_checked", "good")},
        "full_soon": [
            {**describe_subject(it.subject), "told": EXPLANATIONS[it.code](it.params).what}
            for it in states if it.code in EXPLANATIONS and it.state == "bad"
        ],
        "trouble": trouble,
        "health": wanted,
    }  # fmt: skip


def _row(it: Any, kind: str) -> dict[str, Any]:
    return {
        **describe_subject(it.subject),
        "page": f"/server?{kind}={quote(it.subject.partition(':')[2], safe='')}",
        "health": it.health,
        "values": [largest_of(it, metric) for _head, metric in COLUMNS[kind]],
        "line": draw_sparkline(it.line, low=0.0) if any(it.line) else "",
    }


PAGE = Page(
    name="servers", title=N_("Servers"), task="monitor.status", read=read, reads=("health",),
    acts=("monitor.check",), group="infrastructure",
)  # fmt: skip
