"""Claim, begin, beat, give back: one UPDATE each, naming the state it leaves; who beats no more."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, and_, case, or_, select, update
from sqlalchemy.orm import Session

from ops.catalog.columns import new_id
from ops.catalog.tables.core import Occurrence, Run
from ops.schedule.ledger.endings import Recording, event_of, record_events
from ops.schedule.ledger.job import AUDITS, PAGES, READERS, TIMED_OUT, JobDefinition, lock_name

LONGEST_WAIT = timedelta(hours=6)
"""A pause that ends later than this was set before the clock jumped back, and is over."""

LONG_REMEMBERED = timedelta(days=7)
"""So long a job that took more time than it may goes behind the others."""

_UNSYNCHRONIZED = {"synchronize_session": False}
_READ_AHEAD = 4


@dataclass(frozen=True, slots=True)
class Claim:
    """An occurrence that is ours to start.

    Attributes:
        occurrence_id, run_id: Which occurrence, and the run it was claimed for.
        job, site, due_at: What is to run.
        arguments: What a person asked for beyond the job's definition.
    """

    occurrence_id: UUID
    run_id: UUID
    job: str
    site: str
    due_at: datetime
    arguments: dict[str, Any]


def claim_due(  # noqa: PLR0913 - a fact each
    session: Session,
    *,
    jobs: Collection[str],
    now: datetime,
    limit: int,
    host: str,
    busy: Collection[str] = (),
    first: Collection[str] = (),
) -> list[Claim]:
    """Claim what waits, longest due first, one for each lock; who timed out lately comes last.

    Args:
        session: A writing session.
        jobs: Names of the jobs this service can start.
        now: The wall clock.
        limit: How many at most.
        host: This machine's name.
        busy: Names of locks that are taken; those in the ledger are known without.
        first: Names of jobs that go before all others.

    Returns:
        Those that are ours; another service that looks at the same time gets none of them.
    """
    taken = set(busy) | _open_locks(session)
    claims: list[Claim] = []
    waiting = _waiting(now, taken, first).limit(limit * _READ_AHEAD)
    waiting = waiting.with_for_update(skip_locked=True)
    for row in session.execute(waiting):
        lock = lock_name(row.site, row.job)
        if len(claims) >= limit:
            break
        if lock in taken or row.job not in jobs:
            continue
        run_id = new_id()
        if _moved(
            session,
            row.id,
            "due",
            state="claimed",
            run_id=run_id,
            host=host,
            claimed_at=now,
            heartbeat=0,
        ):
            taken.add(lock)
            claims.append(Claim(row.id, run_id, row.job, row.site, row.due_at, row.arguments))
    return claims


def is_anything_waiting(session: Session, now: datetime) -> bool:
    """Say whether something could be claimed; asks for no lock."""
    query = select(Occurrence.id).where(Occurrence.state == "due", _has_come(now)).limit(1)
    return session.execute(query).first() is not None


def is_anything_kept_waiting(
    session: Session, *, jobs: Collection[str], now: datetime, busy: Collection[str] = ()
) -> bool:
    """Say whether something could be claimed if only there were a place; asks for no lock."""
    waiting = session.execute(_waiting(now, set(busy) | _open_locks(session)))
    return any(row.job in jobs for row in waiting)


def begin_run(session: Session, run_id: UUID, *, pid: int, now: datetime) -> int | None:
    """Turn a claim into a running run; give which try it is, None when it is no longer ours."""
    row = session.execute(
        select(Occurrence).where(Occurrence.run_id == run_id, Occurrence.state == "claimed")
    ).scalar_one_or_none()
    if row is None:
        return None
    attempt = row.attempts + 1
    session.expunge(row)
    if not _moved(session, row.id, "claimed", run_id, state="running", attempts=attempt):
        return None
    session.add(
        Run(
            id=run_id,
            occurrence_id=row.id,
            job=row.job,
            kind=row.kind,
            site=row.site,
            attempt=attempt,
            host=row.host,
            pid=pid,
            started_at=now,
        )
    )
    return attempt


def beat(session: Session, run_id: UUID) -> bool:
    """Raise a running run's counter; False when the ledger no longer holds it as running."""
    return (
        session.execute(
            update(Occurrence)
            .where(Occurrence.run_id == run_id, Occurrence.state == "running")
            .values(heartbeat=Occurrence.heartbeat + 1)
            .returning(Occurrence.id),
            execution_options=_UNSYNCHRONIZED,
        ).first()
        is not None
    )


def give_back(session: Session, run_id: UUID, *, not_before: datetime | None = None) -> bool:
    """Return a claim that was not begun; False when it is no longer ours."""
    return (
        session.execute(
            update(Occurrence)
            .where(Occurrence.run_id == run_id, Occurrence.state == "claimed")
            .values(state="due", run_id=None, not_before=not_before)
            .returning(Occurrence.id),
            execution_options=_UNSYNCHRONIZED,
        ).first()
        is not None
    )


def _waiting(
    now: datetime, taken: Collection[str], first: Collection[str] = ()
) -> Any:  # SQLAlchemy's own long name
    columns = (Occurrence.id, Occurrence.job, Occurrence.site, Occurrence.due_at)
    took_too_long = (
        select(Run.id)
        .where(Run.job == Occurrence.job, Run.reason == TIMED_OUT)
        .where(Run.started_at > now - LONG_REMEMBERED)
        .exists()
    )
    return (
        select(*columns, Occurrence.arguments)
        .where(Occurrence.state == "due", _has_come(now), _lock().not_in(taken))
        .order_by(Occurrence.job.not_in(first), took_too_long, Occurrence.due_at, Occurrence.id)
    )


def _lock() -> ColumnElement[str]:
    """Give `lock_name` for the database: what waits for a taken lock must not hide the others."""
    job, site = Occurrence.job, Occurrence.site
    readers = [
        (job.startswith(start, autoescape=True), lock + site) for start, lock in READERS.items()
    ]
    is_apart = or_(*(job.startswith(start, autoescape=True) for start in (PAGES, AUDITS)))
    return case(*readers, (is_apart, job), (site != "", site), else_=job)


def _has_come(now: datetime) -> ColumnElement[bool]:
    paused_until = Occurrence.not_before
    return and_(
        or_(Occurrence.due_at <= now, Occurrence.trigger == "person"),
        or_(paused_until.is_(None), paused_until <= now, paused_until > now + LONGEST_WAIT),
    )


def _open_locks(session: Session) -> set[str]:
    query = select(Occurrence.site, Occurrence.job).where(
        Occurrence.state.in_(("claimed", "running"))
    )
    return {lock_name(site, job) for site, job in session.execute(query)}


def _moved(
    session: Session, occurrence_id: UUID, leaves: str, of_run: UUID | None = None, **values: Any
) -> bool:
    """Change a row if it is still in that state, and of that run where one is named."""
    statement = update(Occurrence).where(Occurrence.id == occurrence_id, Occurrence.state == leaves)
    if of_run is not None:
        statement = statement.where(Occurrence.run_id == of_run)
    changed = session.execute(
        statement.values(**values).returning(Occurrence.id), execution_options=_UNSYNCHRONIZED
    )
    return changed.first() is not None


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
