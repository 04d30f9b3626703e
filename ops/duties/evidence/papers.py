"""What the catalog says of papers and lists: issued reports, the year's plan, the register.

For each of these duties somebody's word counts as well: the work may have been done on paper.
"""

import json
from collections.abc import Iterator, Mapping
from datetime import date, datetime
from typing import TYPE_CHECKING

from sqlalchemy import select
from sqlalchemy.orm import Session

from ops.assets.records import COMPARED
from ops.catalog.tables.assets import Asset
from ops.catalog.tables.core import JournalRow
from ops.catalog.tables.documents import Document
from ops.catalog.tables.plans import Plan
from ops.documents.signers import are_checked
from ops.duties.evidence.verdicts import LATE, UNCHECKED, Piece, Table
from ops.schedule.ledger.job import Outcome

if TYPE_CHECKING:
    from ops.duties.evidence.queries import Ask

MADE, LISTS = "report.made", "inventory"
"""What the journal tells of a paper that was made, and the kind that lists devices and software."""


def find_issued(session: Session, ask: "Ask") -> Iterator[Piece]:
    """Find papers of the period's year that were taken back as issued (`report.issue`)."""
    wanted = [f"report:{kind}:{ask.period.end.year}" for kind in ask.duty.evidence.papers]
    query = select(Document).where(Document.about.in_(wanted))
    for row in session.execute(query.order_by(Document.added_at)).scalars():
        day = row.dated or row.added_at.astimezone(ask.setting.zone).date()
        told: dict[str, object] = {"number": row.number, "about": row.about, "day": day.isoformat()}
        told |= {} if are_checked(row.signatures) else {UNCHECKED: True}
        yield _by_its_day("documents", row.id.hex, row.added_at, day, told, ask)


def find_planned(session: Session, ask: "Ask") -> Iterator[Piece]:
    """Find whether the plan of the year after the period was reviewed, or handed in."""
    stage = Plan.submitted_at if ask.duty.evidence.stage == "submitted" else Plan.reviewed_at
    query = select(Plan.id, stage, Plan.submission).where(
        Plan.year == ask.period.end.year + 1, Plan.revision == 0, stage.is_not(None)
    )
    for plan, at, number in session.execute(query):
        if at is not None:
            day = at.astimezone(ask.setting.zone).date()
            yield _by_its_day("plans", plan.hex, at, day, {"number": number}, ask)


def _by_its_day(
    table: Table, row: str, at: datetime, day: date, told: Mapping[str, object], ask: "Ask"
) -> Piece:
    is_late = day > ask.deadline
    outcome: Outcome = "incomplete" if is_late else "ok"
    return Piece("", at, outcome, table, row, {**told, LATE: True} if is_late else told)


def find_listed(session: Session, ask: "Ask") -> Iterator[Piece]:
    """Find, for each system, whether the lists were made in the period and hold anything of it.

    The register is kept as it is now: of a period that is over nobody can say what it held.
    """
    rows = _journaled(session, ask, MADE, LISTS)
    held = set(session.execute(
        select(Asset.system).where(Asset.kind.in_(ask.duty.evidence.assets)).distinct()
    ).scalars())  # fmt: skip
    lacking: Outcome = "not_checked" if ask.is_past else "incomplete"
    for sequence, at, _details in rows:
        for system in ask.estate.get("systems", ()):
            name = system["name"]
            outcome: Outcome = "ok" if name in held else lacking
            yield Piece("", at, outcome, "journal", str(sequence), subject=name)


def find_compared(session: Session, ask: "Ask") -> Iterator[Piece]:
    """Find when the register was compared with the hosts, and whether none was left out."""
    for sequence, at, details in _journaled(session, ask, COMPARED, ""):
        told = json.loads(details)
        whole = told["hosts"] and not told["not_checked"]
        outcome: Outcome = "ok" if whole else "incomplete"
        yield Piece("", at, outcome, "journal", str(sequence), told)


def _journaled(
    session: Session, ask: "Ask", action: str, subject: str
) -> list[tuple[int, datetime, str]]:
    first, after = ask.bounds()
    rows = session.execute(
        select(JournalRow.sequence, JournalRow.at, JournalRow.details)
        .where(JournalRow.action == action, JournalRow.subject == subject)
        .where(JournalRow.at >= first, JournalRow.at < after)
        .order_by(JournalRow.sequence)
    )
    return [(sequence, at, details) for sequence, at, details in rows]
