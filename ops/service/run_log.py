"""A line in the service's log for each thing that happens to an occurrence: what, where, why."""

import logging
from collections.abc import Sequence

from sqlalchemy.orm import Session

from ops.canonical import clean_text
from ops.outcomes import explain
from ops.schedule.ledger.job import LedgerEvent

log = logging.getLogger(__name__)
log.addHandler(logging.NullHandler())  # of a task at a terminal nothing is the service's log

_LEVELS = {"ok": logging.INFO, "skipped": logging.INFO, "failed": logging.ERROR}
_LONGEST_TOLD = 300


def log_events(_session: Session, events: Sequence[LedgerEvent]) -> None:
    """Write the lines; a listener of the ledger."""
    for event in events:
        level = _LEVELS.get(event.outcome or "", logging.WARNING)
        log.log(level, "run-%s", event.occasion, extra={"fields": describe(event)})


def describe(event: LedgerEvent) -> dict[str, object]:
    """Give the pairs of a line; pure."""
    fields: dict[str, object] = {
        "job": event.job,
        "site": event.site,
        "outcome": event.outcome or "",
        "reason": event.reason,
        "due": event.due_at.isoformat(),
        "attempt": event.attempt,
    }
    if "seconds" in event.summary:
        fields["seconds"] = event.summary["seconds"]
    if event.reason:
        fields["told"] = _tell(event)
    return fields


def _tell(event: LedgerEvent) -> str:
    found = explain(event.reason, event.params, job=event.job, site=event.site)
    return clean_text(": ".join(it for it in (found.what, found.why) if it))[:_LONGEST_TOLD]
