"""One duty: its ground, and what proves it, period by period."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from ops.console.office.desk import Desk
from ops.console.page import Arguments, Page, open_to
from ops.console.pages.rows import number_of
from ops.console.subjects import page_of_row
from ops.duties.cli import PERIODS, verdict_values
from ops.duties.evidence.judge import find_verdicts
from ops.duties.evidence.verdicts import Verdict
from ops.duties.reminders import make_setting
from ops.duties.table.load import load_duties
from ops.duties.wording import tell_duty
from ops.language.text import N_, language
from ops.terminal.view import as_table

_MOST_PERIODS = 200
_MOST_PIECES = 5


def read(desk: Desk, arguments: Arguments) -> Mapping[str, object]:
    """Give the duty called `duty` with the periods of `year`; `all` shows proven ones, too.

    Of one that comes every day, those of `month`: a year of them takes too long to judge.

    Raises:
        WrongUseError: There is no such duty.
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
        "proven": sum(it.outcome == "ok" for it in periods),
        "count": len(periods),
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


PAGE = Page(
    name="duty",
    title=N_("One duty"),
    task="duty.evidence",
    read=read,
    reads=("duty", "year", "month", "all"),
    acts=("duty.record",),
)
