"""How a run begins and ends outside the ledger's turns: by hand, or because nobody works on it.

A person's run takes the same locks and leaves the same records as one of the service:

1. Take the site's lock, so that a person and the service never work on one site at once.
2. Runs that a killed process left open are ended as lost: their free lock proves it dead.
3. Write the run as running; run it.
4. Write how it ended and journal it, in one transaction.

The person sees the result, so no notice is sent; an alert about what is good again is closed.
"""

import os
import shutil
import socket
import time
from collections.abc import Callable, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

from sqlalchemy import select
from sqlalchemy.orm import Session

from ops.access.session import Bench
from ops.alerts.outbox import write_green
from ops.catalog.columns import new_id
from ops.catalog.tables.core import Run
from ops.estate.known_sites import require_site
from ops.estate.load.load import load_estate
from ops.estate.model.estate import Estate
from ops.estate.model.sites import Site
from ops.estate.versions import remember_estate
from ops.jobs.site_lock import hold_site_lock, is_lock_held_by
from ops.meanwhile import meanwhile
from ops.schedule.kinds import RunContext
from ops.schedule.ledger.claims import HeldRun, list_held
from ops.schedule.ledger.endings import NEVER_AGAIN, Recording, end_lost, record_events
from ops.schedule.ledger.job import (
    LOST,
    STOPPED,
    JobDefinition,
    JobResult,
    LedgerEvent,
    describe_failure,
    lock_name,
)


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


Work = Callable[[RunContext], JobResult]

NO_WAIT = timedelta(0)
"""How long a person waits for a lock that somebody else holds."""


def run_by_hand(
    bench: Bench,
    work: Work,
    *,
    job: str,
    kind: str,
    site: str,
    arguments: Mapping[str, Any] | None = None,
) -> JobResult:
    """Run a job now; what it raises is recorded and raised again.

    Args:
        bench: What to work with.
        work: Does it.
        job: Its name in the ledger, so that its history is one.
        kind: As in the ledger.
        site: Name of the site.
        arguments: JSON values for the work.

    Raises:
        SiteBusyError: Another run works on the site.
    """
    started_at, started = datetime.now(UTC), time.monotonic()
    run_id = new_id()
    context = RunContext(
        run_id=run_id,
        job=job,
        kind=kind,
        site=site,
        due_at=started_at,
        attempt=1,
        arguments=arguments or {},
        estate=str(bench.estate.path),
        state=bench.estate.service.state,
        catalog=bench.catalog,
        origin=replace(bench.origin, run=str(run_id)),
        is_stopping=lambda: False,
    )
    with hold_site_lock(bench.estate.service.state, lock_name(site, job), holder=str(run_id)):
        _begin(context)
        try:
            with meanwhile(_HANDED, bench.estate):
                result = work(context)
        except BaseException as error:
            stopped = isinstance(error, KeyboardInterrupt)
            failure = JobResult("failed", STOPPED) if stopped else describe_failure(error)
            _end(context, failure, time.monotonic() - started)
            raise
        return _end(context, result, time.monotonic() - started)


def _begin(context: RunContext) -> None:
    with context.catalog.writing() as session:
        end_abandoned(
            session, context.state, socket.gethostname() if context.catalog.is_shared else ""
        )
        session.add(
            Run(
                id=context.run_id,
                job=context.job,
                kind=context.kind,
                site=context.site,
                host=socket.gethostname(),
                pid=os.getpid(),
                started_at=context.due_at,
            )
        )


def _end(context: RunContext, result: JobResult, seconds: float) -> JobResult:
    result = replace(result, summary={**result.summary, "seconds": round(seconds, 3)})
    event = LedgerEvent(
        occasion="ended",
        job=context.job,
        kind=context.kind,
        site=context.site,
        due_at=context.due_at,
        outcome=result.outcome,
        reason=result.reason,
        params=result.params,
        run_id=context.run_id,
        attempt=1,
        requested_by=context.origin.person or context.origin.login,
        summary=result.summary,
    )
    with context.catalog.writing() as session:
        run = session.execute(select(Run).where(Run.id == context.run_id)).scalar_one()
        run.ended_at = datetime.now(UTC)
        run.outcome, run.reason = result.outcome, result.reason
        run.params, run.summary = dict(result.params), dict(result.summary)
        record_events(session, Recording(context.origin, write_green), [event])
    return result


_HANDED: ContextVar[Estate | None] = ContextVar("handed_estate", default=None)
"""What a person's act has read and remembered, for the runs that it makes."""


class Start(NamedTuple):
    """What a run works with.

    Attributes:
        estate: As it is now.
        version: Its hash, as in the journal.
        site: The site the run is for.
    """

    estate: Estate
    version: str
    site: Site


def bench_of(context: RunContext) -> Bench:
    """Give the estate of a run and its catalog; who runs it by hand has read and remembered it.

    Raises:
        EstateError: The estate file has mistakes.
    """
    if (handed := _HANDED.get()) is not None:
        return Bench(handed, context.catalog, context.origin)
    estate = load_estate(Path(context.estate))
    with context.catalog.writing() as session:
        version = remember_estate(
            session, estate.document(), now=datetime.now(UTC), origin=context.origin
        )
    return Bench(estate, context.catalog, replace(context.origin, estate=version))


def begin(context: RunContext) -> Start:
    """Find the estate and the site of a run.

    Raises:
        EstateError: The estate file has mistakes.
        SiteVanishedError: It no longer names the site, and nobody has retired it.
        SiteRetiredError: The site was retired.
        WrongUseError: It never had such a site.
    """
    bench = bench_of(context)
    site = require_site(bench.estate, context.catalog, context.site)
    return Start(bench.estate, bench.origin.estate, site)


def clear_scratch(estate: Estate, site: str) -> None:
    """Remove what a killed run has left; the caller holds the site's lock, so nobody uses it."""
    shutil.rmtree(estate.service.scratch / site, ignore_errors=True)
