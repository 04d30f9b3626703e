"""What people ask of the ledger: every job with its last and next, what was missed, start now."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from ops.catalog.columns import insert_missing, new_id
from ops.catalog.tables.core import JournalRow, Occurrence
from ops.journal import journal
from ops.journal.journal import Origin
from ops.schedule.ledger.job import JobDefinition, schedule_of
from ops.schedule.occurrences import NextDue, explain_next

Shown = Mapping[str, Any]
"""What people see of an occurrence, by its columns."""

_SHOWN = select(
    *(Occurrence.id, Occurrence.job, Occurrence.kind, Occurrence.site, Occurrence.due_at),
    *(Occurrence.trigger, Occurrence.state, Occurrence.outcome, Occurrence.reason),
    *(Occurrence.params, Occurrence.attempts, Occurrence.run_id, Occurrence.ended_at),
)


@dataclass(frozen=True, slots=True)
class JobStatus:
    """One job with what was and what comes.

    Attributes:
        job: Its definition.
        last: Its newest ended occurrence that was meant to run; None when there is none.
        last_ok_at: When it last ended ok; None when it never did.
        open: Its waiting, claimed or running occurrences, oldest first.
        next_due: When it is due next, explained.
    """

    job: JobDefinition
    last: Shown | None
    last_ok_at: datetime | None
    open: tuple[Shown, ...]
    next_due: NextDue


def list_jobs(session: Session, jobs: Sequence[JobDefinition], now: datetime) -> list[JobStatus]:
    """Give every job's status, in the order of `jobs`."""
    last = {view["job"]: view for view in _newest_ended(session)}
    ok_times = session.execute(
        select(Occurrence.job, func.max(Occurrence.ended_at))
        .where(Occurrence.outcome == "ok")
        .group_by(Occurrence.job)
    )
    last_ok = {name: moment for name, moment in ok_times}  # noqa: C416  # dict() loses the types
    opened: dict[str, list[Shown]] = {}
    for view in _views(session, Occurrence.state != "ended"):
        opened.setdefault(view["job"], []).append(view)
    return [
        JobStatus(
            job=job,
            last=last.get(job.name),
            last_ok_at=last_ok.get(job.name),
            open=tuple(opened.get(job.name, ())),
            next_due=explain_next(schedule_of(job), now),
        )
        for job in jobs
    ]


def list_missed(session: Session, since: datetime) -> list[Shown]:
    """Give what was missed among due times from `since` on, oldest first."""
    return _views(session, Occurrence.outcome == "missed", Occurrence.due_at >= since)


MISSED_SEEN = "runs.missed-seen"
"""What the journal tells of somebody who has looked at what was missed so far."""


def note_missed_seen(session: Session, origin: Origin, note: str) -> None:
    """Journal that somebody has looked at everything that was missed until now."""
    journal.append(session, origin, [journal.Entry(MISSED_SEEN, "*", {"note": note})])


def missed_seen_at(session: Session) -> datetime | None:
    """Give when somebody last looked at what was missed; None when nobody ever did."""
    newest = select(func.max(JournalRow.at)).where(JournalRow.action == MISSED_SEEN)
    return session.execute(newest).scalar_one_or_none()


def trigger(
    session: Session,
    job: JobDefinition,
    *,
    now: datetime,
    origin: Origin,
    arguments: Mapping[str, Any] | None = None,
) -> UUID:
    """Ask for a run of a job now, beside its schedule; a service starts it.

    Args:
        session: A writing session.
        job: What to run.
        now: The wall clock; becomes the due time.
        origin: Who asks; journaled.
        arguments: JSON values beyond the job's own; no secrets.

    Returns:
        Id of the occurrence.
    """
    row = Occurrence(
        id=new_id(),
        job=job.name,
        kind=job.kind,
        site=job.site,
        due_at=now,
        trigger="person",
        requested_by=origin.person or origin.login,
        arguments=dict(arguments or {}),
        state="due",
        created_at=now,
    )
    session.add(row)
    session.flush()
    details = {"occurrence": str(row.id), "arguments": dict(arguments or {})}
    journal.append(session, origin, [journal.Entry("job.triggered", job.name, details)])
    return row.id


def ask_at(
    session: Session,
    job: JobDefinition,
    *,
    due_at: datetime,
    now: datetime,
    origin: Origin,
    arguments: Mapping[str, Any],
) -> bool:
    """Ask for a run of a job at a moment to come, beside its schedule; a service starts it then.

    Args:
        session: A writing session.
        job: What to run.
        due_at: When; of one job and moment there is one occurrence, however often it is asked for.
        now: The wall clock.
        origin: Who asks, and why; journaled.
        arguments: JSON values beyond the job's own; no secrets.

    Returns:
        Whether it is new.
    """
    row = {
        "job": job.name,
        "kind": job.kind,
        "site": job.site,
        "due_at": due_at,
        "trigger": "clock",
        "arguments": dict(arguments),
        "state": "due",
        "params": {},
        "created_at": now,
    }
    statement = insert_missing(session, Occurrence).returning(Occurrence.id)
    added = session.execute(statement, [row]).scalars().all()
    for occurrence in added:
        details = {
            "occurrence": str(occurrence),
            "due_at": due_at.isoformat(),
            "arguments": dict(arguments),
        }
        journal.append(session, origin, [journal.Entry("job.asked", job.name, details)])
    return bool(added)


def _newest_ended(session: Session) -> list[Shown]:
    meant_to_run = Occurrence.outcome.not_in(("missed", "skipped"))
    newest = (
        select(Occurrence.job, func.max(Occurrence.due_at).label("due_at"))
        .where(meant_to_run)
        .group_by(Occurrence.job)
        .subquery()
    )
    query = _SHOWN.join(
        newest, (Occurrence.job == newest.c.job) & (Occurrence.due_at == newest.c.due_at)
    )
    return [dict(row) for row in session.execute(query).mappings()]


def _views(session: Session, *conditions: Any) -> list[Shown]:
    query = _SHOWN.where(*conditions).order_by(Occurrence.due_at, Occurrence.job)
    return [dict(row) for row in session.execute(query).mappings()]
