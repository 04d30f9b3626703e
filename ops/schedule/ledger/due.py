"""List due times: write down what has become due since the ledger last looked.

Order, in one transaction per call:
1. Read how far each job has been listed, and keep others from listing it meanwhile.
2. Add the newest due time as `due` and older ones as missed; a pair of job and due time that
   stands there already is left alone.
3. End as missed what was still waiting and is overtaken by the newer one.
4. Note how far each job is listed now.

A wall clock that jumps forward brings due times early: the newest is run, the others are missed.
When it then jumps back, the listing goes back with it, and due times that were only missed come to
life when their time really comes; those that ran stay as they are.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from ops.catalog.columns import insert_missing
from ops.catalog.tables.core import Job, Occurrence
from ops.schedule.ledger.endings import Recording, event_of, record_events
from ops.schedule.ledger.job import (
    BLACKOUT,
    COALESCED,
    DOWN,
    RETIRED,
    JobDefinition,
    LedgerEvent,
    Outcome,
    read_schedule,
)
from ops.schedule.occurrences import occurrences_between

LISTED_AT_MOST = 500
"""Missed due times written down one by one; of more, only the newest."""

CLOCK_TOLERANCE = timedelta(minutes=1)
PUNCTUAL = timedelta(minutes=10)
"""A job that is not caught up runs when it is found due within this time."""

Blackout = Callable[[JobDefinition, datetime], Mapping[str, Any] | None]


def no_blackout(_job: JobDefinition, _due_at: datetime) -> Mapping[str, Any] | None:
    """Keep nothing from running."""
    return None


@dataclass(frozen=True, slots=True)
class _Plan:
    """What to write for one due time: `outcome` None means it is due."""

    job: JobDefinition
    due_at: datetime
    outcome: Outcome | None = None
    reason: str = ""
    params: Mapping[str, Any] | None = None

    def event(self) -> LedgerEvent:
        return LedgerEvent(
            occasion="skipped" if self.outcome == "skipped" else "missed",
            job=self.job.name,
            kind=self.job.kind,
            site=self.job.site,
            due_at=self.due_at,
            outcome=self.outcome,
            reason=self.reason,
            params=self.params or {},
        )


def register_jobs(
    session: Session, jobs: Sequence[JobDefinition], now: datetime, recording: Recording
) -> None:
    """Make the ledger know exactly these jobs.

    A new job is listed from `now` on. A job whose schedule changed is first listed up to `now` by
    its old schedule. What waits for a job that is no longer named is skipped.
    """
    known = {job.name: job for job in _locked_jobs(session, None)}
    wanted = {job.name: job for job in jobs}
    _list(session, _rescheduled(known, wanted), now, recording)
    for name, job in wanted.items():
        values = {**_described(job), "retired_at": None}
        if name not in known:
            _add(session, {"name": name, "listed_until": now, **values})
        elif known[name].retired_at is not None:
            _change(session, name, {**values, "listed_until": now})
        elif any(getattr(known[name], key) != value for key, value in values.items()):
            _change(session, name, values)
    gone = [name for name, row in known.items() if name not in wanted and not row.retired_at]
    _retire(session, gone, now, recording)


def list_due(
    session: Session,
    jobs: Sequence[JobDefinition],
    now: datetime,
    recording: Recording,
    *,
    blackout: Blackout = no_blackout,
) -> int:
    """Write down what has become due for these registered jobs; give how many now wait to run."""
    return _list(session, jobs, now, recording, blackout=blackout)


def _list(
    session: Session,
    jobs: Sequence[JobDefinition],
    now: datetime,
    recording: Recording,
    *,
    blackout: Blackout = no_blackout,
) -> int:
    rows = {row.name: row for row in _locked_jobs(session, [job.name for job in jobs])}
    plans: list[_Plan] = []
    for job in jobs:
        row = rows.get(job.name)
        if row is not None and row.retired_at is None:
            plans += _plan(job, row, now, blackout)
    waiting = _write(session, plans, now, recording)
    moved = [name for name, row in rows.items() if _must_move(row.listed_until, now)]
    if moved:
        session.execute(
            update(Job).where(Job.name.in_(moved)).values(listed_until=now),
            execution_options={"synchronize_session": False},
        )
    return waiting


def _plan(job: JobDefinition, row: Job, now: datetime, blackout: Blackout) -> list[_Plan]:
    """Decide what becomes of every due time since the row was last listed; oldest first."""
    schedule = read_schedule(row.schedule, row.timezone, row.spread_key)
    found = occurrences_between(schedule, row.listed_until, now, limit=LISTED_AT_MOST)
    if not found:
        return []
    *older, newest = found
    into = {"into": newest.isoformat()}
    plans = [_Plan(job, due_at, "missed", COALESCED, into) for due_at in older]
    forbidden = blackout(job, newest)
    if forbidden is not None:
        plans.append(_Plan(job, newest, "skipped", BLACKOUT, forbidden))
    elif not job.catch_up and now - newest > PUNCTUAL:
        plans.append(_Plan(job, newest, "missed", DOWN))
    else:
        plans.append(_Plan(job, newest))
    return plans


def _write(session: Session, plans: Sequence[_Plan], now: datetime, recording: Recording) -> int:
    if not plans:
        return 0
    written = _insert(session, plans, now)
    for plan in plans:
        if plan.outcome is None and (plan.job.name, plan.due_at) not in written:
            _revive(session, plan)
    fresh = [plan for plan in plans if (plan.job.name, plan.due_at) in written]
    events = [plan.event() for plan in fresh if plan.outcome is not None]
    newest = {plan.job.name: plan.due_at for plan in plans if plan.outcome is None}
    events += _overtake(session, newest, now)
    record_events(session, recording, events)
    return len(newest)


def _insert(session: Session, plans: Iterable[_Plan], now: datetime) -> set[tuple[str, datetime]]:
    """Insert what is not there yet; give the pairs that were inserted."""
    rows = [
        {
            "job": plan.job.name,
            "kind": plan.job.kind,
            "site": plan.job.site,
            "due_at": plan.due_at,
            "trigger": "clock",
            "arguments": {},
            "state": "ended" if plan.outcome else "due",
            "outcome": plan.outcome,
            "reason": plan.reason,
            "params": dict(plan.params or {}),
            "created_at": now,
            "ended_at": now if plan.outcome else None,
        }
        for plan in plans
    ]
    statement = insert_missing(session, Occurrence)
    returned = session.execute(statement.returning(Occurrence.job, Occurrence.due_at), rows)
    return {(job, due_at) for job, due_at in returned}


def _add(session: Session, values: Mapping[str, Any]) -> None:
    session.execute(insert_missing(session, Job), values)


def _revive(session: Session, plan: _Plan) -> None:
    session.execute(
        update(Occurrence)
        .where(Occurrence.job == plan.job.name, Occurrence.due_at == plan.due_at)
        .where(Occurrence.state == "ended", Occurrence.outcome == "missed")
        .where(Occurrence.attempts == 0)
        .values(state="due", outcome=None, reason="", params={}, ended_at=None),
        execution_options={"synchronize_session": False},
    )


def _overtake(session: Session, newest: Mapping[str, datetime], now: datetime) -> list[LedgerEvent]:
    """End what still waits although a newer due time of its job has come."""
    waiting = session.execute(
        select(Occurrence)
        .where(Occurrence.state == "due", Occurrence.trigger == "clock")
        .where(Occurrence.job.in_(newest))
    ).scalars()
    overtaken = [row for row in waiting if row.due_at < newest[row.job]]
    return [_end_overtaken(row, now, {"into": newest[row.job].isoformat()}) for row in overtaken]


def _end_overtaken(row: Occurrence, now: datetime, params: Mapping[str, Any]) -> LedgerEvent:
    """End a waiting row; one that was tried before keeps the failure it had."""
    row.state, row.ended_at = "ended", now
    if row.attempts:
        row.outcome = "failed"
    else:
        row.outcome, row.reason, row.params = "missed", COALESCED, dict(params)
    return event_of(row)


def _must_move(listed_until: datetime, now: datetime) -> bool:
    return listed_until < now or listed_until - now > CLOCK_TOLERANCE


def _locked_jobs(session: Session, names: Sequence[str] | None) -> Sequence[Job]:
    query = select(Job).order_by(Job.name).with_for_update()
    if names is not None:
        query = query.where(Job.name.in_(names))
    return session.execute(query).scalars().all()


def _rescheduled(
    known: Mapping[str, Job], wanted: Mapping[str, JobDefinition]
) -> list[JobDefinition]:
    """Give the wanted jobs whose schedule differs from the one they were listed by."""
    return [
        job
        for name, job in wanted.items()
        if name in known and _timing(_described(job)) != _timing(vars(known[name]))
    ]


def _timing(values: Mapping[str, Any]) -> tuple[str, str, str]:
    return values["schedule"], values["timezone"], values["spread_key"]


def _described(job: JobDefinition) -> dict[str, Any]:
    return {
        "kind": job.kind,
        "site": job.site,
        "schedule": job.schedule,
        "timezone": job.timezone,
        "spread_key": job.spread_key or job.site or job.name,
    }


def _change(session: Session, name: str, values: Mapping[str, Any]) -> None:
    session.execute(update(Job).where(Job.name == name).values(**values))


def _retire(session: Session, names: Sequence[str], now: datetime, recording: Recording) -> None:
    if not names:
        return
    for name in names:
        _change(session, name, {"retired_at": now})
    waiting = session.execute(
        select(Occurrence).where(Occurrence.state == "due", Occurrence.job.in_(names))
    ).scalars()
    events = []
    for row in waiting:
        row.state, row.outcome, row.reason, row.ended_at = "ended", "skipped", RETIRED, now
        events.append(event_of(row))
    record_events(session, recording, events)
