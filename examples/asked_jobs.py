"""Runs in this process what was asked of the service meanwhile, as one of its workers would."""

import os
import socket

from examples import moved_clock
from ops.access.session import at_bench
from ops.estate.model.estate import Estate
from ops.jobs.definitions import list_jobs
from ops.jobs.site_lock import hold_site_lock
from ops.schedule import kinds
from ops.schedule.ledger import claims
from ops.schedule.ledger.endings import BY_CLOCK, Recording, end_run
from ops.schedule.ledger.job import describe_failure, lock_name

_AT_ONCE = 10


def run_asked(estate: Estate) -> None:
    """Run every job that waits in the ledger."""
    jobs = {it.name: it for it in list_jobs(estate)}
    state = estate.service.state
    with at_bench(estate) as bench:
        with bench.catalog.writing() as session:
            claimed = claims.claim_due(session, jobs=jobs, now=moved_clock.now(), limit=_AT_ONCE,
                                       host=socket.gethostname())  # fmt: skip
        for claim in claimed:
            kind, run = jobs[claim.job].kind, claim.run_id
            with bench.catalog.writing() as session:
                attempt = claims.begin_run(session, run, pid=os.getpid(), now=moved_clock.now())
            context = kinds.RunContext(
                run_id=run, job=claim.job, kind=kind, site=claim.site, due_at=claim.due_at,
                attempt=attempt or 1, arguments=claim.arguments, estate=str(estate.path),
                state=state, catalog=bench.catalog, origin=BY_CLOCK, is_stopping=lambda: False,
            )  # fmt: skip
            with hold_site_lock(state, lock_name(claim.site, claim.job), holder=str(run)):
                try:
                    result = kinds.find_runner(kind)(context)
                except Exception as error:  # noqa: BLE001 - a job ends here, whatever it raised
                    result = describe_failure(error)
                with bench.catalog.writing() as session:
                    end_run(
                        session,
                        run,
                        result,
                        now=moved_clock.now(),
                        recording=Recording(BY_CLOCK, kinds.tell_listeners),
                    )
