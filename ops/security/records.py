"""What is kept of findings, looks and allowed lists, and how a look is written down.

Order of a look, in one transaction: read what is known of its subject and tool, decide what the
look changes (`plan_changes`), write the findings, the look itself and one journal row. Cut off
before its end nothing is kept, and the next look finds the same again.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import and_, func, select
from sqlalchemy.orm import Session

from ops.catalog.tables.security import SecurityBaseline, SecurityFinding, SecurityLook
from ops.journal import journal
from ops.journal.journal import Entry, Origin
from ops.security.findings import (
    RANK,
    Changes,
    Sighting,
    ToolLook,
    bound,
    judge_items,
    plan_changes,
)

LOOKED = "security.looked"
"""What the journal tells of a look; its subject is that of the look."""

Pair = tuple[str, str]
"""A subject and a tool."""


@dataclass(frozen=True, slots=True)
class KeptLook:
    """What became of a look.

    Attributes:
        look: As it was kept: bounded.
        opened, fixed: Findings that it opened and fixed.
        open: All that are open after it, accepted ones included.
        grave: Checks that are high or critical and are new, have come back, or became graver.
    """

    look: ToolLook
    opened: int
    fixed: int
    open: int
    grave: tuple[str, ...] = ()


def remember_looks(
    session: Session, origin: Origin, looks: Iterable[ToolLook], *, now: datetime
) -> list[KeptLook]:
    """Write looks at one subject, and the journal row that tells of them.

    Args:
        session: From `Catalog.writing`.
        origin: Who looks.
        looks: All of one subject.
        now: The moment.
    """
    kept = [_remember(session, origin, bound(it), now) for it in looks]
    if kept:
        details = {
            it.look.tool: {
                "outcome": it.look.outcome,
                "reason": it.look.reason,
                "opened": it.opened,
                "fixed": it.fixed,
                "open": it.open,
                "evidence": it.look.evidence,
            }
            for it in kept
        }
        journal.append(session, origin, [Entry(LOOKED, kept[0].look.subject, details)])
    return kept


def _remember(session: Session, origin: Origin, look: ToolLook, now: datetime) -> KeptLook:
    known = find_known(session, look.subject, look.tool)
    changes = plan_changes(look, known)
    write_changes(session, origin, look, known, changes, now=now)
    opened, fixed = len(changes.new) + len(changes.again), len(changes.fixed)
    open_now = _count_open(session, look.subject, look.tool)
    session.add(
        SecurityLook(
            subject=look.subject,
            tool=look.tool,
            at=now,
            outcome=look.outcome,
            reason=look.reason,
            params=dict(look.params),
            version=look.version,
            score=look.score,
            opened=opened,
            fixed=fixed,
            open=open_now,
            items=None if look.items is None else list(look.items),
            evidence=look.evidence,
            run=origin.run,
            by=origin.person or origin.login,
        )
    )
    told = (*changes.new, *changes.again, *changes.graver)
    grave = tuple(it.check for it in told if RANK[it.severity] >= RANK["high"])
    return KeptLook(look, opened, fixed, open_now, grave)


def write_changes(
    session: Session,
    origin: Origin,
    look: ToolLook,
    known: Sequence[SecurityFinding],
    changes: Changes,
    *,
    now: datetime,
) -> None:
    """Write what a look changes into the findings, in the caller's transaction."""
    rows = {it.check: it for it in known}
    for seen in changes.new:
        row = SecurityFinding(
            subject=look.subject,
            tool=look.tool,
            check=seen.check,
            first_seen_at=now,
            state="open",
            found_by=origin.person,
            accepted_by="",
            asked_by="",
            accept_reason="",
            accept_document="",
        )
        _tell(row, seen, look, now)
        session.add(row)
    for seen in changes.again:
        row = rows[seen.check]
        row.state, row.fixed_at, row.first_seen_at = "open", None, now
        row.found_by = origin.person
        _end_acceptance(row)
        _tell(row, seen, look, now)
    for seen in changes.graver:
        _end_acceptance(rows[seen.check])
        _tell(rows[seen.check], seen, look, now)
    for seen in changes.still:
        _tell(rows[seen.check], seen, look, now)
    for check in changes.fixed:
        rows[check].state, rows[check].fixed_at = "fixed", now
    session.flush()


def _tell(row: SecurityFinding, seen: Sighting, look: ToolLook, now: datetime) -> None:
    row.severity, row.code, row.title = seen.severity, seen.code, seen.title
    row.params, row.evidence, row.last_seen_at = dict(seen.params), look.evidence, now


def _end_acceptance(row: SecurityFinding) -> None:
    row.accepted_until = None
    row.accepted_by = row.asked_by = row.accept_reason = row.accept_document = ""


def _count_open(session: Session, subject: str, tool: str) -> int:
    query = select(func.count()).where(
        SecurityFinding.subject == subject,
        SecurityFinding.tool == tool,
        SecurityFinding.state == "open",
    )
    return session.execute(query).scalar_one()


def find_known(session: Session, subject: str, tool: str) -> list[SecurityFinding]:
    """Give all findings of a subject and tool, fixed ones included."""
    query = select(SecurityFinding).where(
        SecurityFinding.subject == subject, SecurityFinding.tool == tool
    )
    return list(session.execute(query.order_by(SecurityFinding.check)).scalars())


def find_findings(session: Session, *, with_fixed: bool = False) -> list[SecurityFinding]:
    """Give all findings, by subject and tool; those that are fixed only where asked for."""
    query = select(SecurityFinding).order_by(
        SecurityFinding.subject, SecurityFinding.tool, SecurityFinding.check
    )
    if not with_fixed:
        query = query.where(SecurityFinding.state == "open")
    return list(session.execute(query).scalars())


def find_last_looks(
    session: Session, *, answered: bool = False, subjects: Collection[str] | None = None
) -> dict[Pair, SecurityLook]:
    """Give the newest look of each subject and tool, in one statement.

    Args:
        session: Reading is enough.
        answered: Pass over those that did not come about.
        subjects: Only of these; None for all.
    """
    newest = select(
        SecurityLook.subject, SecurityLook.tool, func.max(SecurityLook.at).label("at")
    ).group_by(SecurityLook.subject, SecurityLook.tool)
    if answered:
        newest = newest.where(SecurityLook.outcome != "not_checked")
    if subjects is not None:
        newest = newest.where(SecurityLook.subject.in_(subjects))
    last = newest.subquery()
    query = select(SecurityLook).join(
        last,
        and_(
            SecurityLook.subject == last.c.subject,
            SecurityLook.tool == last.c.tool,
            SecurityLook.at == last.c.at,
        ),
    )
    return {(it.subject, it.tool): it for it in session.execute(query).scalars()}


def find_trend(session: Session, since: datetime) -> list[SecurityLook]:
    """Give every look at or after a moment, oldest first."""
    query = select(SecurityLook).where(SecurityLook.at >= since).order_by(SecurityLook.at)
    return list(session.execute(query).scalars())


def find_baselines(session: Session) -> dict[Pair, SecurityBaseline]:
    """Give what is allowed now, by subject and tool."""
    query = select(SecurityBaseline).order_by(SecurityBaseline.approved_at, SecurityBaseline.id)
    return {(it.subject, it.tool): it for it in session.execute(query).scalars()}


def hold_against(look: ToolLook, baselines: dict[Pair, SecurityBaseline]) -> ToolLook:
    """Hold a look that lists items against what is allowed; without a list it is not checked."""
    if look.items is None or look.outcome == "not_checked":
        return look
    look = bound(look)
    items = look.items or ()
    allowed = baselines.get((look.subject, look.tool))
    if allowed is None:
        changes: dict[str, Any] = {"outcome": "not_checked", "reason": "no_baseline"}
    else:
        changes = {"sightings": judge_items(look.tool, items, allowed.items)}
    return replace(look, **changes)
