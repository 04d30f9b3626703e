"""What happened around an entry besides journal and alerts: runs, drills, findings, the watch."""

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.orm import Session

from ops.catalog.tables.core import Run
from ops.catalog.tables.drills import Drill
from ops.catalog.tables.security import SecurityFinding
from ops.parts import Seam
from ops.register.entry import Entry, Link, LinkKind
from ops.register.moments import MOST_ROWS, Moment

FINDING_WORDS: Seam[Callable[[SecurityFinding], str]] = Seam("finding-words")
"""Tells a finding in the reader's language; from a room above."""

WATCHED: Seam[Callable[[Session, str, datetime, datetime], Iterable[Moment]]] = Seam("site-moments")
"""Gives what a room above saw at a site from one moment to another, oldest first, bounded."""


def tell_finding(finding: SecurityFinding) -> str:
    """Tell a finding in the reader's language."""
    return next(iter(tell(finding) for tell in FINDING_WORDS.parts()), finding.title)


def find_around(
    session: Session, entry: Entry, links: Iterable[Link], since: datetime, until: datetime
) -> Iterator[Moment]:
    """Give what is linked, and what befell the entry's site from one moment to another."""
    refs: dict[LinkKind, list[UUID]] = {"run": [], "drill": [], "finding": [], "alert": []}
    for link in links:
        refs[link.kind].append(UUID(link.ref))
    yield from _runs(session, refs["run"])
    yield from _drills(session, entry.site, refs["drill"], since, until)
    yield from _findings(session, entry.site, refs["finding"], since, until)
    if entry.site:
        for find in WATCHED.parts():
            yield from find(session, entry.site, since, until)


def _runs(session: Session, linked: Iterable[UUID]) -> Iterator[Moment]:
    """Give linked runs; those of the site the journal tells."""
    query = select(Run).where(Run.id.in_(linked)).order_by(Run.started_at).limit(MOST_ROWS)
    for run in session.execute(query).scalars():
        params = {"outcome": run.outcome or ""}
        yield Moment(at=run.ended_at or run.started_at, source="run", what="run", subject=run.job,
                     params=params)  # fmt: skip


def _drills(
    session: Session, site: str, linked: Iterable[UUID], since: datetime, until: datetime
) -> Iterator[Moment]:
    wanted: ColumnElement[bool] = Drill.id.in_(linked)
    if site:
        wanted = or_(wanted, (Drill.site == site) & Drill.started_at.between(since, until))
    query = select(Drill).where(wanted).order_by(Drill.started_at).limit(MOST_ROWS)
    for drill in session.execute(query).scalars():
        params = {"outcome": drill.outcome or ""}
        yield Moment(at=drill.started_at, source="drill", what="drilled", subject=drill.site,
                     person=drill.person, text=drill.reason, params=params)  # fmt: skip


def _findings(
    session: Session, site: str, linked: Iterable[UUID], since: datetime, until: datetime
) -> Iterator[Moment]:
    wanted: ColumnElement[bool] = SecurityFinding.id.in_(linked)
    if site:
        seen = SecurityFinding.first_seen_at.between(since, until)
        fixed = SecurityFinding.fixed_at.between(since, until)
        wanted = or_(wanted, (SecurityFinding.subject == f"site:{site}") & or_(seen, fixed))
    query = select(SecurityFinding).where(wanted).order_by(SecurityFinding.first_seen_at)
    for row in session.execute(query.limit(MOST_ROWS)).scalars():
        text = tell_finding(row)
        for at, what in ((row.first_seen_at, "found"), (row.fixed_at, "fixed")):
            if at is not None:
                yield Moment(at=at, source="finding", what=what, subject=row.subject, text=text,
                             params={"severity": row.severity})  # fmt: skip
