"""Read a plan with all that its papers say: as it was handed in, else as it is now."""

from collections.abc import Callable
from datetime import datetime

from sqlalchemy.orm import Session

from ops.estate.model.estate import Estate
from ops.language.text import speaking
from ops.parts import Seam
from ops.planning.document import NO_ANNEXES, Annexes, PlanDocument
from ops.planning.draft import DraftChange, plan_draft
from ops.planning.facts import Facts, read_facts
from ops.planning.frozen import read_frozen
from ops.planning.item import Line
from ops.planning.prices import load_prices
from ops.planning.propose_work import propose
from ops.planning.records import KeptPlan, find_in_force, find_rejected
from ops.planning.situation import read_situation

ANNEXES: Seam[Callable[[Session, Estate, Facts], Annexes]] = Seam("plan-annexes")
"""Who reads what a plan's annexes say: lists, calendars and charts, in Vietnamese."""


def read_plan_facts(session: Session, estate: Estate, year: int, now: datetime) -> Facts:
    """Read what a plan is drafted from.

    Raises:
        PricesError: The table of prices has mistakes.
    """
    before = find_in_force(session, year - 1)
    return read_facts(
        session,
        estate,
        year=year,
        now=now,
        prices=load_prices(estate.planning.prices),
        last_year=before.lines if before else (),
    )


def decide_changes(
    session: Session, estate: Estate, facts: Facts, plan: KeptPlan | None
) -> list[DraftChange]:
    """Give what a new draft changes; its texts are in the language of documents."""
    with speaking(estate.organisation.language):
        proposals = propose(facts)
    return plan_draft(plan.lines if plan else (), proposals, find_rejected(session, facts.year))


def make_document(
    session: Session,
    estate: Estate,
    facts: Facts,
    plan: KeptPlan,
    lines: tuple[Line, ...],
    *,
    with_annexes: bool = True,
) -> PlanDocument:
    """Put a plan together with the figures of the year before, and the annexes of its papers."""
    [read_annexes] = ANNEXES.parts()
    return PlanDocument(
        year=plan.year,
        revision=plan.revision,
        day=facts.today,
        organisation=facts.lead,
        lines=lines,
        last_year=tuple(facts.last_year),
        figures=tuple(read_situation(session, estate, facts)),
        gaps=tuple(facts.gaps),
        security_percent=estate.planning.security_percent,
        security_basis=estate.planning.security_basis,
        prices=facts.prices.digest,
        annexes=read_annexes(session, estate, facts) if with_annexes else NO_ANNEXES,
    )


def read_document(
    session: Session, estate: Estate, plan: KeptPlan, now: datetime, *, with_annexes: bool = True
) -> PlanDocument:
    """Give what the papers of a plan say; one that was handed in says what it said then.

    Raises:
        ChangedPlanError: It was changed since it was handed in.
        PricesError: The table of prices has mistakes.
    """
    frozen = read_frozen(session, plan)
    if frozen is not None:
        return frozen
    facts = read_plan_facts(session, estate, plan.year, now)
    return make_document(session, estate, facts, plan, plan.lines, with_annexes=with_annexes)
