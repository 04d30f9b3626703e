"""What plans of the years before have left over, rejected and had accepted; few queries each."""

from collections.abc import Iterator

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from ops.catalog.tables.plans import Plan, PlanItem
from ops.planning.item import QUOTATION, Accepted, PlanLine, read_cause
from ops.planning.records import KeptPlan, find_in_force, line_of


def find_last(session: Session, year: int) -> KeptPlan | None:
    """Give the plan in force of the newest year before that has one; None where none has."""
    query = select(func.max(Plan.year)).where(Plan.year < year, Plan.decided_at.is_not(None))
    last = session.execute(query).scalar()
    return None if last is None else find_in_force(session, last)


def find_rejected(session: Session, year: int) -> dict[str, str]:
    """Give what plans of the years before have rejected: cause → why, by the newest of them."""
    lines = (line for _year, line in _lines_before(session, year, PlanItem.key != ""))
    # Of a cause the latest plan counts.
    found = {cause: line.rejected_for for line in lines for cause in line.causes}
    return {cause: why for cause, why in found.items() if why}


def find_accepted(session: Session, year: int) -> dict[str, Accepted]:
    """Give the work that plans of the years before have had accepted, by its cause.

    Where a person added the line, and so no cause says the work, the cause names the asset alone.
    """
    return {
        cause: Accepted(before, line.number, line.accepted_on, said)
        for before, line in _lines_before(session, year, PlanItem.accepted_on.is_not(None))
        for cause, said in _list_done(line)
        if line.accepted_on
    }


def _list_done(line: PlanLine) -> Iterator[tuple[str, str]]:
    """Yield the causes that a line has done with, and what its evidence said of each."""
    told = [it for it in line.item.evidence if it.kind not in {"plan", QUOTATION}]
    for name, work in line.works.items():
        said = next((it.says for it in told if (it.kind, it.id) == ("asset", name)), "")
        yield f"asset:{name}:{work}", said
    for cause in line.causes:
        if read_cause(cause) is None:
            yield cause, told[0].says if told else ""


def _lines_before(
    session: Session, year: int, wanted: ColumnElement[bool]
) -> Iterator[tuple[int, PlanLine]]:
    """Yield lines of the plans of the years before with their year, the newest plan last."""
    query = select(PlanItem, Plan.year).join(Plan, Plan.id == PlanItem.plan_id)
    query = query.where(wanted, Plan.year < year).order_by(Plan.year, Plan.revision)
    yield from ((before, line_of(row)) for row, before in session.execute(query))
