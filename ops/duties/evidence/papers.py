"""What the catalog says of papers and lists, and what people say they did.

Issued reports, the year's plan, the register. Somebody's word is shown as that and proves nothing,
whether or not a document of it is kept.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from ops.assets.records import COMPARED
from ops.catalog.tables.core import JournalRow
from ops.catalog.tables.plans import Plan
from ops.catalog.tables.register import Asset, Document, RegisterEntry
from ops.documents.issued import IssuedPaper, read_issued
from ops.duties.evidence.verdicts import LATE, UNCHECKED, Piece, Table
from ops.journal import journal
from ops.journal.journal import Entry, Origin
from ops.language.formats import format_id
from ops.schedule.ledger.job import Outcome

if TYPE_CHECKING:
    from ops.duties.evidence.queries import Ask
    from ops.duties.table.models import Duty


MADE, LISTS = "report.made", "inventory"
"""What the journal tells of a paper that was made, and the kind that lists devices and software."""


def find_number(session: Session, duty: "Duty", name: str) -> str:
    """Give the number of the first paper that a duty asks for about an event; empty for none.

    Args:
        session: For reading.
        duty: Its proof names the kinds.
        name: What papers about the event are called, as in `find_issued`.
    """
    wanted = [f"report:{it}:{name}" for it in duty.evidence.papers]
    return next((it.number for it in read_issued(session, wanted)), "")


def find_issued(session: Session, ask: "Ask") -> Iterator[Piece]:
    """Find papers of the period's year that were taken back as issued (`report.issue`).

    They are called `report:KIND:YEAR`, with `:SITE` where they are about one, or `report:KIND:NAME`
    where they are about a stop or an entry of the register. What comes with events takes a paper
    about each that was taken back after the event was told.
    """
    wanted = [f"report:{it}:" for it in ask.duty.evidence.papers]
    year = str(ask.period.end.year)
    answered: dict[str, Piece] = {}
    for paper in read_issued(session, wanted):
        _report, _kind, name, *sites = paper.about.split(":")
        if name in ask.about and paper.at >= ask.about[name]:
            answered.setdefault(name, _issued(paper, "", ask))
        elif not ask.about and name == year:
            yield _issued(paper, "".join(sites), ask)
    # One paper that is lacking leaves the duty undone, whatever the others say.
    is_whole = answered.keys() == ask.about.keys()
    for piece in answered.values():
        yield piece if is_whole else replace(piece, outcome="incomplete")


def _issued(paper: IssuedPaper, site: str, ask: "Ask") -> Piece:
    """Say what a paper proves: its typed day alone makes none that is in time.

    Of a signed one the later of its day and its signature's time counts. Of another the day is
    somebody's word where it was taken back too late; so it stands as stated then.
    """
    zone = ask.setting.zone
    taken_back = paper.at.astimezone(zone).date()
    day = paper.day or taken_back
    if paper.signed_at is not None:
        day = max(day, paper.signed_at.astimezone(zone).date())
    told: dict[str, object] = {"number": paper.number, "about": paper.about}
    told |= {"day": day.isoformat()} | ({} if paper.is_checked else {UNCHECKED: True})
    found = _by_its_day("documents", paper.document, paper.at, day, told, ask)
    if day > taken_back or (not ask.about and day < min(ask.period.end, ask.deadline)):
        found = replace(found, outcome="incomplete")  # on what was not over, or is to come
    elif found.outcome == "ok" and paper.signed_at is None and taken_back > ask.deadline:
        found = replace(found, outcome="stated", details={**told, "sha256": paper.sha256})
    return replace(found, site=site)


def find_planned(session: Session, ask: "Ask") -> Iterator[Piece]:
    """Find whether the plan of the year after the period was reviewed, or handed in.

    That its own author has reviewed it is that author's word.
    """
    stage = Plan.submitted_at if ask.duty.evidence.stage == "submitted" else Plan.reviewed_at
    query = select(Plan).where(
        Plan.year == ask.period.end.year + 1, Plan.revision == 0, stage.is_not(None)
    )
    for plan in session.execute(query).scalars():
        is_reviewed = stage is Plan.reviewed_at
        at = plan.reviewed_at if is_reviewed else plan.submitted_at
        if at is None:
            continue
        day = at.astimezone(ask.setting.zone).date()
        found = _by_its_day("plans", plan.id.hex, at, day, {"number": plan.submission}, ask)
        if found.outcome == "ok" and is_reviewed and not _is_others_review(plan):
            found = replace(found, outcome="stated")
        yield found


def _is_others_review(plan: Plan) -> bool:
    """Whether one who did not write the plan has reviewed it."""
    return plan.reviewed_by not in {"", plan.made_by, *plan.authors}


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
    held = set(
        session.execute(
            select(Asset.system).where(Asset.kind.in_(ask.duty.evidence.assets)).distinct()
        ).scalars()
    )
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


def find_answers(session: Session, ask: "Ask") -> Iterator[Piece]:
    """Find what became of each site's remarks of the period's first day: good once all are closed.

    Whoever takes one up has not answered it yet.
    """
    first, _after = ask.bounds()
    query = select(RegisterEntry).where(
        RegisterEntry.kind == "remark",
        RegisterEntry.occurred_at >= first,
        RegisterEntry.occurred_at < first + timedelta(days=1),
    )
    of_site: dict[str, list[RegisterEntry]] = {}
    for row in session.execute(query.order_by(RegisterEntry.received_at)).scalars():
        of_site.setdefault(row.site, []).append(row)
    for site, rows in of_site.items():
        yield _piece(site, rows, ask)


def _piece(site: str, rows: list[RegisterEntry], ask: "Ask") -> Piece:
    waiting = [it for it in rows if it.closed_at is None]
    closed = [it.closed_at for it in rows if it.closed_at is not None]
    zone = ask.setting.zone
    is_late = not waiting and max(closed).astimezone(zone).date() > ask.deadline
    outcome: Outcome = "incomplete" if waiting or is_late else "ok"
    details = {
        "entries": [f"{it.year}-{it.number:03}" for it in rows],
        "waiting": len(waiting),
        **({LATE: True} if is_late else {}),
    }
    at = max([*closed, rows[0].received_at])
    shown = (waiting or rows)[-1]
    return Piece(site, at, outcome, "register_entries", str(shown.id), details)


ACTION = "duty.done"


@dataclass(frozen=True, slots=True)
class Statement:
    """Somebody's word that a duty was done.

    Attributes:
        sequence: Number of the journal row.
        at: When it was said.
        subject: System or site; empty for the organisation.
        details: `period`, `done_on`, and who said it; where a document shows it, its number as
            `document` and its hash as `sha256`; why the service saw nothing of it as `elsewhere`.
    """

    sequence: int
    at: datetime
    subject: str
    details: Mapping[str, Any]


def state_done(  # noqa: PLR0913 - the parts of one statement
    session: Session,
    origin: Origin,
    *,
    duty: str,
    subject: str,
    period: str,
    done_on: date,
    kept: Document | None = None,
) -> None:
    """Write a statement: the origin carries the person, and as reason why it was done elsewhere."""
    details = {"subject": subject, "period": period, "done_on": done_on.isoformat()}
    if kept is not None:
        origin = replace(origin, document=kept.number or format_id(kept.id.hex))
        details |= {"sha256": kept.sha256}
    journal.append(session, origin, [Entry(ACTION, duty, details)])


def find_statements(session: Session, duty: str, period: str) -> Iterator[Statement]:
    """Give what was said of one period of a duty, oldest first."""
    rows = (
        select(JournalRow)
        .where(JournalRow.action == ACTION, JournalRow.subject == duty)
        .order_by(JournalRow.sequence)
    )
    for row in session.execute(rows).scalars():
        details = json.loads(row.details)
        if details["period"] == period:
            told = {**details, "person": row.person or row.login, "document": row.document}
            told |= {"elsewhere": row.reason} if row.reason else {}
            yield Statement(row.sequence, row.at, details["subject"], told)
