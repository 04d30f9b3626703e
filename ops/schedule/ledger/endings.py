"""End a run, or try it again; tell the journal and whoever must know, in the same transaction."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import groupby
from typing import Any, cast
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from ops.catalog.tables.core import Occurrence, Run
from ops.journal import journal
from ops.journal.journal import Origin
from ops.schedule.ledger.job import (
    LOST,
    STOPPED,
    TIMED_OUT,
    TOO_MUCH,
    WINDOW_OVER,
    JobResult,
    LedgerEvent,
    Occasion,
    Outcome,
    RetryPolicy,
)

Listener = Callable[[Session, Sequence[LedgerEvent]], None]


def hear_nothing(_session: Session, _events: Sequence[LedgerEvent]) -> None:
    """Listen to nothing: for those who want the journal only."""


BY_CLOCK = Origin(via="clock")


@dataclass(frozen=True, slots=True)
class Recording:
    """Where events go.

    Attributes:
        origin: Who acts, for the journal.
        listener: Called with all events of a transaction, before it is committed; what it writes
            through the session (notices, say) is kept or lost together with the ledger's rows.
    """

    origin: Origin = BY_CLOCK
    listener: Listener = hear_nothing


def record_events(session: Session, recording: Recording, events: Sequence[LedgerEvent]) -> None:
    """Journal events in order, then tell the listener."""
    if not events:
        return
    for origin, group in groupby(events, lambda event: _origin(event, recording.origin)):
        journal.append(session, origin, [_entry(event) for event in group])
    recording.listener(session, events)


def _origin(event: LedgerEvent, acting: Origin) -> Origin:
    run = str(event.run_id or "")
    return replace(acting, run=run, requested_by=event.requested_by or acting.requested_by)


def _entry(event: LedgerEvent) -> journal.Entry:
    details = {
        "due_at": event.due_at.isoformat(),
        "outcome": event.outcome,
        "reason": event.reason,
        "params": dict(event.params),
        "attempt": event.attempt,
        "summary": dict(event.summary),
    }
    return journal.Entry(f"job.{event.occasion}", event.job, details)


def event_of(
    row: Occurrence, occasion: Occasion | None = None, summary: Mapping[str, Any] | None = None
) -> LedgerEvent:
    """Describe what stands in a row; the occasion follows from its outcome unless it is given."""
    outcome = cast("Outcome | None", row.outcome)
    implied: Occasion = outcome if outcome in {"missed", "skipped"} else "ended"
    return LedgerEvent(
        occasion=occasion or implied,
        job=row.job,
        kind=row.kind,
        site=row.site,
        due_at=row.due_at,
        outcome=outcome,
        reason=row.reason,
        params=row.params,
        run_id=row.run_id,
        attempt=row.attempts,
        requested_by=row.requested_by,
        summary=summary or {},
    )


NEVER_AGAIN = RetryPolicy()


@dataclass(frozen=True, slots=True)
class Again:
    """The occurrence is to be tried again.

    Attributes:
        counts: Whether this try counts; one that was stopped for us does not.
    """

    counts: bool


def decide_again(policy: RetryPolicy, attempt: int, result: JobResult) -> Again | None:
    """Decide whether an occurrence is tried again after its `attempt`-th run; None: it has ended.

    Only failures are. A run that the service stopped goes on where work of its kind may be
    repeated at all; one that met the end of its window, or took more than it may, goes on when it
    is due again.
    """
    if result.outcome != "failed" or policy.tries <= 1:
        return None
    if result.reason in {WINDOW_OVER, TIMED_OUT, TOO_MUCH}:
        return None
    if result.reason == STOPPED:
        return Again(counts=False)
    return Again(counts=True) if attempt < policy.tries else None


def end_run(
    session: Session,
    run_id: UUID,
    result: JobResult,
    *,
    now: datetime,
    recording: Recording,
    retry: RetryPolicy = NEVER_AGAIN,
) -> bool:
    """Record how a running run ended; False when the ledger no longer holds it as running.

    Order of every ending, by the run's own worker or by a watcher who found it lost, in one
    transaction:

    1. Move the occurrence out of `running` (or `claimed`), if it is still of this run.
    2. Write the result into the run's row.
    3. Journal it and tell the listener.
    """
    row = _held(session, run_id, "running")
    if row is None:
        return False
    _close(session, row, result, now=now, recording=recording, retry=retry)
    return True


def end_lost(
    session: Session,
    run_id: UUID,
    heartbeat: int,
    *,
    now: datetime,
    recording: Recording,
    retry: RetryPolicy = NEVER_AGAIN,
) -> bool:
    """End a run whose worker vanished, if its heartbeat is still the one that was observed.

    A claim that was never begun returns to `due`: nothing of it has run.

    Returns:
        Whether the ledger was changed.
    """
    row = _held(session, run_id, "claimed", "running")
    if row is None or row.heartbeat != heartbeat:
        return False
    if row.state == "claimed":
        row.state, row.run_id = "due", None
        return True
    result = JobResult("failed", LOST)
    _close(session, row, result, now=now, recording=recording, retry=retry)
    return True


def _held(session: Session, run_id: UUID, *states: str) -> Occurrence | None:
    """Give the run's occurrence and keep others from changing it until the commit."""
    return session.execute(
        select(Occurrence)
        .where(Occurrence.run_id == run_id, Occurrence.state.in_(states))
        .with_for_update()
    ).scalar_one_or_none()


def _close(
    session: Session,
    row: Occurrence,
    result: JobResult,
    *,
    now: datetime,
    recording: Recording,
    retry: RetryPolicy,
) -> None:
    event = _settle(row, result, now, retry)
    session.execute(
        update(Run)
        .where(Run.id == row.run_id)
        .values(
            ended_at=now,
            outcome=result.outcome,
            reason=result.reason,
            params=dict(result.params),
            summary=dict(result.summary),
        ),
        execution_options={"synchronize_session": False},
    )
    record_events(session, recording, [event])


def _settle(row: Occurrence, result: JobResult, now: datetime, retry: RetryPolicy) -> LedgerEvent:
    again = decide_again(retry, row.attempts, result)
    row.reason, row.params = result.reason, dict(result.params)
    summary = dict(result.summary)
    if again is None:
        row.state, row.outcome, row.ended_at = "ended", result.outcome, now
        return event_of(row, "ended", summary)
    event = event_of(row, "retried", summary)
    row.state, row.not_before = "due", now + retry.wait if again.counts else None
    if not again.counts:
        row.attempts -= 1
    return event
