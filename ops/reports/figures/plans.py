"""In figures: what became of the plans that a time belongs to, line by line."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal

from sqlalchemy import select
from sqlalchemy.orm import Session

from ops.catalog.tables.plans import Plan, PlanNote
from ops.planning.item import PlanLine
from ops.planning.records import find_in_force, find_plan
from ops.reports.figures.figure import Figure, Timespan, running_year

Result = Literal["accepted", "carried", "deferred", "not_granted", "under_contract", "not_begun"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanResult:
    """What became of a line.

    Attributes:
        line: As it stands.
        result: `carried`: not accepted, and next year's plan has it again.
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
    """Read the plans in force of a time's years; money as it stands now."""
    years = plan_years(window)
    return Figure(tuple(read_year(session, it, window) for it in years), "plan")


def read_year(session: Session, year: int, window: Timespan) -> PlanYear:
    """Read the plan in force of one year; what was done only within the time."""
    plan = find_in_force(session, year)
    if plan is None:
        return PlanYear(year=year, decision="", decided_on=None, results=(), works=())
    query = select(PlanNote).join(Plan, Plan.id == PlanNote.plan_id).where(Plan.year == year)
    notes = session.execute(query.order_by(PlanNote.at)).scalars().all()
    following = find_plan(session, year + 1)
    again = {it.key for it in following.lines if it.key and it.is_in} if following else set()
    titles = {it.number: it.item.title for it in plan.lines}
    return PlanYear(
        year=year,
        decision=plan.row.decision,
        decided_on=plan.row.decided_on,
        results=tuple(
            PlanResult(
                line=it,
                result=tell_result(it, is_again=(it.key or f"plan:{year}:{it.number}") in again),
                told=_tell(notes, it.number),
            )
            for it in plan.lines
            if it.is_in
        ),
        works=tuple(_list_works(notes, titles, window)),
    )


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


def _list_works(
    notes: Sequence[PlanNote], titles: Mapping[int, str], window: Timespan
) -> list[Work]:
    """Give what was done, and windows that were kept free for it, within the time."""
    found = [
        Work(
            is_done=it.kind == "work",
            line=titles.get(it.item, ""),
            begins=it.begins or it.at,
            until=it.until,
            text=it.text,
            result=it.result,
            document=it.document,
            person=it.person,
        )
        for it in notes
        if it.kind in {"work", "window"} and window.since <= (it.begins or it.at) < window.until
    ]
    return sorted(found, key=lambda it: it.begins)
