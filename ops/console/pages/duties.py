"""What the law and the Center ask: overdue, due soon, all of it with its ground; the policy."""

from collections.abc import Mapping

from ops.console.office.desk import Desk
from ops.console.page import Arguments, Page
from ops.duties.stops.call_off import find_stops
from ops.duties.table.load import load_duties
from ops.duties.wording import (
    CERTAINTIES,
    tell_bases,
    tell_changes,
    tell_nature,
    tell_responsible,
    tell_rhythm,
    tell_scope,
    tell_title,
    tell_validity,
    tell_who,
)
from ops.estate.model.estate import Estate
from ops.language.text import N_, _


def read(desk: Desk, arguments: Arguments) -> Mapping[str, object]:
    """Give what is due; with `all` among the arguments every duty, with `policy` the policy."""
    due = desk.look("duty.due")
    for item in due["items"]:
        item["who"] = tell_who(item["responsible"])
    with desk.catalog.reading() as session:
        stops = [it for it in find_stops(session, desk.estate.zone) if it.until > desk.now]
    is_policy = bool(arguments.get("policy")) and desk.may("duty.policy")
    return {
        **due,
        "overdue": [it for it in due["items"] if it["when"] == "overdue"],
        "ahead": [it for it in due["items"] if it["when"] != "overdue"],
        "duties": _tell_all(desk) if arguments.get("all") else None,
        "certainties": {mark: _(text) for mark, text in CERTAINTIES.items()},
        "policy": _read_policy(desk) if is_policy else None,
        "stops": stops,
        "sites": sites_of(desk.estate),
    }


def sites_of(estate: Estate) -> list[list[str]]:
    """Give the sites as choices of a form."""
    return [[it.name, it.title] for it in estate.sites]


def _tell_all(desk: Desk) -> list[Mapping[str, str]]:
    today = desk.now.astimezone(desk.estate.zone).date()
    levels = {it.level for it in desk.estate.systems}
    return [
        {
            "name": it.name,
            "title": tell_title(it),
            "nature": tell_nature(it, today, levels),
            "rhythm": tell_rhythm(it),
            "scope": tell_scope(it),
            "validity": tell_validity(it),
            "who": tell_responsible(it),
            "basis": tell_bases(it.basis),
        }
        for it in load_duties(desk.estate).duties
    ]


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
    name="duties", title=N_("Duties"), task="duty.due", read=read, group="duty",
    reads=("all", "policy"),
    acts=("duty.planned-stop", "report.make", "duty.policy.approve", "duty.policy.withdraw"),
)  # fmt: skip
