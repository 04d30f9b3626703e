"""What the law and the Center ask, with its ground; the policy; one duty and what proves it."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from ops.console.office.desk import Desk
from ops.console.page import Arguments, Page, number_of, open_to
from ops.console.subjects import page_of_row
from ops.duties.call_off import find_stops
from ops.duties.cli import AGENDA_AT_LENGTH, PERIODS, verdict_values
from ops.duties.evidence.judge import find_verdicts
from ops.duties.evidence.verdicts import Verdict
from ops.duties.reminders import make_setting
from ops.duties.table.load import load_duties
from ops.duties.table.versions import levels_in
from ops.duties.wording import CERTAINTIES, tell_changes, tell_counts, tell_duty
from ops.estate.model.estate import Estate
from ops.language.text import N_, _, language
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


_MOST_PERIODS = 200
_MOST_PIECES = 5


def read_duty(desk: Desk, arguments: Arguments) -> Mapping[str, object]:
    """Give the duty called `duty` with the periods of `year`; `all` shows proven ones, too.

    Of one that comes every day, those of `month`: a year of them takes too long to judge.
    """
    duties = load_duties(desk.estate)
    name = arguments.get("duty", "") or duties.duties[0].name
    rows = duties.named(name)
    today = desk.now.astimezone(desk.estate.zone).date()
    year = number_of(arguments, "year", today.year, least=2000, most=today.year)
    last = today.month if year == today.year else 12
    is_frequent = any(it.every and it.every.unit in {"hours", "days"} for it in rows)
    month = number_of(arguments, "month", last, least=1, most=last) if is_frequent else 0
    setting = make_setting(desk.estate)

    def judge() -> list[Any]:
        with desk.catalog.reading() as session:
            return [it for row in rows for it in find_verdicts(session, row, setting, year, month)]

    periods = desk.share(f"duty {name} {year} {month}", judge)
    wanted = periods if arguments.get("all") else [it for it in periods if it.outcome != "ok"]
    shown = wanted[::-1][:_MOST_PERIODS]
    levels = {it.level for it in desk.estate.systems}
    return {
        "duty": name,
        "is_reviewed": any(it.evidence.query == "reviewed" for it in rows),
        "rows": [
            {
                **tell_duty(it, today, levels),
                "note": duties.notes[it.note][language() == "en"] if it.note else "",
            }
            for it in rows
        ],
        "year": year,
        "month": month,
        "months": list(range(1, last + 1)) if is_frequent else [],
        "this_year": today.year,
        "all": bool(arguments.get("all")),
        "counts": tell_counts(it.outcome for it in periods),
        "left_out": len(wanted) - len(shown),
        "list": as_table(PERIODS, map(verdict_values, shown)),
        "periods": [_brief(desk, it) for it in shown],
    }


def _brief(desk: Desk, verdict: Verdict) -> Mapping[str, Any]:
    pieces = verdict.pieces
    return {
        "lacking": [it for it in verdict.lacking if it not in {"", verdict.subject}],
        "pieces": [
            {**asdict(it), "page": open_to(desk, page_of_row(it.table, it.row))}
            for it in pieces[-_MOST_PIECES:]
        ],
        "more": len(pieces) - _MOST_PIECES,
    }


DUTY_PAGE = Page(
    name="duty",
    title=N_("One duty"),
    task="duty.evidence",
    read=read_duty,
    reads=("duty", "year", "month", "all"),
    acts=("duty.record", "duty.review"),
)
