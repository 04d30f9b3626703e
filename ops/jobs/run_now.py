"""Run a job for a person at a terminal, with the same locks and records as the service.

Order:

1. Take the site's lock, so that a person and the service never work on one site at once.
2. Runs that a killed process left open are ended as lost: their free lock proves it dead.
3. Write the run as running; run it.
4. Write how it ended and journal it, in one transaction.

The person sees the result, so no notice is sent; an alert about what is good again is closed.
"""

import os
import socket
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import select

from ops.access.session import Bench
from ops.alerts.outbox import write_green
from ops.catalog.columns import new_id
from ops.catalog.tables.core import Run
from ops.jobs.lost_runs import end_abandoned
from ops.jobs.site_lock import hold_site_lock
from ops.schedule.kinds import RunContext
from ops.schedule.ledger.events import Recording, record_events
from ops.schedule.ledger.job import (
    STOPPED,
    JobResult,
    LedgerEvent,
    describe_failure,
    lock_name,
)

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
