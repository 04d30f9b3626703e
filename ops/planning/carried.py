"""Work that a later plan has taken over: one line holds it, with its contract and money.

A line that nobody has accepted goes into the next plan's draft. Until that plan is decided the old
line holds the work; from then on the new one does, and nothing is signed or accepted under the old.
"""

from collections import defaultdict
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import replace

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from ops.catalog.tables.plans import Plan, PlanNote
from ops.journal.journal import Origin
from ops.language.text import N_
from ops.planning.item import PlanLine, refuse
from ops.planning.records import (
    AT_WORK,
    KeptPlan,
    add_note,
    call_line,
    find_in_force,
    read_notes,
    set_line,
    set_plan,
)

Sources = Mapping[int, Sequence[tuple[KeptPlan, PlanLine]]]
"""Number of a line → the lines of plans before, still open, whose work it takes over."""


def causes_of(year: int, line: PlanLine) -> tuple[str, ...]:
    """Give what names a line's work in every year; the line itself where a person added it."""
    return line.causes or (f"plan:{year}:{line.number}",)


def find_takers(session: Session, year: int) -> dict[int, str]:
    """Give the lines of a year's plan whose work a later plan holds: number → `2027-25`."""
    plan, takers = find_in_force(session, year), dict[str, str]()
    for later in _in_force(session, Plan.year > year):
        for line in filter(_takes, later.lines):
            for cause in line.causes:
                takers.setdefault(cause, call_line(later.row.year, line.number))
    return {
        line.number: next(takers[it] for it in causes_of(year, line) if it in takers)
        for line in (plan.lines if plan else ())
        if _is_open(line) and not takers.keys().isdisjoint(causes_of(year, line))
    }


def find_sources(session: Session, plan: KeptPlan) -> Sources:
    """Give the open lines whose work a plan takes over when it is decided, and none has so far."""
    takers = {cause: it.number for it in plan.lines[::-1] if it.is_in for cause in it.causes}
    found, passed = defaultdict(list), set[str]()
    for before in _in_force(session, Plan.year <= plan.row.year)[::-1]:
        is_before = before.row.year < plan.row.year
        for line in filter(_is_open, before.lines if is_before else ()):
            causes = causes_of(before.row.year, line)
            number = next((takers[it] for it in causes if it in takers), None)
            if number is not None and passed.isdisjoint(causes):
                found[number].append((before, line))
        passed.update(cause for it in before.lines if _takes(it) for cause in it.causes)
    return found


def with_contracts(session: Session, plan: KeptPlan, lines: Iterable[PlanLine]) -> list[PlanLine]:
    """Give lines of a plan with the money under contract that they would take over."""
    sources = find_sources(session, plan)
    money = {number: sum(it.contracted for _plan, it in own) for number, own in sources.items()}
    return [
        replace(it, contracted=money[it.number]) if it.is_in and it.number in money else it
        for it in lines
    ]


def refuse_finished(session: Session, lines: Sequence[PlanLine]) -> None:
    """Refuse lines that take over what was accepted since they were drafted."""
    for line in lines:
        for said in line.item.evidence if line.is_in else ():
            year, _dash, number = said.id.partition("-")
            before = find_in_force(session, int(year)) if said.kind == "plan" else None
            old = [it for it in before.lines if it.number == int(number)] if before else []
            if old and old[0].accepted_on is not None:
                raise refuse(
                    N_("item {number} takes over item {old}, which was accepted meanwhile"),
                    N_("draft the plan again, or reject the item; of a plan that is handed in, have"
                       " it returned first, or grant the item 0 đồng where the decision does"),
                    number=line.number,
                    old=said.id,
                )  # fmt: skip


def refuse_taken(session: Session, year: int, number: int) -> None:
    """Refuse to go on with a line whose work a later plan holds."""
    taker = find_takers(session, year).get(number)
    if taker is not None:
        later, _dash, item = taker.partition("-")
        raise refuse(
            N_("item {number} was carried into the plan for {later}, which holds its contract now"),
            N_("go on there: `--year {later} --item {item}`"),
            number=number,
            later=later,
            item=item,
        )


def take_over(session: Session, origin: Origin, plan: KeptPlan, sources: Sources) -> None:
    """Close the lines whose work a plan that was just decided holds, and journal it.

    Numbers of contracts go along, so that the letter on completion has them.
    """
    holding = {it.number for it in plan.lines if _takes(it)}
    sources = {number: own for number, own in sources.items() if number in holding}
    closed = {before.row.id: before for own in sources.values() for before, _line in own}
    for number, own in sources.items():
        for before, line in own:
            details = {"to": call_line(plan.row.year, number)}
            set_line(session, origin, before, line, "plan.carry-over", details)
            for note in read_notes(session, before):
                if note.item == line.number and note.kind == "money" and note.code:
                    same = {"document": note.document, "code": note.code, "at": note.at}
                    add_note(session, origin, plan, PlanNote(item=number, kind="money", **same))
    for before in closed.values():
        taken = find_takers(session, before.row.year)
        if is_whole(before.lines, taken) and before.row.state in AT_WORK:
            set_plan(session, origin, before, "plan.accepted", {"state": "accepted"}, {})


def is_whole(lines: Sequence[PlanLine], taken: Container[int] = ()) -> bool:
    """Say whether all that was granted is accepted, or taken over (numbers); of nothing, all is."""
    return all(it.accepted_on is not None or it.number in taken for it in lines if it.is_alive)


def _is_open(line: PlanLine) -> bool:
    return line.is_alive and line.accepted_on is None


def _takes(line: PlanLine) -> bool:
    """Whether a decided line holds its work; one that got nothing leaves it where it was."""
    return line.is_alive or (line.is_in and line.decision == "deferred")


def _in_force(session: Session, wanted: ColumnElement[bool]) -> list[KeptPlan]:
    query = select(Plan.year).where(wanted, Plan.decided_at.is_not(None)).distinct()
    years = session.execute(query.order_by(Plan.year)).scalars()
    return [plan for year in [*years] if (plan := find_in_force(session, year))]
