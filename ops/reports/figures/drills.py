"""Restore drills in figures."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from ops.catalog.tables.drills import Drill
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
        id=drill.id.hex, site=drill.site, scope=drill.scope, source=drill.source,
        started_at=drill.started_at, outcome=str(drill.outcome),
        rto=span("rto", "reached"), rpo=span("rpo", "reached"),
        rto_target=span("rto", "target"), rpo_target=span("rpo", "target"),
    )  # fmt: skip
