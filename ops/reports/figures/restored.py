"""In figures: what was put back from backups, by hand and in drills."""

import json
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from ops.catalog.tables.core import JournalRow
from ops.catalog.tables.drills import Drill
from ops.catalog.tables.index import Snapshot
from ops.duties.evidence.queries import RESTORED
from ops.reports.figures.figure import Figure


@dataclass(frozen=True, slots=True, kw_only=True)
class RestoreRow:
    """One restore.

    Attributes:
        at, site, person: When, of which site, by whom: person, else login.
        snapshot, taken_at: The backup that it came from, and of when that is; empty and None where
            nobody knows any more.
        store: Name of the store; empty where it was not named.
        outcome: How it ended.
        is_drill: Whether it was a drill's, apart from production.
        is_in_place: Whether production was written over.
    """

    at: datetime
    site: str
    person: str
    snapshot: str
    taken_at: datetime | None
    store: str
    outcome: str
    is_drill: bool = False
    is_in_place: bool = False


def list_restores(
    session: Session,
    since: datetime,
    until: datetime,
    *,
    site: str | None = None,
    drills: Collection[UUID] = (),
) -> Figure[list[RestoreRow]]:
    """List restores by hand from a moment on and before another, and drills by id; oldest first.

    Args:
        session: For reading.
        since: Aware.
        until: Aware.
        site: Only of this one; None for all.
        drills: Which drills are listed with them, whenever they were.
    """
    query = select(JournalRow).where(
        JournalRow.action == RESTORED, JournalRow.at >= since, JournalRow.at < until
    )
    query = query if site is None else query.where(JournalRow.subject == site)
    rows = session.execute(query.order_by(JournalRow.sequence)).scalars()
    told: list[tuple[JournalRow, dict[str, Any]]] = [(it, json.loads(it.details)) for it in rows]
    copies = {str(details.get("snapshot", "")) for _row, details in told} - {""}
    taken = dict(
        session.execute(
            select(Snapshot.id, func.min(Snapshot.taken_at))
            .where(Snapshot.id.in_(copies))
            .group_by(Snapshot.id)
        ).all()
    )
    found = [_by_hand(row, it, taken.get(it.get("snapshot", ""))) for row, it in told]
    wanted = select(Drill).where(Drill.id.in_(drills), Drill.outcome.is_not(None))
    found += [_drilled(it) for it in session.execute(wanted).scalars()]
    return Figure(sorted(found, key=lambda it: it.at), "restores")


def _by_hand(row: JournalRow, details: dict[str, Any], taken_at: datetime | None) -> RestoreRow:
    return RestoreRow(
        at=row.at,
        site=row.subject,
        person=row.person or row.login,
        snapshot=str(details.get("snapshot", "")),
        taken_at=taken_at,
        store=str(details.get("store") or ""),
        outcome=str(details.get("outcome") or ("failed" if details.get("failed") else "ok")),
        is_in_place=bool(details.get("in_place")),
    )


def _drilled(row: Drill) -> RestoreRow:
    return RestoreRow(
        at=row.started_at,
        site=row.site,
        person=row.person,
        snapshot=row.snapshot,
        taken_at=row.taken_at,
        store=row.store,
        outcome=str(row.outcome),
        is_drill=True,
    )
