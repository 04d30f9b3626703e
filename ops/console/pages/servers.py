"""Hosts, devices and stores as they were last seen, what is red first."""

from collections.abc import Mapping

from ops.alerts.watch import read_states
from ops.console.office.desk import Desk
from ops.console.page import Arguments, Page
from ops.console.subjects import describe_subject
from ops.language.text import N_, _
from ops.monitor.forecast.wording import EXPLANATIONS
from ops.monitor.overview import HEADS, HEALTH_TONES, HEALTHS, VIEWS, look_around
from ops.terminal.view import as_table

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
            (_(HEADS[kind]), as_table(VIEWS[kind], seen))
            for kind in _KINDS
            if (seen := [it for it in shown if it.subject.startswith(f"{kind}:")])
        ],
        "counts": [
            (it, HEALTH_TONES[it], f"{_(text)}: {count}")
            for it, text in HEALTHS.items()
            if (count := sum(one.health == it for one in found))
        ],
        "full_soon": [
            {**describe_subject(it.subject), "told": EXPLANATIONS[it.code](it.params).what}
            for it in states
            if it.code in EXPLANATIONS and it.state == "bad"
        ],
        "trouble": trouble,
    }


PAGE = Page(
    name="servers",
    title=N_("Servers"),
    task="monitor.status",
    read=read,
    reads=("health",),
    acts=("monitor.check",),
    group="infrastructure",
)
