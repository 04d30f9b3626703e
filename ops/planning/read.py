"""What was handed in: is it still what it was?

Its digest stands beside it and, out of reach of whoever changes a row, in the journal's chain.
"""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from ops.canonical import digest_of
from ops.catalog.tables.core import JournalRow
from ops.errors import OpsError
from ops.estate.model.estate import Estate
from ops.language.text import N_, speaking
from ops.parts import Seam
from ops.planning.document import NO_ANNEXES, Annexes, PlanDocument, document_from
from ops.planning.facts import Facts, read_facts
from ops.planning.item import DraftChange, Line
from ops.planning.prices import load_prices
from ops.planning.propose_things import Proposal
from ops.planning.propose_work import propose
from ops.planning.records import KeptPlan, find_in_force, find_rejected
from ops.planning.situation import read_situation

SUBMITTED = "plan.submit"
"""The journal's verb of a plan that is handed in."""


def _changed(plan: KeptPlan, why: str, digest: str) -> OpsError:
    return OpsError(
        "the plan {plan} is not what was handed in",
        why=why,
        data="the journal holds the digest of what was handed in: {digest}",
        next_step="`{program} service.journal-verify`, then look for who changed the catalog;"
        " the service's own backup holds it as it was",
        plan=plan.called,
        digest=digest or "–",
    )


def read_frozen(session: Session, plan: KeptPlan) -> PlanDocument | None:
    """Give what was handed in; None where nothing is."""
    if plan.row.frozen is None:
        return None
    query = select(JournalRow.details).where(
        JournalRow.action == SUBMITTED, JournalRow.subject == plan.called
    )
    row = session.execute(query.order_by(JournalRow.sequence.desc()).limit(1)).scalar()
    told = str(json.loads(row).get("digest", "")) if row else ""
    if not digest_of(plan.row.frozen) == plan.row.frozen_sha256 == told:
        raise _changed(plan, N_("its digest is not the one that was journaled then"), told)
    document = document_from(plan.row.frozen)
    if [*map(_said, document.lines)] != [*map(_said, plan.lines)]:
        raise _changed(plan, N_("an item was changed in the catalog"), told)
    return document


def _said(line: Line) -> tuple[object, ...]:
    return line.number, line.key, line.item, line.rejected_for


ANNEXES: Seam[Callable[[Session, Estate, Facts], Annexes]] = Seam("plan-annexes")
"""Who reads what a plan's annexes say: lists, calendars and charts, in Vietnamese."""


def read_plan_facts(session: Session, estate: Estate, year: int, now: datetime) -> Facts:
    """Read what a plan is drafted from."""
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


def plan_draft(
    lines: Sequence[Line], proposals: Iterable[Proposal], rejected: Mapping[str, str]
) -> list[DraftChange]:
    """Give the changes, in the order of the proposals, then what is withdrawn; pure.

    What a person has changed stays as that person left it, and what was rejected stays rejected: in
    this year's plan, and in the next one, with its reason. A line that nobody has touched follows
    the facts, and goes where they no longer ask for it.

    Args:
        lines: Of the plan as it stands; may be empty.
        proposals: What the facts ask for now, each key once.
        rejected: Key → why it was rejected, in plans before this one.
    """
    known = {it.key: it for it in lines if it.key}
    next_number = max((it.number for it in lines), default=0) + 1
    found, asked_for = [], set[str]()
    for proposal in proposals:
        asked_for.add(proposal.key)
        line = known.get(proposal.key)
        if line is None:
            why = rejected.get(proposal.key, "")
            new = Line(number=next_number, item=proposal.item, key=proposal.key, rejected_for=why)
            found.append(DraftChange("rejected" if why else "added", new))
            next_number += 1
        elif _follows(line) and line.item != proposal.item:
            found.append(DraftChange("changed", replace(line, item=proposal.item)))
    gone = (it for it in lines if it.key and it.key not in asked_for and _follows(it))
    return [*found, *(DraftChange("withdrawn", it) for it in gone)]


def _follows(line: Line) -> bool:
    return not (line.is_edited or line.rejected_for or line.decision)


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
        year=plan.row.year,
        revision=plan.row.revision,
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
        OpsError: It was changed since it was handed in.
        LinesError: The table of prices has mistakes.
    """
    frozen = read_frozen(session, plan)
    if frozen is not None:
        return frozen
    facts = read_plan_facts(session, estate, plan.row.year, now)
    return make_document(session, estate, facts, plan, plan.lines, with_annexes=with_annexes)
