"""Plans in the catalog: each change is one transaction with its journal rows.

A plan is changed while it is a draft; what was handed in, decided or replaced stays. Its money
moves on until it is reported.
"""

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from ops.catalog.columns import new_id
from ops.catalog.tables.plans import Plan, PlanItem, PlanNote
from ops.journal import journal
from ops.journal.journal import Entry, Origin
from ops.language.text import N_, _
from ops.planning.item import DraftChange, Item, PlanLine, item_from, refuse
from ops.planning.money import by_group, sum_up

STATES: Mapping[str, str] = {
    "draft": N_("draft"),
    "reviewed": N_("reviewed"),
    "submitted": N_("handed in"),
    "returned": N_("returned"),
    "decided": N_("decided"),
    "running": N_("being carried out"),
    "accepted": N_("accepted"),
    "reported": N_("reported"),
    "replaced": N_("replaced by a revision"),
}
OPEN_STATES = frozenset({"draft", "reviewed", "returned"})
"""States in which what a plan says may be changed; a change makes it a draft again."""

AT_WORK = frozenset({"decided", "running"})
"""States in which it is carried out."""

MOST_TOTAL = 10**15
"""Đồng; what can be written in words."""

_MONEY = ("decision", "granted", "contracted", "accepted", "paid", "accepted_on")


@dataclass(frozen=True, slots=True)
class KeptPlan:
    """A plan as it stands: its row, and its lines by number."""

    row: Plan
    lines: tuple[PlanLine, ...]

    @property
    def called(self) -> str:
        """What people call it."""
        return call_plan(self.row)

    def line(self, number: int) -> PlanLine:
        """Give a line.

        Raises:
            WrongUseError: There is none.
        """
        found = next((it for it in self.lines if it.number == number), None)
        if found is None:
            raise refuse(
                N_("the plan {plan} has no item {number}"),
                N_("`{program} plan.show --year {year}` lists them"),
                plan=self.called,
                number=number,
                year=self.row.year,
            )
        return found


def call_plan(row: Plan) -> str:
    """Give what people call a plan: `2027`, a revision `2027/1`."""
    return f"{row.year}/{row.revision}" if row.revision else str(row.year)


def call_line(year: int, number: int) -> str:
    """Give what papers about a line of a year's plan are called: `2027-3`."""
    return f"{year}-{number}"


def call_decision(row: Plan) -> str:
    """Give number and day of the decision on a plan, as papers cite it; empty until then."""
    day = f" ngày {row.decided_on:%d/%m/%Y}" if row.decided_on else ""
    return f"{row.decision}{day}" if row.decided_at else ""


def find_plan(session: Session, year: int) -> KeptPlan | None:
    """Give the newest revision of a year's plan; None where there is none. Two statements."""
    row = _newest(session, year)
    return None if row is None else _kept(session, row)


def get_plan(session: Session, year: int) -> KeptPlan:
    """Give the newest revision of a year's plan.

    Raises:
        WrongUseError: There is none.
    """
    found = find_plan(session, year)
    if found is None:
        raise refuse(
            N_("there is no plan for {year}"), N_("`{program} plan.draft --year {year}`"), year=year
        )
    return found


def find_in_force(session: Session, year: int, on: date | None = None) -> KeptPlan | None:
    """Give the newest revision of a year that was decided, by a day if one is given; else None."""
    query = select(Plan).where(Plan.year == year, Plan.decided_at.is_not(None))
    if on is not None:
        query = query.where(Plan.decided_on <= on)
    row = session.execute(query.order_by(Plan.revision.desc()).limit(1)).scalar_one_or_none()
    return None if row is None else _kept(session, row)


def list_plans(session: Session) -> list[Plan]:
    """Give every plan, the newest first."""
    return list(
        session.execute(select(Plan).order_by(Plan.year.desc(), Plan.revision.desc())).scalars()
    )


def read_notes(session: Session, plan: KeptPlan) -> list[PlanNote]:
    """Give what was noted about a plan and those that it revises, oldest first.

    An item keeps its number through the revisions of a year.
    """
    query = select(PlanNote).join(Plan, Plan.id == PlanNote.plan_id)
    query = query.where(Plan.year == plan.row.year, Plan.revision <= plan.row.revision)
    return list(session.execute(query.order_by(PlanNote.at)).scalars())


def _newest(session: Session, year: int) -> Plan | None:
    query = select(Plan).where(Plan.year == year).order_by(Plan.revision.desc()).limit(1)
    return session.execute(query).scalar_one_or_none()


def _kept(session: Session, row: Plan) -> KeptPlan:
    return KeptPlan(row, tuple(map(line_of, _rows(session, row.id))))


def _rows(session: Session, plan: uuid.UUID) -> list[PlanItem]:
    query = select(PlanItem).where(PlanItem.plan_id == plan).order_by(PlanItem.number)
    return list(session.execute(query).scalars())


def line_of(row: PlanItem) -> PlanLine:
    """Give the line that a row holds."""
    return PlanLine(
        number=row.number,
        item=item_from(row.body),
        key=row.key,
        is_edited=row.is_edited,
        rejected_for=row.rejected_for,
        **{name: getattr(row, name) for name in _MONEY},
    )


def save_draft(
    session: Session, origin: Origin, year: int, changes: Sequence[DraftChange], *, now: datetime
) -> KeptPlan:
    """Write what a draft changes, and journal it; makes the plan where there is none.

    Where nothing changes the plan stays as it is: nobody becomes its author by looking.
    """
    row = _newest(session, year)
    if row is None:
        row = Plan(
            id=new_id(),
            year=year,
            revision=0,
            state="draft",
            authors=[],
            made_at=now,
            made_by=_who(origin),
        )
        session.add(row)
    elif not changes:
        _refuse_closed(row)
        return _kept(session, row)
    _open_for_change(row, origin)
    session.flush()
    rows = {it.number: it for it in _rows(session, row.id)}
    for change in changes:
        known = rows.get(change.line.number)
        if change.verb != "withdrawn":
            _put(session, row.id, known, change.line)
        elif known is not None:
            session.delete(known)
    session.flush()
    counts = {
        verb: sum(it.verb == verb for it in changes)
        for verb in ("added", "changed", "withdrawn", "rejected")
    }
    keys = [it.line.key for it in changes]
    moved = renumber(session, row)
    _journal(session, origin, "plan.draft", row, {**counts, "keys": keys, "numbers": moved})
    return _bounded(_kept(session, row))


def renumber(session: Session, row: Plan) -> dict[str, int]:
    """Number the lines through the groups, what was rejected last; gives old → new of what moved.

    Papers, tasks and decision call a line by this one number. Once the first plan of a year was
    reviewed its numbers stay for the year: what is added later stands at the end. Notes follow.
    """
    if row.revision or row.reviewed_at is not None:
        return {}
    rows = {it.number: it for it in _rows(session, row.id)}
    order = _in_order([line_of(it) for it in rows.values()])
    moved = {it.number: place for place, it in enumerate(order, 1) if it.number != place}
    for sign in (-1, 1):  # no number is there twice meanwhile
        for old, new in moved.items():
            rows[old].number = sign * new
        session.flush()
    query = select(PlanNote).where(PlanNote.plan_id == row.id, PlanNote.item.in_(moved))
    for note in session.execute(query).scalars():
        note.item = moved[note.item]
    session.flush()
    return {str(old): new for old, new in moved.items()}


def _in_order(lines: Sequence[PlanLine]) -> list[PlanLine]:
    chosen = [it for own in by_group(lines).values() for it in own]
    return [*chosen, *(it for it in lines if not it.is_in)]


def edit_line(session: Session, origin: Origin, plan: KeptPlan, line: PlanLine) -> KeptPlan:
    """Write a line that a person has changed or added, and journal what it says now."""
    row = session.get_one(Plan, plan.row.id)
    _open_for_change(row, origin)
    before = next((it for it in plan.lines if it.number == line.number), None)
    write_line(session, row.id, line)
    details = {
        "item": line.number,
        "rejected_for": line.rejected_for,
        "changes": _differences(before.item if before else None, line.item),
    }
    session.flush()
    _journal(session, origin, "plan.edit", row, details)
    return _bounded(_kept(session, row))


def _bounded(plan: KeptPlan) -> KeptPlan:
    if sum_up(plan.lines).asked > MOST_TOTAL:
        raise refuse(
            N_("a plan costs at most {most} đồng"),
            N_("look at quantities and prices"),
            most=MOST_TOTAL,
        )
    return plan


def _differences(before: Item | None, item: Item) -> dict[str, Any]:
    now = item.as_values()
    was = before.as_values() if before else {}
    return {name: value for name, value in now.items() if was.get(name) != value}


def write_line(session: Session, plan: uuid.UUID, line: PlanLine) -> None:
    """Write a line as it is now, in the caller's transaction."""
    query = select(PlanItem).where(PlanItem.plan_id == plan, PlanItem.number == line.number)
    _put(session, plan, session.execute(query).scalar_one_or_none(), line)


def _put(session: Session, plan: uuid.UUID, row: PlanItem | None, line: PlanLine) -> None:
    if row is None:
        row = PlanItem(id=new_id(), plan_id=plan, number=line.number, body={})
        session.add(row)
    row.body, row.key, row.is_edited = line.item.as_values(), line.key, line.is_edited
    row.rejected_for = line.rejected_for
    for name in _MONEY:
        setattr(row, name, getattr(line, name))


def _open_for_change(row: Plan, origin: Origin) -> None:
    _refuse_closed(row)
    row.state = "draft"
    row.authors = sorted({*row.authors, _who(origin)})


def _refuse_closed(row: Plan) -> None:
    if row.state not in OPEN_STATES:
        raise refuse(
            N_("the plan {plan} is {state}, and stays as it is"),
            N_("after the decision: `{program} plan.revise --year {year}`"),
            plan=call_plan(row),
            state=_(STATES[row.state]),
            year=row.year,
        )


def check_state(plan: KeptPlan, wanted: Iterable[str], next_step: str) -> None:
    """Refuse a step that a plan is not at."""
    if plan.row.state not in wanted:
        raise refuse(
            N_("the plan {plan} is {state}"),
            next_step,
            plan=plan.called,
            state=_(STATES[plan.row.state]),
            year=plan.row.year,
        )


def set_plan(
    session: Session,
    origin: Origin,
    plan: KeptPlan,
    verb: str,
    values: Mapping[str, Any],
    details: Mapping[str, Any],
) -> None:
    """Change what is known of a plan as a whole, and journal it under the verb."""
    row = session.get_one(Plan, plan.row.id)
    for name, value in values.items():
        setattr(row, name, value)
    session.flush()
    _journal(session, origin, verb, row, details)


def add_revision(
    session: Session, origin: Origin, plan: KeptPlan, reason: str, *, now: datetime
) -> KeptPlan:
    """Begin a revision with the lines of a plan and all who wrote them, and journal it."""
    row = Plan(
        id=new_id(),
        year=plan.row.year,
        revision=plan.row.revision + 1,
        state="draft",
        reason=reason,
        authors=sorted({*plan.row.authors, _who(origin)}),
        made_at=now,
        made_by=_who(origin),
    )
    session.add(row)
    session.flush()
    for line in plan.lines:
        _put(session, row.id, None, line)
    session.flush()
    _journal(session, origin, "plan.revise", row, {"from": plan.called, "why": reason})
    return _kept(session, row)


def set_line(
    session: Session,
    origin: Origin,
    plan: KeptPlan,
    line: PlanLine,
    verb: str,
    details: Mapping[str, Any],
) -> None:
    """Write a line's money and standing, and journal it under the verb."""
    write_line(session, plan.row.id, line)
    row = session.get_one(Plan, plan.row.id)
    _journal(session, origin, verb, row, {"item": line.number, **details})


def add_note(session: Session, origin: Origin, plan: KeptPlan, note: PlanNote) -> None:
    """Note what was said or done, and journal it."""
    note.plan_id, note.person = plan.row.id, _who(origin)
    session.add(note)
    row = session.get_one(Plan, plan.row.id)
    moments = {
        name: moment.isoformat() for name in ("begins", "until") if (moment := getattr(note, name))
    }
    texts = {
        name: getattr(note, name)
        for name in ("text", "result", "document", "code", "body")
        if getattr(note, name)
    }
    details = {"item": note.item, "kind": note.kind, **moments, **texts}
    _journal(session, origin, "plan.note", row, details)


def _who(origin: Origin) -> str:
    return origin.person or origin.login


def _journal(
    session: Session, origin: Origin, verb: str, row: Plan, details: Mapping[str, Any]
) -> None:
    journal.append(session, origin, [Entry(verb, call_plan(row), {"state": row.state, **details})])
