"""Watch heartbeats with a steady clock of one's own, and note what is late."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from ops.catalog.tables.core import Occurrence
from ops.schedule.ledger.events import Recording, event_of, record_events
from ops.schedule.ledger.job import JobDefinition

HEARTBEAT_EVERY = timedelta(seconds=10)
STALE_AFTER = timedelta(seconds=25)
"""Two beats and a half: with a watcher that looks every second, a lost run is known in 30 s."""

FAR_STALE_AFTER = timedelta(minutes=15)
"""Longer than a worker goes on trying to record its result while the catalog is away."""


@dataclass(frozen=True, slots=True)
class HeldRun:
    """A claimed or running occurrence, as the ledger shows it.

    Attributes:
        run_id, job, site, state: Which run.
        host: The machine whose lock would tell whether it lives.
        heartbeat: Its counter.
    """

    run_id: UUID
    job: str
    site: str
    state: str
    host: str
    heartbeat: int


@dataclass(slots=True)
class HeartbeatWatch:
    """Remembers since when each counter stands still, by the watcher's own steady clock.

    Attributes:
        stale_after: How long a counter may stand still.
    """

    stale_after: timedelta = STALE_AFTER
    _seen: dict[UUID, tuple[int, float]] = field(default_factory=dict)

    def find_stale(self, held: Sequence[HeldRun], steady: float) -> list[HeldRun]:
        """Take in what the ledger shows at `steady` seconds; give those that stand still."""
        before, self._seen = self._seen, {}
        for run in held:
            counter, since = before.get(run.run_id, (run.heartbeat, steady))
            self._seen[run.run_id] = (
                (counter, since) if counter == run.heartbeat else (run.heartbeat, steady)
            )
        limit = self.stale_after.total_seconds()
        return [run for run in held if steady - self._seen[run.run_id][1] >= limit]


def list_held(session: Session) -> list[HeldRun]:
    """Give what is claimed or running on any machine; in no order."""
    query = select(
        Occurrence.run_id,
        Occurrence.job,
        Occurrence.site,
        Occurrence.state,
        Occurrence.host,
        Occurrence.heartbeat,
    ).where(Occurrence.state.in_(("claimed", "running")))
    return [
        HeldRun(run_id, job, site, state, host, heartbeat)
        for run_id, job, site, state, host, heartbeat in session.execute(query)
        if run_id is not None
    ]


def note_late(
    session: Session, jobs: Mapping[str, JobDefinition], now: datetime, recording: Recording
) -> int:
    """Tell once of each open occurrence that is past its job's `late_after`; give how many."""
    rows = session.execute(
        select(Occurrence)
        .where(Occurrence.state != "ended", Occurrence.late_noted_at.is_(None))
        .where(Occurrence.due_at <= now, Occurrence.job.in_(jobs))
        .with_for_update(skip_locked=True)
    ).scalars()
    late = [row for row in rows if _is_late(row, jobs[row.job], now)]
    for row in late:
        row.late_noted_at = now
    record_events(session, recording, [event_of(row, "late") for row in late])
    return len(late)


def _is_late(row: Occurrence, job: JobDefinition, now: datetime) -> bool:
    return job.late_after is not None and now - row.due_at > job.late_after
