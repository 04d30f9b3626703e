"""End the runs that nobody works on any more, so that they keep no site from its turn."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from ops.catalog.tables.core import Run
from ops.jobs.site_lock import is_lock_held_by
from ops.schedule.ledger.endings import NEVER_AGAIN, end_lost
from ops.schedule.ledger.events import Recording
from ops.schedule.ledger.heartbeats import HeldRun, list_held
from ops.schedule.ledger.job import LOST, JobDefinition, lock_name


def end_abandoned(session: Session, state: Path, host: str = "") -> None:
    """End as lost what people ran and a killed process left open: its lock is not its own.

    Args:
        session: A writing session.
        state: The service's state folder, where the locks are.
        host: Only what ran under this name; empty where the catalog is of one machine.
    """
    open_ones = select(Run).where(Run.occurrence_id.is_(None), Run.outcome.is_(None))
    if host:
        open_ones = open_ones.where(Run.host == host)
    for run in session.execute(open_ones).scalars():
        if not is_lock_held_by(state, lock_name(run.site, run.job), str(run.id)):
            run.outcome, run.reason, run.ended_at = "failed", LOST, datetime.now(UTC)


def end_gone(
    session: Session,
    run: HeldRun,
    job: JobDefinition | None,
    *,
    now: datetime,
    recording: Recording,
    is_machine_gone: bool,
) -> None:
    """End a run of the ledger as lost.

    Args:
        session: A writing session.
        run: As it was observed; a beat since then saves it.
        job: Says whether it is tried again; None where the estate names it no more.
        now: The wall clock.
        recording: Where the event goes.
        is_machine_gone: Whether that is why; it says nothing against trying again at once.
    """
    retry = job.retry if job else NEVER_AGAIN
    if is_machine_gone:
        retry = replace(retry, wait=timedelta(0))
    end_lost(session, run.run_id, run.heartbeat, now=now, recording=recording, retry=retry)


def end_all(
    session: Session, state: Path, jobs: Sequence[JobDefinition], recording: Recording
) -> None:
    """End every open run, of whatever machine: for a catalog that was put back from a store.

    Args:
        session: A writing session.
        state: The service's state folder.
        jobs: All that the estate asks for.
        recording: Where the events go.
    """
    now, known = datetime.now(UTC), {job.name: job for job in jobs}
    end_abandoned(session, state)
    for run in list_held(session):
        job = known.get(run.job)
        end_gone(session, run, job, now=now, recording=recording, is_machine_gone=True)
