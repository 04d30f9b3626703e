"""What needs a person, first: the page everybody begins with."""

from collections.abc import Mapping

from ops.console.office.desk import Desk
from ops.console.page import Arguments, Page
from ops.language.text import N_


def read(desk: Desk, _arguments: Arguments) -> Mapping[str, object]:
    """Give what is red and yellow, the alerts about it, and the requests that wait."""
    status = desk.look("backup.status")
    alerts = desk.look("monitor.alerts") if desk.may("monitor.alerts") else {"items": []}
    waiting = desk.look("approval.list") if desk.may("approval.list") else {"items": []}
    of_alerts = {it["subject"]: it for it in alerts["items"]}
    problems = [{**it, "alert": of_alerts.get(it["subject"])} for it in status["problems"]]
    states = [it["state"] for it in status["items"]]
    return {
        "red": [it for it in problems if it["level"] == "red"],
        "yellow": [it for it in problems if it["level"] == "yellow"],
        "sites": {"all": len(states), **{it: states.count(it) for it in ("ok", "yellow", "red")}},
        "waiting": [it for it in waiting["items"] if it["state"] == "waiting"],
        "is_service_running": status["is_service_running"],
        "now": status["now"],
    }


PAGE = Page(
    name="today",
    title=N_("Today"),
    task="backup.status",
    read=read,
    acts=("monitor.ack",),
    group="now",
)
