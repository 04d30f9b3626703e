"""Chính sách sao lưu: the backup policy as the estate has it, for approval (law.md 1.2)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ops.duties.policy import (
    PolicyRow,
    document_of,
    find_missing,
    read_kept,
    tell_copies,
    tell_missing,
)
from ops.duties.policy_approved import find_standing, newest_approved
from ops.duties.policy_cli import current_policy, row_parts, tell_standing, today_of
from ops.duties.table.load import load_duties
from ops.estate.model.estate import Estate
from ops.language.formats import format_date
from ops.reports.figures.figure import Figure
from ops.reports.kinds.kind import Ask, Frame
from ops.reports.papers.paper import Block, Paper


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyFacts:
    """The policy's rows, which copies are missing, and how it stands to the approved one."""

    estate: Estate
    rows: Sequence[PolicyRow]
    missing: Mapping[str, Sequence[str]]
    remarks: Sequence[str]
    titles: Mapping[str, str]
    approved: str


def gather_policy(ask: Ask) -> PolicyFacts:
    """Read the policy, and what the stores hold of it."""
    estate = ask.estate
    rows = current_policy(estate, load_duties(estate))
    missing = find_missing(rows, read_kept(ask.session))
    approved = newest_approved(ask.session)
    standing = find_standing(approved, document_of(rows), today_of(estate))
    return PolicyFacts(
        estate=estate,
        rows=rows,
        missing=missing,
        remarks=(*tell_standing(standing), *tell_missing(missing, estate.primary_store.name)),
        titles={it.name: it.title_on(ask.window.last) or it.name for it in estate.named_sites},
        approved=f"{approved.number}, {format_date(approved.decided_on)}" if approved else "",
    )


def write_policy(facts: PolicyFacts, frame: Frame) -> Paper:
    """Write the policy: a division for each class and way of backing up."""
    blocks: list[Block] = [frame.text("opening", rows=len(facts.rows))]
    if facts.approved:
        blocks.append(frame.text("approved", number=facts.approved))
    for number, row in enumerate(facts.rows, start=1):
        title = row.title or frame.texts.say("no_class")
        blocks.append(frame.head("h_row", number=number, title=title))
        names = ", ".join(facts.titles.get(it, it) for it in row.sites)
        parts = row_parts(row, facts.estate, tell_copies(row, facts.missing), on_paper=True)
        pairs = [(label.capitalize(), text) for label, text in parts if text]
        pairs.insert(0, (frame.texts.say("sites", count=len(row.sites)), names))
        blocks.append(frame.table("pairs", "1l 2.6l", pairs))
    if facts.remarks:
        blocks += [frame.head("h_remarks"), frame.text("remarks")]
        blocks += [frame.item("remark", text=it) for it in facts.remarks]
    blocks += [frame.source(Figure(1, "estate"), Figure(1, "snapshots")), frame.text("closing")]
    return frame.paper(blocks)
