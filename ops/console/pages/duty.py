"""One duty: its ground, and what proves it, period by period."""

from collections.abc import Mapping
from typing import Any

from ops.console.office.desk import Desk
from ops.console.page import Arguments, Page
from ops.duties.table.load import load_duties
from ops.duties.wording import (
    REASONS,
    tell_bases,
    tell_nature,
    tell_responsible,
    tell_rhythm,
    tell_scope,
    tell_title,
    tell_validity,
)
from ops.language.text import N_, _, language

_MOST_PERIODS = 200
_MOST_PIECES = 5


def read(desk: Desk, arguments: Arguments) -> Mapping[str, object]:
    """Give the duty called `duty` with the periods of `year`; `all` shows proven ones, too.

    Raises:
        WrongUseError: There is no such duty.
    """
    name = arguments.get("duty", "")
    duties = load_duties(desk.estate)
    rows = duties.named(name)
    today = desk.now.astimezone(desk.estate.zone).date()
    year = int(text) if (text := arguments.get("year", "")).isdecimal() and len(text) == 4 else 0  # noqa: PLR2004 - digits of a year
    periods = desk.look("duty.evidence", duty=name, year=year)["items"]
    shown = periods if arguments.get("all") else [it for it in periods if it["outcome"] != "ok"]
    levels = {it.level for it in desk.estate.systems}
    return {
        "duty": name,
        "rows": [
            {
                "title": tell_title(it), "nature": tell_nature(it, today, levels),
                "rhythm": tell_rhythm(it), "scope": tell_scope(it), "who": tell_responsible(it),
                "validity": tell_validity(it), "basis": tell_bases(it.basis),
                "note": duties.notes[it.note][language() == "en"] if it.note else "",
            }
            for it in rows
        ],
        "year": year or today.year,
        "this_year": today.year,
        "all": bool(arguments.get("all")),
        "proven": sum(it["outcome"] == "ok" for it in periods),
        "count": len(periods),
        "left_out": max(0, len(shown) - _MOST_PERIODS),
        "periods": [_brief(it) for it in shown[::-1][:_MOST_PERIODS]],
    }  # fmt: skip


def _brief(period: Mapping[str, Any]) -> Mapping[str, Any]:
    pieces = period["pieces"]
    return {
        **period,
        "why": _(REASONS[period["reason"]]),
        "pieces": pieces[-_MOST_PIECES:],
        "more": len(pieces) - _MOST_PIECES,
    }


PAGE = Page(
    name="duty", title=N_("One duty"), task="duty.evidence", read=read, acts=("duty.record",)
)
