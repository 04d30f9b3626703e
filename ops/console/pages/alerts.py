"""What is red: today's page; the alerts, who was told and has taken them up, silences."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from urllib.parse import quote

from ops.alerts.silences import FORECAST
from ops.console.office.desk import Desk
from ops.console.page import Arguments, Page
from ops.console.subjects import describe_subject, link
from ops.language.text import N_
from ops.monitor.alert_wording import UNTOLD
from ops.monitor.overview import list_subjects
from ops.security.job import AUDIT_JOB
from ops.terminal.view import as_table


def read_today(desk: Desk, _arguments: Arguments) -> Mapping[str, object]:
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


TODAY_PAGE = Page(
    name="today",
    title=N_("Today"),
    task="backup.status",
    read=read_today,
    acts=("monitor.ack",),
    group="now",
)


_MOST = 100
_SUGGESTED = timedelta(hours=4)
_SILENCED = ("host:", "device:", "site:", "line:", "store:", "watch:")


def read(desk: Desk, arguments: Arguments) -> Mapping[str, object]:
    """Give the alerts, the gravest first.

    Args:
        desk: Where.
        arguments: `alert`: that one alone; `all`: closed ones too; `severity`, `site`: only those.
    """
    wanted = arguments.get("alert", "")
    closed_too = bool(arguments.get("all"))
    found = desk.look("monitor.alerts", all=closed_too or bool(wanted), pending=True)
    chosen = {name: arguments.get(name, "") for name in ("severity", "site")}
    items = [it for it in found["items"] if _is_wanted(it, wanted, chosen)]
    return {
        "items": [_describe(it) for it in items[:_MOST]],
        "count": len(items),
        "critical": sum(it["severity"] == "critical" and not it["closed_at"] for it in items),
        "untold": as_table(
            UNTOLD, found["untold"][:_MOST], beside={"subject": lambda it: link(it["subject"])}
        ),
        "untold_count": len(found["untold"]),
        "silences": [{**it, "about": describe_subject(it["subject"])} for it in found["silences"]],
        "subjects": [(it, describe_subject(it)["name"]) for it in list_subjects(desk.estate)],
        "until": _suggest(desk),
        "alert": wanted,
        "all": closed_too,
        **chosen,
    }


def _is_wanted(it: Mapping[str, Any], wanted: str, chosen: Mapping[str, str]) -> bool:
    if wanted:
        return wanted in {it["id"], it["full_id"]}
    return all(not value or it[name] == value for name, value in chosen.items())


def _describe(it: dict[str, Any]) -> dict[str, Any]:
    under = {
        kind: [describe_subject(one) for one in it["under"][kind][:_MOST]]
        for kind in ("members", "hidden")
    }
    return {
        **it,
        "about": describe_subject(it["subject"]),
        "under": under,
        "causes": _causes(it),
        "can_be_silenced": it["subject"].removeprefix(FORECAST).startswith(_SILENCED),
    }


def _causes(it: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Give where the cause can be looked at: kind of page, and path."""
    found = []
    if it["site"]:
        found.append(("site", "/site?site=" + quote(it["site"], safe="")))
    if it["job"]:
        found.append(("runs", "/runs?job=" + quote(it["job"], safe="")))
    page = describe_subject(it["subject"])["page"]
    if page and not page.startswith("/site"):
        found.append(("server", page))
    if it["job"] == AUDIT_JOB:
        found.append(("findings", "/findings"))
    return found


def _suggest(desk: Desk) -> str:
    """Give when a silence might end, as a form fills it in: the organisation's own time."""
    return (desk.now + _SUGGESTED).astimezone(desk.estate.zone).strftime("%Y-%m-%dT%H:%M")


PAGE = Page(
    name="alerts",
    title=N_("Alerts"),
    task="monitor.alerts",
    read=read,
    reads=("alert", "all", "severity", "site"),
    acts=("monitor.ack", "monitor.silence", "register.add"),
    group="now",
)
