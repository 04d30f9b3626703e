"""Find in the catalog the rows that speak for or against a duty, one named query each."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from itertools import chain
from typing import Any, cast
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import Row, Select, select
from sqlalchemy.orm import Session

from ops.catalog.tables.core import JournalRow, Run
from ops.catalog.tables.drills import Drill, DrillFinding
from ops.duties.evidence.acts import (
    find_acts,
    find_keys,
    find_policy,
    find_reviews,
    find_runbooks,
)
from ops.duties.evidence.archive import (
    find_fixity,
    find_metadata,
    find_reserve,
    find_reserve_statistics,
)
from ops.duties.evidence.copies import find_catalogue, find_copies
from ops.duties.evidence.due import Period, WorkCalendar
from ops.duties.evidence.papers import (
    find_answers,
    find_compared,
    find_issued,
    find_listed,
    find_planned,
    find_statements,
)
from ops.duties.evidence.security import find_allowed, find_levels, find_looks
from ops.duties.evidence.verdicts import LATE, Piece
from ops.duties.table.models import Duty
from ops.duties.table.versions import Document
from ops.parts import Seam
from ops.schedule.ledger.job import Outcome

RESTORED = "backup.restore"
_ONE_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Setting:
    """What evidence is looked for in.

    Attributes:
        zone: The organisation's, for days.
        today: The organisation's date.
        estate: The document of the estate in force now, for days that have no version.
        calendar: Working days.
    """

    zone: ZoneInfo
    today: date
    estate: Document
    calendar: WorkCalendar

    def bounds(self, period: Period) -> tuple[datetime, datetime]:
        """Give the first moment of a period, and the first one after it."""
        first, after = (
            datetime.combine(day, time.min, self.zone)
            for day in (period.start, period.end + _ONE_DAY)
        )
        return first, after


@dataclass(frozen=True, slots=True)
class Ask:
    """One question to the catalog: what proves this duty in this period, done by this day?

    `about` is that of `ops.duties.evidence.due.Due`.
    """

    duty: Duty
    period: Period
    estate: Document
    setting: Setting
    deadline: date
    about: Mapping[str, datetime] = field(default_factory=dict)

    @property
    def is_past(self) -> bool:
        """Whether the period is over, so that index tables no longer tell of it."""
        return self.period.end < self.setting.today

    def bounds(self) -> tuple[datetime, datetime]:
        """Give the first moment of the period, and the first one after it."""
        return self.setting.bounds(self.period)


def _find_runs(session: Session, ask: Ask) -> Iterator[Piece]:
    proof = ask.duty.evidence
    query = _ended_runs(ask)
    if proof.run_kind:
        query = query.where(Run.kind == proof.run_kind)
    if proof.job:
        query = query.where(Run.job.startswith(proof.job, autoescape=True))
    yield from (_run_piece(row) for row in session.execute(query))


def _ended_runs(ask: Ask) -> Select[UUID, str, datetime | None, str | None, str, str]:
    first, after = ask.bounds()
    return select(Run.id, Run.site, Run.ended_at, Run.outcome, Run.job, Run.reason).where(
        Run.ended_at >= first, Run.ended_at < after, Run.outcome.is_not(None)
    )


def _run_piece(row: Row[UUID, str, datetime | None, str | None, str, str]) -> Piece:
    run_id, site, ended_at, outcome, job, reason = row
    moment, ended_as = cast("datetime", ended_at), cast("Outcome", outcome)
    return Piece(site, moment, ended_as, "runs", str(run_id), {"job": job, "reason": reason})


def _find_restores(session: Session, ask: Ask) -> Iterator[Piece]:
    """Find restores by hand, as the journal tells of them, and drills of whole sites.

    A restore of a part of a site alone proves too little, as does a drill of one file.
    """
    first, after = ask.bounds()
    rows = select(JournalRow.sequence, JournalRow.subject, JournalRow.at, JournalRow.details).where(
        JournalRow.action == RESTORED, JournalRow.at >= first, JournalRow.at < after
    )
    for sequence, site, at, text in session.execute(rows):
        details = _parse(text)
        outcome: Outcome = "incomplete" if details.get("include") else "ok"
        outcome = "failed" if details.get("failed") else outcome
        yield Piece(site, at, outcome, "journal", str(sequence), details)
    yield from (_drill_piece(row) for row in _concluded_drills(session, ask, "site"))


def _find_drills(session: Session, ask: Ask) -> Iterator[Piece]:
    """Find drills alone, of the kind that the duty names."""
    proof = ask.duty.evidence
    for row in _concluded_drills(session, ask, proof.scope):
        is_engine = proof.engine in {"", row.engine}
        if is_engine and (row.from_paper or not proof.from_paper):
            yield _drill_piece(row)


def _concluded_drills(session: Session, ask: Ask, scope: str) -> Iterable[Drill]:
    first, after = ask.bounds()
    return session.execute(
        select(Drill).where(
            Drill.ended_at >= first,
            Drill.ended_at < after,
            Drill.scope == ("site" if scope == "archive" else scope),
            Drill.source == ("archive" if scope == "archive" else "backup"),
        )
    ).scalars()


def _drill_piece(row: Drill) -> Piece:
    ended_at, outcome = cast("datetime", row.ended_at), cast("Outcome", row.outcome)
    names = ("engine", "store", "snapshot", "from_paper", "isolated", "minutes_sha256")
    details = {"reason": row.reason_code, **{name: getattr(row, name) for name in names}}
    return Piece(row.site, ended_at, outcome, "drills", str(row.id), details)


def _find_findings(session: Session, ask: Ask) -> Iterator[Piece]:
    """Find what became of that which drills have shown in the period: good once all is fixed."""
    first, after = ask.bounds()
    query = select(DrillFinding).where(
        DrillFinding.opened_at >= first, DrillFinding.opened_at < after
    )
    of_site: dict[str, list[DrillFinding]] = {}
    for row in session.execute(query.order_by(DrillFinding.opened_at)).scalars():
        of_site.setdefault(row.site, []).append(row)
    for site, rows in of_site.items():
        is_open = any(it.closed_at is None for it in rows)
        newest = max(it.closed_at or it.opened_at for it in rows)
        details = {"findings": [str(it.id) for it in rows], "drills": _drills_of(rows)}
        outcome: Outcome = "incomplete" if is_open else "ok"
        yield Piece(site, newest, outcome, "drill_findings", str(rows[-1].id), details)


def _drills_of(rows: Iterable[DrillFinding]) -> list[str]:
    return [str(it.fixed_by) for it in rows if it.fixed_by is not None]


def _find_journaled(session: Session, ask: Ask) -> Iterator[Piece]:
    """Compare the runs that ended with the journal: each must stand there, failed ones too."""
    first, after = ask.bounds()
    ended = select(Run.id, Run.ended_at).where(Run.ended_at >= first, Run.ended_at < after)
    runs = {str(run_id): moment for run_id, moment in session.execute(ended) if moment}
    if not runs:
        return
    rows = select(JournalRow.run).where(JournalRow.at >= first, JournalRow.run != "").distinct()
    missing = sorted(runs.keys() - set(session.execute(rows).scalars()))
    details = {"runs": len(runs), "not_journaled": missing}
    newest = max(runs.values())
    yield Piece("", newest, "failed" if missing else "ok", "journal", "", details)


def find_stated(session: Session, ask: Ask) -> Iterator[Piece]:
    """Find what people say they did for the duty in the period."""
    for found in find_statements(session, ask.duty.name, ask.period.key):
        is_late = date.fromisoformat(found.details["done_on"]) > ask.deadline
        details = {**found.details, LATE: True} if is_late else found.details
        row = str(found.sequence)
        yield Piece("", found.at, "stated", "journal", row, details, subject=found.subject)


def _parse(text: str) -> dict[str, Any]:
    parsed: dict[str, Any] = json.loads(text)
    return parsed


Find = Callable[[Session, Ask], Iterator[Piece]]
WATCHED: Seam[Find] = Seam("watch-evidence")
"""Finds what the watch, a room above, proves."""

MEASURES: Seam[Find] = Seam("measures-evidence")
"""Finds how the controls and duties stand that rest on a text; a room above judges them."""


def _given_by(seam: Seam[Find]) -> Find:
    return lambda session, ask: chain.from_iterable(it(session, ask) for it in seam.parts())


@dataclass(frozen=True, slots=True)
class Query:
    """One way to prove a duty.

    Attributes:
        find: Finds the rows.
        made_by: The command that makes them, with parts of the `duty` and its `proof` in braces.
    """

    find: Find
    made_by: str

    def tell_maker(self, duty: Duty) -> str:
        """Give the command that makes what proves a duty."""
        return self.made_by.format(duty=duty, proof=duty.evidence)


QUERIES: Mapping[str, Query] = {
    "fixity": Query(find_fixity, "archive.verify"),
    "metadata": Query(find_metadata, "archive.capture --site SITE"),
    "reserve": Query(find_reserve, "archive.verify"),
    "reserve-statistics": Query(find_reserve_statistics, "archive.verify"),
    "looks": Query(find_looks, "security.audit"),
    "allowed": Query(find_allowed, "security.baseline"),
    "levels": Query(find_levels, "estate.propose"),
    "answers": Query(find_answers, "register.close"),
    "runs": Query(_find_runs, "service.trigger --job {proof.triggered}"),
    "restores": Query(_find_restores, "drill.run --site SITE"),
    "drills": Query(_find_drills, "drill.run --site SITE"),
    "findings": Query(_find_findings, "drill.run --site SITE"),
    "copies": Query(find_copies, "backup.copy --site SITE"),
    "catalogue": Query(find_catalogue, "backup.check --site SITE"),
    "journal": Query(_find_journaled, "service.journal-verify"),
    "policy": Query(find_policy, "duty.policy --approve"),
    "runbooks": Query(find_runbooks, "runbook.run --id {proof.runbooks[0]}"),
    "reviewed": Query(find_reviews, "duty.review --duty {duty.name}"),
    "acts": Query(find_acts, "{proof.acts[0]}"),
    "media": Query(lambda _session, _ask: iter(()), "backup.retire-media"),
    "keys": Query(find_keys, "estate.propose"),
    "issued": Query(find_issued, "report.issue --kind {proof.papers[0]}"),
    "planned": Query(find_planned, "plan.submit"),
    "listed": Query(find_listed, "report.make --kind inventory"),
    "compared": Query(find_compared, "asset.diff"),
    **dict.fromkeys(
        ("watched", "available", "https", "ipv6"), Query(_given_by(WATCHED), "monitor.status")
    ),
    "measures": Query(_given_by(MEASURES), "security.findings --compliance"),
}
"""How a duty is proven, by the `query` of its `Proof`; a `statement` alone is proven by none."""


def find_pieces(session: Session, ask: Ask) -> list[Piece]:
    """Find what speaks for or against a duty, and what people say of it; oldest first."""
    query = QUERIES.get(ask.duty.evidence.query)
    found = list(query.find(session, ask)) if query else []
    return sorted([*found, *find_stated(session, ask)], key=lambda it: it.at)
