"""Hand a plan in, record what was decided on paper, begin a revision.

Order of a decision: look whether the plan is handed in and what each item gets (`--dry-run` ends
here); have a person who never drafted it agree to exactly this; in the transaction that uses the
approval up, look again, write plan and items, and journal it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time
from types import MappingProxyType
from typing import Any

from sqlalchemy.orm import Session

from ops.access.approvals.ask import Agreed, ask_second_person
from ops.access.approvals.decide import AUTHORS
from ops.access.approvals.requests import Wish
from ops.access.session import Bench
from ops.canonical import digest_of
from ops.catalog.tables.plans import Plan
from ops.documents.records import get_whole
from ops.journal.journal import Entry
from ops.language.text import N_
from ops.planning.carried import (
    find_sources,
    find_takers,
    is_whole,
    refuse_finished,
    take_over,
    with_contracts,
)
from ops.planning.item import PlanLine, refuse
from ops.planning.money import format_amount
from ops.planning.read import SUBMITTED, make_document, read_frozen, read_plan_facts
from ops.planning.records import (
    AT_WORK,
    KeptPlan,
    add_revision,
    check_state,
    find_in_force,
    get_plan,
    renumber,
    set_line,
    set_plan,
)
from ops.planning.revision import ask_anew, check_bound

ACTION = "plan-decision"
"""Action of the approval."""

_NO_MONEY: Mapping[int, int] = MappingProxyType({})

_REPORTED = N_("a year that is reported on stays as it is; return the revision: `--returned WHY`")
_SEE = N_("`{program} plan.show --year {year}` shows how it stands")


def review_plan(bench: Bench, year: int, now: datetime) -> tuple[KeptPlan, Mapping[str, int]]:
    """Note that the Center has reviewed a draft; its items have their numbers for the year now.

    Returns:
        The plan, and old → new number of the items that moved.
    """
    with bench.catalog.writing() as session:
        plan = get_plan(session, year)
        check_state(plan, ("draft",), _SEE)
        _refuse_empty(plan)
        check_bound(with_contracts(session, plan, plan.lines), find_in_force(session, year))
        who = bench.origin.person or bench.origin.login
        moved = renumber(session, session.get_one(Plan, plan.row.id))
        values = {"state": "reviewed", "reviewed_at": now, "reviewed_by": who}
        set_plan(session, bench.origin, plan, "plan.review", values, {"numbers": moved})
        return get_plan(session, year), moved


def submit_plan(bench: Bench, year: int, document: str, now: datetime) -> KeptPlan:
    """Hand a reviewed plan in: what it says is frozen, and its digest kept."""
    with bench.catalog.writing() as session:
        plan = get_plan(session, year)
        check_state(
            plan,
            ("reviewed",),
            N_("review it first: `{program} plan.submit --year {year} --review`"),
        )
        _refuse_empty(plan)
        check_bound(with_contracts(session, plan, plan.lines), find_in_force(session, year))
        unpriced = [it.number for it in plan.lines if it.is_in and not it.item.is_priced]
        if unpriced:
            raise refuse(
                N_("these items have no price: {items}"),
                N_("`{program} plan.edit --year {year} --item N --set unit_price=…`, or reject it"),
                items=", ".join(map(str, unpriced)),
                year=year,
            )
        refuse_finished(session, plan.lines)
        facts = read_plan_facts(session, bench.estate, year, now)
        document_now = make_document(session, bench.estate, facts, plan, plan.lines)
        frozen = document_now.as_values()
        digest = digest_of(frozen)
        values = {
            "state": "submitted",
            "submitted_at": now,
            "submission": document,
            "frozen": frozen,
            "frozen_sha256": digest,
            "submitted_by": bench.origin.person or bench.origin.login,
            "returned_for": "",
        }
        details = {"digest": digest, "asked": document_now.sums.amount, "document": document}
        set_plan(session, bench.origin, plan, SUBMITTED, values, details)
        return get_plan(session, year)


def _refuse_empty(plan: KeptPlan) -> None:
    if not any(it.is_in for it in plan.lines):
        raise refuse(
            N_("the plan {plan} has no item"),
            N_("`{program} plan.draft --year {year}`"),
            plan=plan.called,
            year=plan.row.year,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionWish:
    """What was decided on paper.

    Attributes:
        year: Of the plan.
        number, day, signer, scan: Of the decision, and the id of the document that holds it.
        amount: Đồng that it grants in all; what the items get has to come to that.
        granted: Number of an item → đồng that it gets; others get all they ask for.
        deferred: Numbers of items that are put off.
        returned_for: Why it comes back; then nothing else counts.
        reason: For who approves.
    """

    year: int
    number: str = ""
    day: date | None = None
    signer: str = ""
    scan: str = ""
    amount: int = 0
    granted: Mapping[int, int] = field(default_factory=dict)
    deferred: Sequence[int] = ()
    returned_for: str = ""
    reason: str = ""


def plan_decision(
    plan: KeptPlan,
    wish: DecisionWish,
    before: KeptPlan | None,
    asked: Mapping[int, int] = _NO_MONEY,
) -> list[PlanLine]:
    """Give the lines as they become by a decision; pure.

    Args:
        plan: Handed in; its lines with the contracts that they would take over.
        wish: What was decided.
        before: The revision in force until now, whose money moved on; None for the first.
        asked: Number of an item → đồng that the papers ask for; left out: what it asks for now.
    """
    for number in (*wish.granted, *wish.deferred):
        if not plan.line(number).is_in or (number in wish.granted and number in wish.deferred):
            raise refuse(
                N_("item {number} is not in the plan, or is decided twice"),
                _SEE,
                number=number,
                year=plan.row.year,
            )
    money = {it.number: it for it in before.lines} if before else {}
    chosen = {it.number for it in plan.lines if it.is_in}
    for number in [it.number for it in money.values() if it.is_begun and it.number not in chosen]:
        raise refuse(
            N_("item {number} is under contract or accepted, and the revision leaves it out"),
            N_("have the revision returned (`--returned WHY`), then `plan.edit --take-up`"),
            number=number,
        )
    # What gets nothing takes nothing over: its contract stays in the plan where it was.
    own = [
        replace(it, contracted=0) if wish.granted.get(it.number) == 0 else it for it in plan.lines
    ]
    lines = [
        _decide(it, wish, asked.get(it.number, it.asked))
        for it in ask_anew(own, before)
        if it.is_in
    ]
    granted = sum(it.granted for it in lines)
    if granted != wish.amount:
        raise refuse(
            N_("the decision grants {amount} đồng, but the items get {granted} đồng in all"),
            N_(
                "look at the numbers and amounts of the decision (`--grant`, `--defer`, `--amount`)"
            ),
            amount=format_amount(wish.amount),
            granted=format_amount(granted),
        )
    return lines


def _decide(line: PlanLine, wish: DecisionWish, asked: int) -> PlanLine:
    granted = 0 if line.number in wish.deferred else wish.granted.get(line.number, asked)
    is_put_off = line.number in wish.deferred and line.is_begun
    least = line.accepted if line.accepted_on else line.contracted
    if is_put_off or not least <= granted <= asked:
        raise refuse(
            N_(
                "item {number} cannot get {granted} đồng: {asked} are asked for, {contracted} are"
                " under contract"
            ),
            N_("look at the decision, and type it again"),
            number=line.number,
            granted=format_amount(granted),
            asked=format_amount(asked),
            contracted=format_amount(least),
        )
    # Of accepted work that cost less than its contract, the contract ended with what it cost.
    line = replace(line, contracted=min(line.contracted, granted))
    if line.number in wish.deferred:
        return replace(line, decision="deferred", granted=0)
    return replace(line, decision="cut" if granted < asked else "granted", granted=granted)


def look_at_decision(bench: Bench, wish: DecisionWish) -> list[PlanLine]:
    """Give the lines as they would become; none for a plan that comes back."""
    with bench.catalog.reading() as session:
        return _look(session, wish)[1]


def record_decision(bench: Bench, wish: DecisionWish) -> None:
    """Record a decision with a second person who never drafted the plan."""
    with bench.catalog.reading() as session:
        if not wish.returned_for:
            scan = get_whole(session, bench.estate.service.state, wish.scan)
            if scan.number and scan.number != wish.number:
                raise refuse(
                    N_("the document is {kept}, and the decision {number}"),
                    N_("give the scan of that decision, or the number as it stands on it"),
                    kept=scan.number,
                    number=wish.number,
                )
            wish = replace(wish, scan=scan.id.hex)
        plan, lines = _look(session, wish)
    day = wish.day.isoformat() if wish.day else ""
    decided = {
        "act": "decide-plan",
        "plan": plan.called,
        "digest": plan.row.frozen_sha256,
        AUTHORS: list(plan.row.authors),
        "decision": wish.number,
        "decided_on": day,
        "signer": wish.signer,
        "scan": wish.scan,
        "amount": format_amount(wish.amount),
        "items": {f"{it.number}. {it.item.title}": format_amount(it.granted) for it in lines},
        "deferred": [f"{it.number}. {it.item.title}" for it in lines if it.decision == "deferred"],
    }
    returned = {
        "act": "return-plan",
        "plan": plan.called,
        "digest": plan.row.frozen_sha256,
        AUTHORS: list(plan.row.authors),
        "decision": wish.number,
        "decided_on": day,
        "why": wish.returned_for,
    }
    values = returned if wish.returned_for else decided

    def record(session: Session, agreed: Agreed) -> Sequence[Entry]:
        plan_now, lines_now = _look(session, wish)
        _refuse_author(plan_now, agreed.permit.approved_by)
        _write(session, agreed, plan_now, lines_now, wish)
        return ()  # each row of the plan is journaled where it is set

    ask_second_person(bench, Wish(ACTION, plan.called, values, wish.reason, wish.number), record)


def _look(session: Session, wish: DecisionWish) -> tuple[KeptPlan, list[PlanLine]]:
    plan = get_plan(session, wish.year)
    check_state(
        plan, ("submitted",), N_("only what is handed in is decided on: `{program} plan.submit`")
    )
    if wish.returned_for:
        return plan, []
    document = read_frozen(session, plan)
    asked = {it.number: it.asked for it in document.lines} if document else _NO_MONEY
    before = find_in_force(session, wish.year)
    if before is not None:
        check_state(before, (*AT_WORK, "accepted"), _REPORTED)
    carried = replace(plan, lines=tuple(with_contracts(session, plan, plan.lines)))
    lines = plan_decision(carried, wish, before, asked)
    refuse_finished(session, [it for it in lines if it.is_alive])
    return plan, lines


def _refuse_author(plan: KeptPlan, approver: str) -> None:
    if approver in plan.row.authors:
        raise refuse(
            N_("{person} has drafted this plan, and so cannot agree to its decision"),
            N_("have a person approve who has not"),
            person=approver,
        )


def _write(
    session: Session,
    agreed: Agreed,
    plan: KeptPlan,
    lines: Sequence[PlanLine],
    wish: DecisionWish,
) -> None:
    now, origin = datetime.now(UTC), agreed.bench.origin
    details: dict[str, Any] = {
        "decision": wish.number,
        "signer": wish.signer,
        "scan": wish.scan,
        "digest": plan.row.frozen_sha256,
        **agreed.permit.as_details(),
    }
    if wish.returned_for:
        values: dict[str, Any] = {
            "state": "returned",
            "returned_for": wish.returned_for,
            "frozen": None,
            "frozen_sha256": "",
        }
        told = {**details, "why": wish.returned_for}
        set_plan(session, origin, plan, "plan.return", values, told)
        return
    before, sources = find_in_force(session, plan.row.year), find_sources(session, plan)
    for line in lines:
        item = {
            "decision": line.decision,
            "granted": line.granted,
            "contracted": line.contracted,
        }
        set_line(session, origin, plan, line, "plan.decide-item", item)
    begun = "running" if before is not None and before.row.state != "decided" else "decided"
    state = "accepted" if is_whole(lines, find_takers(session, plan.row.year)) else begun
    values = {
        "state": state,
        "decision": wish.number,
        "decided_on": wish.day,
        "signer": wish.signer,
        "scan": wish.scan,
        "decided_at": now,
        "recorded_by": origin.person or origin.login,
        "approved_by": agreed.permit.approved_by,
    }
    told = {**details, "granted": sum(it.granted for it in lines)}
    if wish.day:
        told["at"] = datetime.combine(wish.day, time.min, agreed.bench.estate.zone).isoformat()
    set_plan(session, origin, plan, "plan.decide", values, told)
    if before is not None:
        set_plan(session, origin, before, "plan.replace", {"state": "replaced"}, {})
    take_over(session, origin, replace(plan, lines=tuple(lines)), sources)


def revise_plan(bench: Bench, year: int, reason: str, now: datetime) -> KeptPlan:
    """Begin a revision of a decided plan; the decided one is in force until its own decision."""
    if not reason.strip():
        raise refuse(N_("a revision needs a reason"), N_("give `--reason`"))
    with bench.catalog.writing() as session:
        plan = get_plan(session, year)
        check_state(plan, AT_WORK, _SEE)
        return add_revision(session, bench.origin, plan, reason.strip(), now=now)
