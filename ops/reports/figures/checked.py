"""Restore drills, the archive and security in figures: what was tried, read and looked at."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from ops.catalog.tables.copies import ArchivePlace
from ops.catalog.tables.drills import Drill
from ops.catalog.tables.security import SEVERITIES, SecurityFinding, SecurityLook
from ops.drills.minutes.minutes import read_minutes
from ops.reports.figures.figure import Figure
from ops.reports.window import Window


@dataclass(frozen=True, slots=True, kw_only=True)
class DrillRow:
    """One drill that is concluded.

    Attributes:
        id, site, scope, source: As kept.
        started_at: When it began.
        outcome: How it ended.
        rto, rpo: What was reached; None where it was not measured.
        rto_target, rpo_target: What was aimed at; None where the minutes do not say.
    """

    id: str
    site: str
    scope: str
    source: str
    started_at: datetime
    outcome: str
    rto: timedelta | None
    rpo: timedelta | None
    rto_target: timedelta | None
    rpo_target: timedelta | None


def list_concluded(session: Session, window: Window) -> Figure[list[DrillRow]]:
    """List the drills that began in a time and are concluded, oldest first; one query."""
    query = (
        select(Drill)
        .where(Drill.outcome.is_not(None))
        .where(Drill.started_at >= window.since, Drill.started_at < window.until)
        .order_by(Drill.started_at)
    )
    return Figure([_row(it) for it in session.execute(query).scalars()], "drills")


def _row(drill: Drill) -> DrillRow:
    results = read_minutes(drill.minutes).results if drill.minutes else {}

    def span(name: str, part: str) -> timedelta | None:
        found: Any = (results.get(name) or {}).get(f"{part}_seconds")
        return None if found is None else timedelta(seconds=float(found))

    return DrillRow(
        id=drill.id.hex,
        site=drill.site,
        scope=drill.scope,
        source=drill.source,
        started_at=drill.started_at,
        outcome=str(drill.outcome),
        rto=span("rto", "reached"),
        rpo=span("rpo", "reached"),
        rto_target=span("rto", "target"),
        rpo_target=span("rpo", "target"),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaceCounts:
    """A place of the archive now; fields as in `ops.catalog.tables.copies.ArchivePlace`."""

    objects: int
    damaged: int
    lacks: int
    checked_at: datetime | None


def count_places(session: Session) -> Figure[Mapping[str, PlaceCounts]]:
    """Give each place of the archive by name; None where there is no archive."""
    found = {
        it.name: PlaceCounts(
            objects=it.objects, damaged=len(it.damaged), lacks=it.lacks, checked_at=it.checked_at
        )
        for it in session.execute(select(ArchivePlace).order_by(ArchivePlace.name)).scalars()
    }
    return Figure(found or None, "archive")


@dataclass(frozen=True, slots=True, kw_only=True)
class FindingCounts:
    """What was found, by severity.

    Attributes:
        opened, fixed: In the time.
        open, accepted: Now; what is accepted is open, too.
    """

    opened: Mapping[str, int]
    fixed: Mapping[str, int]
    open: Mapping[str, int]
    accepted: Mapping[str, int]


def count_findings(session: Session, window: Window, now: datetime) -> Figure[FindingCounts]:
    """Count findings by severity; nobody knows where nobody has looked in the time."""
    row = SecurityFinding

    def count(*conditions: object) -> dict[str, int]:
        query = select(row.severity, func.count()).where(*conditions).group_by(row.severity)  # type: ignore[arg-type] # conditions of the table
        found = dict(session.execute(query).all())
        return {it: found.get(it, 0) for it in SEVERITIES}

    if not count_looks(session, window).value:
        return Figure(None, "findings")
    return Figure(
        FindingCounts(
            opened=count(row.first_seen_at >= window.since, row.first_seen_at < window.until),
            fixed=count(row.fixed_at >= window.since, row.fixed_at < window.until),
            open=count(row.state == "open"),
            accepted=count(row.state == "open", row.accepted_until > now),
        ),
        "findings",
    )


def count_looks(session: Session, window: Window) -> Figure[Mapping[str, Mapping[str, int]]]:
    """Count looks by tool and how they ended."""
    query = (
        select(SecurityLook.tool, SecurityLook.outcome, func.count())
        .where(SecurityLook.at >= window.since, SecurityLook.at < window.until)
        .group_by(SecurityLook.tool, SecurityLook.outcome)
    )
    found: dict[str, dict[str, int]] = {}
    for tool, outcome, count in session.execute(query):
        found.setdefault(tool, {})[outcome] = count
    return Figure(found, "findings")
