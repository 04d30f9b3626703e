"""What became of a year's plan: the report on carrying it out, and what is told of a line's end.

The report goes to who decided on the plan (NĐ 224/2026, Điều 7(3): result of the year before). What
is told within 20 days after an acceptance: its Điều 68(2); no form is laid down, headings are ours.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from ops.catalog.tables.plans import PlanNote
from ops.catalog.tables.register import Asset, Document
from ops.errors import WrongUseError
from ops.planning.item import BASIS, PlanLine, call_use
from ops.planning.money import format_amount
from ops.planning.records import KeptPlan, read_notes
from ops.planning.work import CONTRACT, NEEDS_TRIAL, get_in_force
from ops.reports.figures.figure import Figure
from ops.reports.figures.plans import PlanYear, read_year
from ops.reports.kinds.kind import Ask, Frame, count, day, or_blank
from ops.reports.kinds.office import UNFILLED
from ops.reports.kinds.plan_tables import tell_form
from ops.reports.kinds.spending import tell_amounts, tell_result, write_sums
from ops.reports.papers.paper import Annex, Block, Paper


def gather_plan_progress(ask: Ask) -> PlanYear:
    """Read the year's plan in force, its lines as they stand now."""
    get_in_force(ask.session, ask.window.year)
    return read_year(ask.session, ask.window.year, ask.window)


def write_plan_progress(plan: PlanYear, frame: Frame) -> Paper:
    """Write the report: in all, by use and source, what lags, and each line in an annex."""
    told = [(it, *tell_result(frame, plan, it)) for it in plan.results]
    late = [(it, result, why) for it, result, why in told if it.result != "accepted" or it.left]
    done = len(plan.results) - sum(it.result != "accepted" for it in plan.results)
    body, text = frame.office.letterhead.body, frame.text
    blocks: list[Block] = [
        text("opening", body=body, year=plan.year),
        frame.head("h_sums"),
        text("lines", count=len(plan.results), done=done, left=len(plan.results) - done),
        *write_sums(plan, frame, frame.moment(frame.taken_at)),
        frame.head("h_late"),
        text("late" if late else "no_late", count=len(late)),
        *(
            frame.item(
                "late_line",
                number=count(it.line.number),
                title=it.line.item.title,
                left=format_amount(it.left),
                result=result,
                why=why,
            )
            for it, result, why in late
        ),
        frame.head("h_proposals"),
        text("proposals", blank=UNFILLED),
        frame.source(Figure(1, "plan")),
        text("closing", body=body, year=plan.year),
        Annex(frame.texts.say("annex", year=plan.year), is_wide=True),
        frame.table(
            "lines",
            "0.6c 2.8l 1.3r 1.3r 1.3r 1.3r 1.8l 1.8l",
            [
                (count(it.line.number), it.line.item.title, *tell_amounts([it.line]), result, why)
                for it, result, why in told
            ],
            totals=[
                (
                    "",
                    frame.texts.say("total"),
                    *tell_amounts([it.line for it in plan.results]),
                    "",
                    "",
                )
            ],
        ),
    ]
    return frame.paper(blocks, year=plan.year)


@dataclass(frozen=True, slots=True, kw_only=True)
class CompletionFacts:
    """A line whose work was accepted.

    Attributes:
        plan: It belongs to.
        line: As it stands.
        supplier: Of its asset; empty where nobody knows.
        contract: As it was noted with the money, else of its asset; may be empty.
        notes: Of the line, oldest first.
        documents: Kept about it: the decision's scan, quotations.
    """

    plan: KeptPlan
    line: PlanLine
    supplier: str
    contract: str
    notes: Sequence[PlanNote]
    documents: Sequence[Document]


def gather_completion(ask: Ask) -> CompletionFacts:
    """Read the accepted line of that number; left out: the one accepted last."""
    plan = get_in_force(ask.session, ask.window.year)
    done = [it for it in plan.lines if it.accepted_on is not None]
    if ask.of:
        done = [it for it in done if str(it.number) == ask.of.strip()]
    if not done:
        raise WrongUseError(
            "no such line of the plan for {year} is accepted",
            why="information on completion is given once the work is accepted",
            next_step="`{program} plan.show --year {year}` lists the lines; give one as `--of`",
            year=ask.window.year,
        )
    line = max(done, key=lambda it: (it.accepted_on, it.number))
    query = select(Asset).where(Asset.name == line.item.asset)
    asset = ask.session.execute(query).scalar_one_or_none() if line.item.asset else None
    notes = [it for it in read_notes(ask.session, plan) if it.item == line.number]
    contracts = dict.fromkeys(it.document for it in notes if it.code == CONTRACT)
    return CompletionFacts(
        plan=plan,
        line=line,
        supplier=asset.supplier if asset else "",
        contract="; ".join(contracts) or (asset.contract if asset else ""),
        notes=notes,
        documents=_find_documents(ask.session, plan, line),
    )


def _find_documents(session: Session, plan: KeptPlan, line: PlanLine) -> list[Document]:
    """Give the documents kept about the plan, and those that speak for the line, oldest first."""
    named = {it.id for it in line.item.evidence}
    rows = session.execute(select(Document).order_by(Document.added_at)).scalars()
    about = f"plan:{plan.row.year}"
    return [it for it in rows if it.about == about or it.id.hex in named]


def write_completion(facts: CompletionFacts, frame: Frame) -> Paper:
    """Write the letter."""
    line, body, row = facts.line, frame.office.letterhead.body, facts.plan.row
    values: dict[str, Any] = {"title": line.item.title, "number": line.number, "year": row.year}
    decided = day(row.decided_on) if row.decided_on else UNFILLED
    basis = frame.texts.say("basis", **frame.known) if frame.citations.cites(BASIS) else ""
    blocks: list[Block] = [
        frame.text(
            "opening",
            basis=basis,
            decision=or_blank(row.decision),
            decided=decided,
            body=body,
            **values,
        ),
        frame.table("pairs", "1.2l 2.8l", [*_pairs(facts, frame)]),
        frame.source(Figure(1, "plan")),
        frame.text("closing", **values),
    ]
    return frame.paper(blocks, **values)


def _pairs(facts: CompletionFacts, frame: Frame) -> Iterator[tuple[str, str]]:
    line, item = facts.line, facts.line.item
    accepted = [it for it in facts.notes if it.kind == "acceptance"]
    works = [it for it in facts.notes if it.kind == "work"]
    papers = [it.document for it in works if it.document]
    trial = "; ".join(it.document for it in accepted if it.document)
    told = (
        f"{item.title} ({format_amount(item.quantity)} {item.unit})",
        item.reason,
        f"{tell_form(item, frame)}; {call_use(item.use)}",
        facts.supplier,
        facts.contract,
        item.price_basis,
        *(f"{it} đồng" for it in tell_amounts([line])),
        day(line.accepted_on) if line.accepted_on else "",
        "; ".join(dict.fromkeys(it.text for it in accepted if it.text)),
        trial if item.form in NEEDS_TRIAL else trial or frame.texts.say("no_trial"),
        "; ".join(": ".join(filter(None, (it.text, it.result))) for it in works),
        item.product,
        "; ".join(dict.fromkeys([*papers, *(_call(it) for it in facts.documents)])),
    )
    yield from zip(frame.texts.list("fields"), map(or_blank, told), strict=True)


def _call(document: Document) -> str:
    number = f" số {document.number}" if document.number else ""
    return f"{document.title}{number}"
