"""Carry a decided plan out: money, windows, the maintenance log, acceptance, the report.

A window that stops a site is planned as such (`ops.duties.plan_stop`), with its notice at least 07
working days ahead; a window without that does not come about.
"""

from dataclasses import dataclass, replace
from datetime import date, datetime, time

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from ops.access.session import Bench
from ops.assets.records import AssetChange, apply_import, list_assets
from ops.catalog.tables.plans import Plan, PlanNote
from ops.language.formats import format_date
from ops.language.text import N_
from ops.planning.carried import find_takers, is_whole, refuse_taken
from ops.planning.item import PlanLine, refuse
from ops.planning.on_assets import AssetNews, plan_assets
from ops.planning.records import (
    AT_WORK,
    KeptPlan,
    add_note,
    call_line,
    check_state,
    find_in_force,
    set_line,
    set_plan,
)

_SEE = N_("`{program} plan.show --year {year}` shows how it stands")
CONTRACT = "contract"
"""Code of a note on money whose document is the contract."""

NEEDS_TRIAL = frozenset({"65.2"})
"""Forms whose acceptance needs a record of a trial run (NĐ 224/2026 Điều 65(7))."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What somebody notes about an item.

    Attributes:
        number: Of the item.
        contracted, paid: Đồng in all until now; None where they do not change.
        done, result: What was done, and what came of it.
        begins, until: Of the window or the work; None where that is not said.
        code: Of the planned stop that the window is.
        document: The paper behind it.
    """

    number: int
    contracted: int | None = None
    paid: int | None = None
    done: str = ""
    result: str = ""
    begins: datetime | None = None
    until: datetime | None = None
    code: str = ""
    document: str = ""


def get_in_force(session: Session, year: int) -> KeptPlan:
    """Give the plan that is carried out."""
    plan = find_in_force(session, year)
    if plan is None:
        raise refuse(N_("no plan for {year} was decided"), _SEE, year=year)
    return plan


def plan_money(
    line: PlanLine,
    *,
    contracted: int | None = None,
    accepted: int | None = None,
    paid: int | None = None,
) -> PlanLine:
    """Give a line with its money moved on; pure."""
    changed = replace(
        line,
        contracted=line.contracted if contracted is None else contracted,
        accepted=line.accepted if accepted is None else accepted,
        paid=line.paid if paid is None else paid,
    )
    if not line.is_alive:
        raise refuse(N_("item {number} was not granted"), N_("take it up in a revision: `{program} plan.revise`"), number=line.number)  # fmt: skip # noqa: E501 - a sentence in one piece
    if not 0 <= changed.paid <= changed.accepted <= changed.contracted <= changed.granted:
        raise refuse(
            N_(
                "the money of item {number} does not fit: paid {paid} ≤ accepted {accepted} ≤ under"
                " contract {contracted} ≤ granted {granted}"
            ),
            N_("look at the amounts and type them again"),
            number=line.number,
            paid=changed.paid,
            accepted=changed.accepted,
            contracted=changed.contracted,
            granted=changed.granted,
        )
    return changed


def plan_step(session: Session, year: int, step: Step) -> tuple[KeptPlan, PlanLine, PlanLine]:
    """Give the plan in force, and the line before and after a step."""
    plan = get_in_force(session, year)
    refuse_taken(session, year, step.number)
    check_state(plan, (*AT_WORK, "accepted"), _SEE)
    line = plan.line(step.number)
    if line.accepted_on is not None and step.contracted not in {None, line.contracted}:
        raise refuse(
            N_("item {number} is accepted, and its contract stays as it is"),
            N_("only `--paid` moves on"),
            number=line.number,
        )
    return plan, line, plan_money(line, contracted=step.contracted, paid=step.paid)


def note_step(bench: Bench, year: int, step: Step, now: datetime) -> PlanLine:
    """Write down how an item goes on; gives the line as it is then.

    What was accepted is paid afterwards, so that money moves on until the plan is reported.
    """
    with bench.catalog.writing() as session:
        plan, line, changed = plan_step(session, year, step)
        if plan.row.state == "decided":
            set_plan(session, bench.origin, plan, "plan.begin", {"state": "running"}, {})
        if changed != line:
            details = {
                "contracted": changed.contracted,
                "paid": changed.paid,
                "document": step.document,
            }
            set_line(session, bench.origin, plan, changed, "plan.progress", details)
        if step.document and not (step.contracted is None and step.paid is None):
            code = CONTRACT if step.contracted is not None else ""
            paper = PlanNote(
                item=step.number, kind="money", at=now, document=step.document, code=code
            )
            add_note(session, bench.origin, plan, paper)
        if step.begins or step.done:
            kind = "work" if step.done else "window"
            note = PlanNote(
                item=step.number,
                kind=kind,
                at=now,
                begins=step.begins,
                until=step.until,
                text=step.done,
                result=step.result,
                document=step.document,
                code=step.code,
            )
            add_note(session, bench.origin, plan, note)
    return changed


@dataclass(frozen=True, slots=True, kw_only=True)
class Acceptance:
    """What is accepted.

    Attributes:
        number: Of the item.
        amount: Đồng that are accepted; None for all that is under contract, or granted.
        document, trial: Number of the acceptance record, and of the trial's.
        day: On which it was accepted.
        news: What becomes of its assets.
    """

    number: int
    amount: int | None = None
    document: str = ""
    trial: str = ""
    day: date
    news: AssetNews


def accept_item(
    bench: Bench, year: int, given: Acceptance, now: datetime
) -> tuple[PlanLine, str, list[AssetChange]]:
    """Accept the work on an item, and tell the register of assets, in one transaction.

    Gives the line, the plan's state then, and what changed in the register.
    """
    with bench.catalog.writing() as session:
        plan = get_in_force(session, year)
        refuse_taken(session, year, given.number)
        check_state(plan, AT_WORK, _SEE)
        line = plan.line(given.number)
        _refuse_acceptance(line, given.document, given.trial)
        _refuse_before_decision(session, year, given.day)
        contracted = line.contracted or line.granted
        accepted = contracted if given.amount is None else given.amount
        changed = plan_money(line, contracted=contracted, accepted=accepted)
        changed = replace(changed, accepted_on=given.day)
        news = _price(given.news, accepted // max(1, len(line.item.assets)))
        assets = plan_assets(line, news, list_assets(session, retired_too=True))
        moment = datetime.combine(given.day, time.min, bench.estate.zone)
        details = {
            "line": call_line(year, line.number),
            "accepted": accepted,
            "document": given.document,
            "trial": given.trial,
            "at": moment.isoformat(),
            "assets": [it.asset.name for it in assets],
            "asset_unchanged": news.unchanged,
        }
        set_line(session, bench.origin, plan, changed, "plan.complete", details)
        if assets:
            apply_import(session, bench.origin, assets, now=now)
        note = PlanNote(
            item=line.number,
            kind="acceptance",
            at=now,
            text=given.document,
            document=given.trial,
            result=news.unchanged,
        )
        add_note(session, bench.origin, plan, note)
        lines = [changed if it.number == line.number else it for it in plan.lines]
        state = "accepted" if is_whole(lines, find_takers(session, year)) else "running"
        if state != plan.row.state:
            set_plan(session, bench.origin, plan, f"plan.{state}", {"state": state}, {})
    return changed, state, assets


def _price(news: AssetNews, each: int) -> AssetNews:
    """Give the new devices their part of the accepted amount where no other price was said."""
    priced = {
        name: it if it.price is not None else replace(it, price=each)
        for name, it in news.successors.items()
    }
    return replace(news, successors=priced)


def _refuse_before_decision(session: Session, year: int, day: date) -> None:
    """Refuse an acceptance of a day on which nothing of the year's plan was decided yet."""
    query = select(func.min(Plan.decided_on)).where(Plan.year == year)
    decided = session.execute(query).scalar_one()
    if decided is not None and day < decided:
        raise refuse(
            N_("the plan was decided on {decided}, and nothing of it is accepted before"),
            N_("look at the day of the acceptance record, and type it again"),
            decided=format_date(decided),
        )


def _refuse_acceptance(line: PlanLine, document: str, trial: str) -> None:
    if line.accepted_on is not None:
        raise refuse(
            N_("item {number} is accepted already"), N_("nothing is to be done"), number=line.number
        )
    if not document.strip():
        raise refuse(N_("an acceptance has a record"), N_("give its number with `--document`"))
    if line.item.form in NEEDS_TRIAL and not trial.strip():
        raise refuse(
            N_("item {number} is accepted after a trial run only"),
            N_("give the number of its record with `--trial`"),
            number=line.number,
        )


def report_plan(bench: Bench, year: int, document: str) -> KeptPlan:
    """Note the report on a plan; the end of its way."""
    if not document.strip():
        raise refuse(N_("a report has a number"), N_("give it with `--report`"))
    with bench.catalog.writing() as session:
        plan = get_in_force(session, year)
        check_state(plan, ("accepted",), N_("accept what is left: `{program} plan.complete`"))
        values = {"state": "reported", "report": document}
        set_plan(session, bench.origin, plan, "plan.report", values, {"document": document})
        return get_in_force(session, year)
