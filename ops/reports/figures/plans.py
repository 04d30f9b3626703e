"""In figures: what became of the plans that a time belongs to, line by line."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any, Literal

from sqlalchemy import select
from sqlalchemy.orm import Session

from ops.catalog.tables.core import JournalRow
from ops.catalog.tables.plans import Plan, PlanNote
from ops.planning.item import PlanLine
from ops.planning.records import find_in_force
from ops.reports.figures.figure import Figure, Timespan, report_year, running_year

Result = Literal["accepted", "carried", "deferred", "not_granted", "under_contract", "not_begun"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanResult:
    """What became of a line.

    Attributes:
        line: As it stands.
        result: `carried`: not accepted, and next year's plan, decided, has it again.
        told: What was noted to explain what was not done or not spent; may be empty.
    """

    line: PlanLine
    result: Result
    told: str

    @property
    def left(self) -> int:
        """Đồng that were granted and not paid."""
        return self.line.granted - self.line.paid


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """Work that was noted: what, on which line, from when to when, what came of it, by whom.

    `is_done`: else only a window was kept free for it.
    """

    is_done: bool
    line: str
    begins: datetime
    until: datetime | None
    text: str
    result: str
    document: str
    person: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanYear:
    """A year's plan in force.

    Attributes:
        year: Of the budget.
        decision, decided_on: Of the paper; empty and None where no plan of the year was decided.
        results: Of every line that is part of it, by number.
        works: What was done or had a window within the time, the earliest first.
    """

    year: int
    decision: str
    decided_on: date | None
    results: tuple[PlanResult, ...]
    works: tuple[Work, ...]


def plan_years(window: Timespan) -> range:
    """Give the years whose plans a time belongs to: its last days of December are the next year's.

    A report's year begins on 15 December, and a plan's on 1 January.
    """
    return range(
        running_year(window.first, window.zone), running_year(window.last, window.zone) + 1
    )


def read_plans(session: Session, window: Timespan) -> Figure[tuple[PlanYear, ...]]:
    """Read the plans of a time's years as they stood when it ended: decided, accepted, paid.

    Of a year as it is reported on, 15 December to 14 December, what counts is how they stand now:
    its plan runs on until the 31st, and a clerk notes the last payments when writing the report.
    """
    last = None if window == report_year(window.year, window.zone) else window.last
    return Figure(tuple(read_year(session, it, window, last) for it in plan_years(window)), "plan")


def read_year(session: Session, year: int, window: Timespan, last: date | None = None) -> PlanYear:
    """Read the plan in force of one year; what was done only within the time.

    Args:
        session: Of the catalog.
        year: Of the plan.
        window: The time.
        last: Day of which decisions and money are told; None for today.
    """
    plan = find_in_force(session, year, last)
    if plan is None:
        return PlanYear(year=year, decision="", decided_on=None, results=(), works=())
    query = select(PlanNote).join(Plan, Plan.id == PlanNote.plan_id).where(Plan.year == year)
    notes = session.execute(query.order_by(PlanNote.at)).scalars().all()
    said = [it for it in notes if not last or it.kind != "work" or _begins(it) < window.until]
    following = find_in_force(session, year + 1, last)
    again = {it.key for it in following.lines if it.key and it.is_in} if following else set()
    titles = {it.number: it.item.title for it in plan.lines}
    later = _read_money(session, year) if last else {}
    lines = [_as_of(it, later.get(it.number, ()), window) if last else it for it in plan.lines]
    return PlanYear(
        year=year,
        decision=plan.row.decision,
        decided_on=plan.row.decided_on,
        results=tuple(
            PlanResult(
                line=it,
                result=tell_result(it, is_again=(it.key or f"plan:{year}:{it.number}") in again),
                told=_tell(said, it.number),
            )
            for it in lines
            if it.is_in
        ),
        works=tuple(_list_works(notes, titles, window)),
    )


_MONEY = ("plan.progress", "plan.complete")
Told = tuple[datetime, Mapping[str, Any]]
"""When it was journaled, and what."""


def _read_money(session: Session, year: int) -> dict[int, list[Told]]:
    """Give what was journaled of each line's money, in all revisions, the earliest first."""
    query = select(JournalRow).where(
        JournalRow.action.in_(_MONEY),
        (JournalRow.subject == str(year)) | JournalRow.subject.startswith(f"{year}/"),
    )
    found: dict[int, list[Told]] = {}
    for row in session.execute(query.order_by(JournalRow.sequence)).scalars():
        details = json.loads(row.details)
        found.setdefault(details["item"], []).append((row.at, details))
    return found


def _as_of(line: PlanLine, told: Sequence[Told], window: Timespan) -> PlanLine:
    """Give a line as it stood when a time ended; pure.

    An acceptance counts from its own day, contracts and payments from when they were noted.
    """
    if line.accepted_on and line.accepted_on > window.last:
        line = replace(line, accepted_on=None, accepted=0, paid=0)
    if not told or told[-1][0] < window.until:
        return line
    before = [details for at, details in told if at < window.until and "paid" in details]
    paid, contracted = (before[-1]["paid"], before[-1]["contracted"]) if before else (0, 0)
    return replace(line, paid=paid, contracted=max(contracted, line.accepted))


def tell_result(line: PlanLine, *, is_again: bool) -> Result:
    """Say what became of a line; pure."""
    if line.decision == "deferred":
        return "deferred"
    if not line.is_alive:
        return "not_granted"
    if line.accepted_on is not None:
        return "accepted"
    if is_again:
        return "carried"
    return "under_contract" if line.contracted else "not_begun"


_EXPLAIN = frozenset({"money", "work"})
"""Kinds of notes that may say why something was not done or not spent: our own, no opinion."""


def _tell(notes: Sequence[PlanNote], number: int) -> str:
    """Give the newest words about a line."""
    said = [
        it for it in notes if it.item == number and it.kind in _EXPLAIN and (it.text or it.result)
    ]
    return (said[-1].result or said[-1].text) if said else ""


def _begins(note: PlanNote) -> datetime:
    return note.begins or note.at


def _list_works(
    notes: Sequence[PlanNote], titles: Mapping[int, str], window: Timespan
) -> list[Work]:
    """Give what was done, and windows that were kept free for it, within the time."""
    found = [
        Work(
            is_done=it.kind == "work",
            line=titles.get(it.item, ""),
            begins=_begins(it),
            until=it.until,
            text=it.text,
            result=it.result,
            document=it.document,
            person=it.person,
        )
        for it in notes
        if it.kind in {"work", "window"} and window.since <= _begins(it) < window.until
    ]
    return sorted(found, key=lambda it: it.begins)
