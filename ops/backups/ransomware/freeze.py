"""What a suspicious backup freezes: nothing of its site is deleted until somebody has looked.

Suspicious are files that change as ransomware changes them, and pages that jump as a defaced one.

The finding itself is the freeze: forgetting, pruning and mirrors ask for findings that nobody has
accepted. It is written with its journal row in one transaction, as soon as it is made.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from ops.alerts.drafts import FROZEN
from ops.backups.brakes import Brake
from ops.backups.pages.jump import UNLIKE
from ops.backups.ransomware.verdict import ChangeFigures, Signal
from ops.catalog.tables.copies import WatchFinding
from ops.catalog.tables.core import Run
from ops.catalog.tables.index import is_believed
from ops.journal import journal
from ops.journal.journal import Entry, Origin


@dataclass(frozen=True, slots=True, kw_only=True)
class Freeze:
    """Why a site is frozen: the first finding that nobody has accepted.

    Attributes:
        site: Name.
        finding: Its id.
        found_at: When.
        snapshot, before: The backup, and the one it was compared with.
        figures, signals: JSON values, as in `ops.catalog.tables.copies.WatchFinding`.
        more: How many later findings wait too.
        run: Id of the run that has made the backup.
    """

    site: str
    finding: str
    found_at: datetime
    snapshot: str
    before: str
    figures: Mapping[str, Any]
    signals: Sequence[Mapping[str, Any]]
    more: int = 0
    run: str = ""

    @property
    def is_of_pages(self) -> bool:
        """Whether pages have jumped, and the files are as usual."""
        return all("page" in it for it in self.signals)

    def as_params(self) -> dict[str, Any]:
        """Give JSON values for sentences about it."""
        return {
            "reason": UNLIKE if self.is_of_pages else FROZEN,
            "found_at": self.found_at.isoformat(),
            "snapshot": self.snapshot[:8],
            "before": self.before[:8],
            "figures": dict(self.figures),
            "signals": [dict(it) for it in self.signals],
        }


NO_CHANGE = ChangeFigures(files=0)


@dataclass(frozen=True, slots=True)
class Suspect:
    """What was found of one backup.

    Attributes:
        site: Name.
        before: Id of the snapshot it was compared with.
        snapshot: Its own id.
        signals: Each measure beyond its bound; of pages with `page`, `measure` and `detail`.
        figures: How the site's files have changed between them.
    """

    site: str
    before: str
    snapshot: str
    signals: Sequence[Signal] | Sequence[Mapping[str, str]]
    figures: ChangeFigures = NO_CHANGE


def note_finding(session: Session, origin: Origin, finding: Suspect, *, now: datetime) -> Freeze:
    """Write a finding down, and journal it; from then on the site is frozen, by this at least.

    Args:
        session: A writing session.
        origin: Whose run.
        finding: What was found.
        now: Aware.
    """
    figures = asdict(finding.figures)
    told = [asdict(it) if isinstance(it, Signal) else dict(it) for it in finding.signals]
    row = WatchFinding(
        site=finding.site,
        run=origin.run,
        snapshot=finding.snapshot,
        before=finding.before,
        figures=figures,
        signals=told,
        found_at=now,
        accepted_by="",
        accept_reason="",
    )
    session.add(row)
    details = {
        "snapshot": finding.snapshot,
        "before": finding.before,
        "figures": figures,
        "signals": told,
    }
    journal.append(session, origin, [Entry("backup.freeze", finding.site, details)])
    return _as_freeze(row)


def read_freezes(session: Session) -> list[Freeze]:
    """Give every frozen site, in the order they were frozen; what files show is told first."""
    rows = session.execute(
        select(WatchFinding)
        .where(WatchFinding.accepted_at.is_(None))
        .order_by(WatchFinding.found_at, WatchFinding.id)
    ).scalars()
    found: dict[str, Freeze] = {}
    for row in rows:
        known, freeze = found.get(row.site), _as_freeze(row)
        if known:
            first = freeze if known.is_of_pages and not freeze.is_of_pages else known
            freeze = replace(first, more=known.more + 1)
        found[row.site] = freeze
    return list(found.values())


def list_freezes(session: Session, site: str) -> list[Freeze]:
    """Give every finding of a site that nobody has accepted, oldest first."""
    query = select(WatchFinding).where(
        WatchFinding.site == site, WatchFinding.accepted_at.is_(None)
    )
    return [
        _as_freeze(it) for it in session.execute(query.order_by(WatchFinding.found_at)).scalars()
    ]


def find_freeze(session: Session, site: str) -> Freeze | None:
    """Give why a site is frozen; None where it is not."""
    return next((it for it in read_freezes(session) if it.site == site), None)


def find_freeze_brake(session: Session, site: str) -> Brake | None:
    """Give the freeze of a site as what stops deletions; None where there is none."""
    freeze = find_freeze(session, site)
    return None if freeze is None else Brake(FROZEN, freeze.as_params())


def find_accepted_run(session: Session, site: str) -> UUID | None:
    """Give the run whose suspicious backup a person has accepted while it was the site's newest.

    What it shows is meant, then. Where a newer one was there, the site was put back before.
    """
    row = session.execute(
        select(WatchFinding)
        .where(WatchFinding.site == site, WatchFinding.accepted_at.is_not(None))
        .order_by(WatchFinding.accepted_at.desc(), WatchFinding.found_at.desc())
        .limit(1)
    ).scalar()
    if row is None:
        return None
    query = select(Run.id).where(*whole_runs(site), Run.started_at <= row.accepted_at)
    newest = session.execute(query.order_by(Run.started_at.desc()).limit(1)).scalar()
    return newest if str(newest) == row.run else None


def whole_runs(site: str) -> tuple[ColumnElement[bool], ...]:
    """Select the runs that have saved a whole site."""
    return (
        Run.site == site,
        Run.kind == "backup",
        Run.outcome.in_(("ok", "incomplete")),
        Run.job.not_like("backup-database/%"),  # hourly ones would leave nothing to learn from
        is_believed(dated=Run.started_at),
    )


def accept_findings(
    session: Session, origin: Origin, site: str, reason: str, *, now: datetime
) -> int:
    """End a site's freeze because somebody has looked; gives how many findings it ends.

    Args:
        session: A writing session.
        origin: Who has looked.
        site: Name.
        reason: What was found out; not empty.
        now: Aware.
    """
    rows = list(
        session.execute(
            select(WatchFinding).where(
                WatchFinding.site == site, WatchFinding.accepted_at.is_(None)
            )
        ).scalars()
    )
    for row in rows:
        row.accepted_at = now
        row.accepted_by = origin.person or origin.login
        row.accept_reason = reason
    if rows:
        details = {"brake": FROZEN, "snapshots": [it.snapshot for it in rows]}
        entry = Entry("backup.accept", site, details)
        journal.append(session, replace(origin, reason=reason), [entry])
    return len(rows)


def _as_freeze(row: WatchFinding) -> Freeze:
    return Freeze(
        site=row.site,
        finding=str(row.id),
        found_at=row.found_at,
        snapshot=row.snapshot,
        before=row.before,
        figures=row.figures,
        signals=row.signals,
        run=row.run,
    )
