"""The journal: who did what, the newest first, a page at a time.

It has indexes on number, act and subject. A day is found by its numbers, which grow with time; a
person, and an act that is there often, is looked for within a day, or in a stretch of rows.
"""

import json
from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from ops.catalog.tables.core import JournalRow
from ops.console.office.desk import Desk
from ops.console.page import Arguments, Page, number_of
from ops.console.subjects import tell_act
from ops.estate.edit.import_sites import read_day
from ops.language.text import N_

_ROWS = 50
_LONGEST = 200
_LOOKED_THROUGH = 20_000
_OFTEN = 2_000
_MOST_PARSED = 20_000
_MOST_DETAILS = 4_000
_YEARS = range(1970, 9_000)
_SHOWN = ("sequence", "at", "person", "login", "via", "address", "requested_by", "reason",
          "document", "run", "action", "subject", "details", "hash")  # fmt: skip


def read(desk: Desk, arguments: Arguments) -> Mapping[str, object]:
    """Give a page of rows.

    Args:
        desk: Where.
        arguments: `before`: rows below this number; `day`: of that day; `action`, `subject`,
            `person`: only those; `sequence`: the row of that number alone.
    """
    asked = {
        it: arguments.get(it, "").strip()[:_LONGEST]
        for it in ("action", "subject", "person", "day")
    }
    before, day = number_of(arguments, "before", -1, most=10**15), read_day(asked["day"])
    sequence = number_of(arguments, "sequence", most=10**15)
    day = day if day and day.year in _YEARS else None
    with desk.catalog.reading() as session:
        is_searched = _is_searched(session, asked)
        first, last = _find_bounds(session, desk, day, is_searched=is_searched)
        if before >= 0:
            last = min(last, before - 1)
            first = first if day or not is_searched else max(1, last - _LOOKED_THROUGH)
        if sequence:
            first = last = sequence
        query = select(*(getattr(JournalRow, name) for name in _SHOWN))
        query = query.where(JournalRow.sequence.between(first, last))
        for name in ("action", "subject", "person"):
            if asked[name]:
                column = getattr(JournalRow, name)
                # a function of it keeps its index out, where the stretch of numbers is the key
                told = func.coalesce(column, "") if is_searched or day else column
                query = query.where(told == asked[name])
        rows = session.execute(query.order_by(JournalRow.sequence.desc()).limit(_ROWS + 1))
        found = [dict(row) for row in rows.mappings()]
    shown = found[:_ROWS]
    older = shown[-1]["sequence"] if len(found) > _ROWS else None
    if older is None and is_searched and not day and first > 1:
        older = first  # the next stretch of rows
    return {
        "items": [{**tell_act(it), "details": _spread(it["details"])} for it in shown],
        "older": older,
        "is_day_wrong": bool(asked["day"]) and day is None,
        **asked,
    }


def _is_searched(session: Session, asked: Mapping[str, str]) -> bool:
    """Decide whether a stretch of rows is looked through: a person, or what is there often."""
    if asked["person"]:
        return True
    for name in ("action", "subject"):
        column = getattr(JournalRow, name)
        if asked[name]:
            some = select(column).where(column == asked[name]).limit(_OFTEN).subquery()
            count = session.execute(select(func.count()).select_from(some)).scalar_one()
            if count < _OFTEN:
                return False
    return bool(asked["action"] or asked["subject"])


def _find_bounds(
    session: Session, desk: Desk, day: date | None, *, is_searched: bool
) -> tuple[int, int]:
    """Give the first and last number to look at."""
    newest = session.execute(select(func.max(JournalRow.sequence))).scalar() or 0
    if day is None:
        return max(1, newest - _LOOKED_THROUGH) if is_searched else 1, newest
    begins = datetime.combine(day, time(), desk.estate.zone).astimezone(UTC)
    ends = datetime.combine(day + timedelta(days=1), time(), desk.estate.zone).astimezone(UTC)
    return _first_since(session, begins, newest), _first_since(session, ends, newest) - 1


def _first_since(session: Session, moment: datetime, newest: int) -> int:
    """Give the number of the first row written at a moment or later; by halves, twenty looks."""
    low, high = 1, newest + 1
    while low < high:
        middle = (low + high) // 2
        query = select(JournalRow.at).where(JournalRow.sequence == middle)
        at = session.execute(query).scalar_one()
        low, high = (middle + 1, high) if at < moment else (low, middle)
    return low


def _spread(details: str) -> str:
    """Give a row's details a line each, bounded; empty where there are none."""
    if len(details) > _MOST_PARSED:
        return details[:_MOST_DETAILS] + "…"
    text = json.dumps(json.loads(details or "{}"), ensure_ascii=False, indent=1)
    return "" if text == "{}" else text[:_MOST_DETAILS] + ("…" if text[_MOST_DETAILS:] else "")


PAGE = Page(
    name="journal",
    title=N_("Journal"),
    task="service.journal-verify",
    read=read,
    group="people",
    reads=("before", "day", "action", "subject", "person", "sequence"),
    acts=("service.journal-verify", "report.make"),
)
