"""The alerts: since when, who was told, who has taken each up."""

from collections.abc import Mapping

from ops.console.office.desk import Desk
from ops.console.page import Arguments, Page
from ops.language.text import N_


def read(desk: Desk, arguments: Arguments) -> Mapping[str, object]:
    """Give the alerts; with `alert` among the arguments that one alone, with `all` closed ones."""
    wanted = arguments.get("alert", "")
    found = desk.look("monitor.alerts", all=bool(arguments.get("all") or wanted), pending=True)
    items = [it for it in found["items"] if not wanted or it["id"] == wanted]
    return {**found, "items": items, "alert": wanted, "all": bool(arguments.get("all"))}


PAGE = Page(
    name="alerts", title=N_("Alerts"), task="monitor.alerts", read=read, acts=("monitor.ack",),
    group="now",
)  # fmt: skip
