"""What the law and the Center ask: overdue, due soon, all of it with its ground; the policy."""

from collections.abc import Mapping

from ops.console.office.desk import Desk
from ops.console.page import Arguments, Page
from ops.duties.call_off import find_stops
from ops.duties.cli import AGENDA_AT_LENGTH
from ops.duties.table.load import load_duties
from ops.duties.table.subjects import levels_in
from ops.duties.wording import CERTAINTIES, tell_changes, tell_duty
from ops.estate.model.estate import Estate
from ops.language.text import N_, _
from ops.terminal.view import as_table


def read(desk: Desk, arguments: Arguments) -> Mapping[str, object]:
    """Give what is due; with `all` among the arguments every duty, with `policy` the policy."""
    due = desk.look("duty.due")
    overdue = [it for it in due["items"] if it["when"] == "overdue"]
    with desk.catalog.reading() as session:
        stops = [it for it in find_stops(session, desk.estate.zone) if it.until > desk.now]
    today, levels = desk.now.astimezone(desk.estate.zone).date(), levels_in(desk.estate.document())
    is_policy = bool(arguments.get("policy")) and desk.may("duty.policy")
    return {
        **due,
        "overdue": as_table(AGENDA_AT_LENGTH, overdue),
        "ahead": as_table(AGENDA_AT_LENGTH, [it for it in due["items"] if it not in overdue]),
        "duties": [tell_duty(it, today, levels) for it in load_duties(desk.estate).duties]
        if arguments.get("all")
        else None,
        "certainties": {mark: _(text) for mark, text in CERTAINTIES.items()},
        "policy": _read_policy(desk) if is_policy else None,
        "stops": stops,
        "sites": sites_of(desk.estate),
    }


def sites_of(estate: Estate) -> list[list[str]]:
    """Give the sites as choices of a form."""
    return [[it.name, it.title] for it in estate.sites]


def _read_policy(desk: Desk) -> Mapping[str, object]:
    """Give the policy as it is printed, and what differs from the approved one."""
    found = desk.look("duty.policy")
    standing = found["standing"]
    return {
        **found,
        "changes": list(tell_changes(standing["changes"])),
        "differences": list(tell_changes(desk.look("duty.diff")["items"][0]["from_shipped"]))
        if desk.may("duty.diff")
        else [],
    }


PAGE = Page(
    name="duties",
    title=N_("Duties"),
    task="duty.due",
    read=read,
    group="duty",
    reads=("all", "policy"),
    acts=("duty.planned-stop", "report.make", "duty.policy.approve", "duty.policy.withdraw"),
)
