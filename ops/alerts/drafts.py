"""Which events are worth telling, how grave they are, and what they are about; pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal
from uuid import UUID

from ops.schedule.kinds import is_grave
from ops.schedule.ledger.job import LOST, LedgerEvent

Severity = Literal["info", "warning", "critical"]
SEVERITIES: tuple[Severity, ...] = ("info", "warning", "critical")

FAILED = "failed"
INCOMPLETE = "incomplete"
SUSPICIOUS = "suspicious"
RECOVERED = "recovered"
LOST_AND_TRIED_AGAIN = "lost"
OVERDUE = "overdue"
MISSED = "missed"
LATE = "late"
VANISHED = "vanished"
CLEARED = "cleared"
TOGETHER = "many_at_once"
CLEARED_TOGETHER = "many_cleared"
FROZEN = "site_frozen"
ESTATE_BROKEN = "estate_broken"
DRILL_OVERDUE = "drill_overdue"
FINDING_OVERDUE = "drill_finding_overdue"

_KEY = "{code}:{job}:{due_at}"
JOURNAL_BROKEN = "journal_broken"
"""Reason of a run that found the journal tampered with; no such run can wait for the day."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """Something to tell, before it is known to whom.

    Attributes:
        subject_key: What it is about; the same thing is told once to each target.
        severity: How grave it is.
        code: Which sentence.
        params: JSON values for the sentence.
        job, site, run_id: What it is about, where that is one job.
        subject: What is red; empty for what no alert tells of, such as an all-clear.
    """

    subject_key: str
    severity: Severity
    code: str
    params: dict[str, Any] = field(default_factory=dict)
    job: str = ""
    site: str = ""
    run_id: UUID | None = None
    subject: str = ""


def draft_notices(events: Sequence[LedgerEvent], failed_before: Iterable[str] = ()) -> list[Draft]:
    """Decide what to tell about events of one transaction, in their order; missed ones together.

    Args:
        events: What happened.
        failed_before: Jobs whose run before this one had failed.
    """
    failed = set(failed_before)
    drafts = [it for event in events if (it := _draft(event, failed)) is not None]
    missed = [event for event in events if event.occasion == "missed"]
    return [*drafts, _draft_missed(missed)] if missed else drafts


def _draft(event: LedgerEvent, failed_before: set[str]) -> Draft | None:
    if event.occasion == "retried":
        return _about(event, LOST_AND_TRIED_AGAIN, "warning") if event.reason == LOST else None
    if event.occasion == "late":
        return _about(event, OVERDUE, "critical" if is_grave(event.kind) else "warning")
    if event.occasion != "ended":
        return None
    return _draft_ended(event, failed_before)


def judge_run(kind: str, outcome: str | None, reason: str) -> tuple[str, Severity] | None:
    """Judge how a run ended, for alerts and whoever shows its state: a code, and how grave it is.

    Args:
        kind: Of its job.
        outcome: As the ledger has it.
        reason: As the ledger has it.

    Returns:
        None where nobody has to look at it.
    """
    grave: Severity = "critical" if is_grave(kind) else "warning"
    if outcome == "failed":
        return FAILED, grave
    if outcome == "incomplete":
        return INCOMPLETE, grave if reason == JOURNAL_BROKEN else "warning"
    return (SUSPICIOUS, "warning") if (outcome, reason) == ("ok", SUSPICIOUS) else None


def _draft_ended(event: LedgerEvent, failed_before: set[str]) -> Draft | None:
    if judged := judge_run(event.kind, event.outcome, event.reason):
        return _about(event, *judged)
    if event.outcome == "ok" and event.job in failed_before:
        return _about(event, RECOVERED, "info")
    return None


def _about(event: LedgerEvent, code: str, severity: Severity) -> Draft:
    key = _KEY.format(code=code, job=event.job, due_at=event.due_at.isoformat())
    if code == LOST_AND_TRIED_AGAIN:
        key += f":{event.attempt}"
    return Draft(
        subject_key=key,
        severity=severity,
        code=code,
        params={
            "kind": event.kind,
            "due_at": event.due_at.isoformat(),
            "reason": event.reason,
            "params": dict(event.params),
            "summary": dict(event.summary),
        },
        job=event.job,
        site=event.site,
        run_id=event.run_id,
    )


def _draft_missed(events: Sequence[LedgerEvent]) -> Draft:
    """Tell everything that was missed at once: after a day's standstill that is one notice."""
    jobs = sorted({event.job for event in events})
    first = min(event.due_at for event in events)
    last = max(event.due_at for event in events)
    sites = {event.site for event in events}
    return Draft(
        subject_key=f"{MISSED}:{first.isoformat()}:{last.isoformat()}:{jobs[0]}:{len(events)}",
        severity="warning",
        code=MISSED,
        params={
            "count": len(events),
            "jobs": jobs,
            "first": first.isoformat(),
            "last": last.isoformat(),
            "reason": events[-1].reason,
        },
        job=jobs[0] if len(jobs) == 1 else "",
        site=sites.pop() if len(sites) == 1 else "",
    )


def grace_of(rpo: timedelta) -> timedelta:
    """Give how far beyond its target a backup may be before it is called late.

    A nightly backup is always a little older than a day by the time the next one has ended.
    """
    return max(min(rpo / 8, timedelta(hours=3)), timedelta(minutes=30))


def is_late(newest: datetime, rpo: timedelta, now: datetime) -> bool:
    """Say whether a backup of that moment is too old now."""
    return now - newest > rpo + grace_of(rpo)
