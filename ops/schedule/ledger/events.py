"""Tell what happened: to the journal, and to whoever else must know, in the same transaction."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Any, cast

from sqlalchemy.orm import Session

from ops.catalog.tables.core import Occurrence
from ops.journal import journal
from ops.journal.journal import Origin
from ops.schedule.ledger.job import LedgerEvent, Occasion, Outcome

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
