"""Security in figures: what looks found and what was mended; one query a number."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from ops.catalog.tables.security import SEVERITIES, SecurityFinding, SecurityLook
from ops.reports.figures.figure import Figure
from ops.reports.window import Window


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
