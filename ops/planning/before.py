"""What plans of the years before have rejected, and what they have had accepted; one query each."""

from collections.abc import Iterator

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from ops.catalog.tables.plans import Plan, PlanItem
from ops.planning.item import Accepted, PlanLine
from ops.planning.records import line_of


def find_rejected(session: Session, year: int) -> dict[str, str]:
    """Give what plans of the years before have rejected: cause → why, by the newest of them."""
    lines = (line for _year, line in _lines_before(session, year, PlanItem.key != ""))
    # Of a cause the latest plan counts.
    found = {cause: line.rejected_for for line in lines for cause in line.causes}
    return {cause: why for cause, why in found.items() if why}


def find_accepted(session: Session, year: int) -> dict[str, Accepted]:
    """Give the work on assets that plans of the years before have had accepted, by its cause.

    Where a person added the line, and so no cause says the work, the cause names the asset alone.
    """
    return {
        f"asset:{name}:{work}": Accepted(
            before,
            line.number,
            line.accepted_on,
            next((it.says for it in line.item.evidence if (it.kind, it.id) == ("asset", name)), ""),
        )
        for before, line in _lines_before(session, year, PlanItem.accepted_on.is_not(None))
        for name, work in line.works.items()
        if line.accepted_on
    }


def _lines_before(
    session: Session, year: int, wanted: ColumnElement[bool]
) -> Iterator[tuple[int, PlanLine]]:
    """Yield lines of the plans of the years before with their year, the newest plan last."""
    query = select(PlanItem, Plan.year).join(Plan, Plan.id == PlanItem.plan_id)
    query = query.where(wanted, Plan.year < year).order_by(Plan.year, Plan.revision)
    yield from ((before, line_of(row)) for row, before in session.execute(query))
