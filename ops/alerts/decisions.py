"""Which alerts open, go on and close, and when the next person is told; pure."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from ops.alerts.drafts import (
    CLEARED,
    DRILL_OVERDUE,
    ESTATE_BROKEN,
    FINDING_OVERDUE,
    FROZEN,
    LATE,
    MISSED,
    RECOVERED,
    SEVERITIES,
    SUSPICIOUS,
    VANISHED,
    Draft,
)
from ops.alerts.routing import Targets
from ops.schedule.ledger.job import LedgerEvent

MISSED_RUNS = "missed"
ESTATE = "estate"
"""Subject of the one alert about everything that was missed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenAlert:
    """An alert as the catalog knows it; fields as in `ops.catalog.tables.alerts.Alert`.

    Attributes:
        told: Names of all targets that were told, in the order they were.
    """

    id: UUID
    subject: str
    severity: str
    code: str
    params: Mapping[str, Any] = field(default_factory=dict)
    job: str = ""
    site: str = ""
    opened_at: datetime
    times: int = 1
    step: int = 0
    told_at: datetime
    acked_at: datetime | None = None
    told: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Changes:
    """What events do to the alerts.

    Attributes:
        opened: Drafts whose subject had no open alert.
        repeated: Open alerts that were noticed once more, with the draft.
        answered: Subject keys of drafts that nobody is told: somebody has taken their alert up.
        closed: Alerts whose subject is green again.
        narrowed: Alerts about missed runs, with the jobs that have not run since.
    """

    opened: tuple[Draft, ...] = ()
    repeated: tuple[tuple[OpenAlert, Draft], ...] = ()
    answered: frozenset[str] = frozenset()
    closed: tuple[OpenAlert, ...] = ()
    narrowed: tuple[tuple[OpenAlert, list[str]], ...] = ()


def job_subject(job: str) -> str:
    """Give the subject of alerts about a job."""
    return f"job:{job}"


def late_subject(site: str) -> str:
    """Give the subject of the alert about a site whose newest backup is too old."""
    return f"late:{site}"


def vanished_subject(site: str) -> str:
    """Give the subject of the alert about a site that the estate no longer names."""
    return f"vanished:{site}"


def frozen_subject(site: str) -> str:
    """Give the subject of the alert about a site whose backup looks like an attack."""
    return f"frozen:{site}"


def subject_of(draft: Draft) -> str:
    """Give what a draft says is red; empty for an all-clear."""
    if draft.subject or draft.code == RECOVERED:
        return draft.subject
    return MISSED_RUNS if draft.code == MISSED else job_subject(draft.job)


def is_green(event: LedgerEvent) -> bool:
    """Say whether an event ends what was red about its job."""
    return event.occasion == "ended" and event.outcome == "ok" and event.reason != SUSPICIOUS


def decide_alerts(
    events: Sequence[LedgerEvent], drafts: Sequence[Draft], known: Iterable[OpenAlert]
) -> Changes:
    """Decide what events of one transaction do to the alerts.

    Args:
        events: What happened.
        drafts: What is told of it.
        known: All open alerts.
    """
    by_subject = {alert.subject: alert for alert in known}
    opened: dict[str, Draft] = {}
    repeated: list[tuple[OpenAlert, Draft]] = []
    for draft in drafts:
        subject = subject_of(draft)
        if subject in by_subject and _is_known(by_subject[subject], draft):
            continue
        if subject in by_subject:
            repeated.append((by_subject[subject], draft))
        elif subject:
            opened[subject] = draft
    green = {event.job for event in events if is_green(event)}
    settled = settle(by_subject.values(), green)
    answered = {it.subject_key for it in drafts if is_answered(by_subject.get(subject_of(it)), it)}
    return Changes(
        tuple(opened.values()),
        tuple(repeated),
        frozenset(answered),
        settled.closed,
        settled.narrowed,
    )


def is_answered(alert: OpenAlert | None, draft: Draft) -> bool:
    """Say whether the answer to an alert holds for what is noticed now.

    It does until the cause is another one, or it has become graver.
    """
    return (
        alert is not None
        and alert.acked_at is not None
        and not is_graver(draft.severity, alert.severity)
        and _cause(alert.code, alert.params) == _cause(draft.code, draft.params)
        and _named(draft.params) <= _named(alert.params)
    )


def _cause(code: str, params: Mapping[str, Any]) -> tuple[str, str]:
    """Give why something is red; numbers, names and moments of the sentence are no other cause."""
    return code, params.get("reason", "")


def _named(params: Mapping[str, Any]) -> frozenset[tuple[str, ...]]:
    """Give what a sentence names one by one: jobs, measures, findings, what a site lost.

    Another one is another cause: who has looked at one table that is gone knows of no second.
    """
    told = params.get("params", {})
    return frozenset(
        [("job", job) for job in params.get("jobs", ())]
        + [("odd", it["measure"]) for it in told.get("oddities", ())]
        + [("found", it) for it in told.get("found", ())]
        + [("lost", it["what"], it["part"], it["name"]) for it in told.get("losses", ())]
    )


def _is_known(alert: OpenAlert, draft: Draft) -> bool:
    """Say whether a draft says nothing new: the same site is late after the same backup, say."""
    if alert.code == draft.code and draft.code in {VANISHED, FROZEN, ESTATE_BROKEN}:
        return not is_graver(draft.severity, alert.severity)
    if alert.code == draft.code and draft.code in {DRILL_OVERDUE, FINDING_OVERDUE}:
        return dict(alert.params) == draft.params
    newest = (alert.params.get("newest"), draft.params.get("newest"))
    return alert.code == draft.code == LATE and newest[0] == newest[1]


def settle(known: Iterable[OpenAlert], done: Collection[str]) -> Changes:
    """Decide which alerts close because these jobs have run well, or are no more."""
    closed, narrowed = [], []
    for alert in known:
        if alert.subject == MISSED_RUNS:
            jobs = alert.params.get("open_jobs", alert.params.get("jobs", []))
            left = [job for job in jobs if job not in done]
            if not left:
                closed.append(alert)
            elif len(left) < len(jobs):
                narrowed.append((alert, left))
        elif alert.job in done and alert.subject in {
            job_subject(alert.job),
            late_subject(alert.site),
        }:
            closed.append(alert)
    return Changes(closed=tuple(closed), narrowed=tuple(narrowed))


def decide_all_clears(
    closed: Iterable[OpenAlert], drafts: Iterable[Draft] = ()
) -> list[tuple[Draft, tuple[str, ...]]]:
    """Decide who is told that something is over: whoever was told of it, once for each job.

    Args:
        closed: Alerts that were closed just now.
        drafts: What is told anyway; one that says the same takes the place of one of its own.

    Returns:
        What to tell, and the names of the targets.
    """
    by_job = {draft.job: draft for draft in drafts if draft.code == RECOVERED}
    found = []
    for alert in closed:
        draft = by_job.get(alert.job) or _draft_cleared(alert)
        if alert.job:
            by_job[alert.job] = draft
        if alert.told:
            found.append((draft, alert.told))
    return found


def _draft_cleared(alert: OpenAlert) -> Draft:
    return Draft(
        subject_key=f"{CLEARED}:{alert.id}",
        severity="info",
        code=CLEARED,
        params={**alert.params, "was": alert.code},
        job=alert.job,
        site=alert.site,
    )


def is_graver(severity: str, than: str) -> bool:
    """Say whether something has become graver, so that an answer to it no longer holds."""
    order: Sequence[str] = SEVERITIES
    return order.index(severity) > order.index(than)


@dataclass(frozen=True, slots=True)
class Escalation:
    """The next step for an alert nobody has taken up.

    Attributes:
        alert: The alert.
        people: Whom to tell now.
        step: Number of this step, from 1.
    """

    alert: OpenAlert
    people: tuple[str, ...]
    step: int


def decide_escalations(
    alerts: Iterable[OpenAlert],
    find: Callable[[OpenAlert], Targets],
    now: datetime,
    wait: timedelta,
) -> list[Escalation]:
    """Decide who is told next of what is critical and unanswered.

    One more person a step; where nobody is left who was not told, those who were are reminded
    once. A step waits from the one before it, never longer than `wait` twice over: a last step
    that lies further ahead was noted before the clock jumped back, and its time has come.

    Args:
        alerts: Open alerts.
        find: Gives whom an alert goes to now.
        now: Aware.
        wait: How long an answer may take.
    """
    steps = []
    for alert in alerts:
        waited = now - alert.told_at
        if alert.severity != "critical" or alert.acked_at or -wait <= waited < wait:
            continue
        targets = find(alert)
        untold = [name for name in (*targets.first, *targets.others) if name not in alert.told]
        people = tuple(untold[:1]) or (alert.told if alert.step == 0 else ())
        if people:
            steps.append(Escalation(alert, people, alert.step + 1))
    return steps
