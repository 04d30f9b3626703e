"""What was handed in: is it still what it was?

Its digest stands beside it and, out of reach of whoever changes a row, in the journal's chain.
"""

import json

from sqlalchemy import select
from sqlalchemy.orm import Session

from ops.canonical import digest_of
from ops.catalog.tables.core import JournalRow
from ops.errors import OpsError
from ops.language.text import N_
from ops.planning.document import PlanDocument, document_from
from ops.planning.item import Line
from ops.planning.records import KeptPlan

SUBMITTED = "plan.submit"
"""The journal's verb of a plan that is handed in."""


class ChangedPlanError(OpsError):
    """A plan says something else than when it was handed in."""

    def __init__(self, plan: KeptPlan, *, why: str, digest: str) -> None:
        super().__init__(
            "the plan {plan} is not what was handed in",
            why=why,
            data="the journal holds the digest of what was handed in: {digest}",
            next_step="`{program} service.journal-verify`, then look for who changed the catalog;"
            " the service's own backup holds it as it was",
            plan=plan.called,
            digest=digest or "–",
        )


def read_frozen(session: Session, plan: KeptPlan) -> PlanDocument | None:
    """Give what was handed in; None where nothing is.

    Raises:
        ChangedPlanError: It, its digest, or an item was changed since.
    """
    if plan.frozen is None:
        return None
    query = select(JournalRow.details).where(
        JournalRow.action == SUBMITTED, JournalRow.subject == plan.called
    )
    row = session.execute(query.order_by(JournalRow.sequence.desc()).limit(1)).scalar()
    told = str(json.loads(row).get("digest", "")) if row else ""
    if not digest_of(plan.frozen) == plan.frozen_sha256 == told:
        why = N_("its digest is not the one that was journaled then")
        raise ChangedPlanError(plan, why=why, digest=told)
    document = document_from(plan.frozen)
    if [*map(_said, document.lines)] != [*map(_said, plan.lines)]:
        why = N_("an item was changed in the catalog")
        raise ChangedPlanError(plan, why=why, digest=told)
    return document


def _said(line: Line) -> tuple[object, ...]:
    return line.number, line.key, line.item, line.rejected_for
