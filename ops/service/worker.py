"""A worker: one process for one run. Started by the service as `python -m ops.service.worker`.

Order:
1. Tie its life to the service's.
2. Take the site's lock, and keep it until the process is gone.
3. Turn the claim into a running run; whoever is not the claim's owner any more stops here.
4. Beat, run the job, and record its result in the ledger, the journal and the outbox at once.
Killed after any step, it leaves an occurrence that the service finds lost and its lock free.
"""

import inspect
import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from sqlalchemy.exc import DBAPIError

from backup.workers.core_dumps import forbid_core_dumps
from backup.workers.memory import calm_collector
from ops.catalog.open import Catalog, open_catalog
from ops.errors import OpsError
from ops.jobs.life import die_with_parent, dismiss, guard_group
from ops.jobs.live import LiveProgress
from ops.jobs.site_lock import SiteBusyError, hold_site_lock
from ops.schedule import kinds
from ops.schedule.clock import SystemClock
from ops.schedule.ledger import claims
from ops.schedule.ledger.endings import Recording, end_run
from ops.schedule.ledger.job import (
    STOPPED,
    TIMED_OUT,
    WINDOW_OVER,
    JobResult,
    describe_failure,
    lock_name,
)
from ops.service.log_lines import log_to_stderr
from ops.service.settings import TIME_IS_OVER, WorkRequest, parse_request

if TYPE_CHECKING:
    from types import FrameType

log = logging.getLogger(__name__)

DONE, GAVE_BACK, NOT_OURS = 0, 75, 76
"""Exit statuses: recorded; the claim went back to `due`; somebody else has the occurrence."""

_BUSY_PAUSE = timedelta(seconds=15)
_RECORDING_TRIES = 60


@dataclass(slots=True)
class _Stop:
    """Turns SIGTERM and `TIME_IS_OVER` into an interruption of the runner, and of nothing else.

    Attributes:
        is_asked: Whether one of them came.
        is_running: Whether the runner has the word, so that it may be interrupted.
        is_window_over: Whether it is the end of its window that asks.
        is_time_over: Whether it took more time than it may.
    """

    is_asked: bool = False
    is_running: bool = False
    is_window_over: bool = False
    is_time_over: bool = False

    def ask(self, number: int, _frame: "FrameType | None") -> None:
        already_asked, self.is_asked = self.is_asked, True
        self.is_time_over |= number == TIME_IS_OVER
        if self.is_running and not already_asked:
            raise kinds.JobStoppedError(self.why())

    def end_window(self) -> None:
        """Ask, from another thread, because the run's window is over."""
        self.is_window_over = not self.is_asked
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGTERM)

    def why(self) -> str:
        """Give the reason code of a run that was stopped."""
        if self.is_time_over:
            return TIMED_OUT
        return WINDOW_OVER if self.is_window_over else STOPPED


def main() -> int:
    """Do the run that standard input describes."""
    stop = _Stop()
    signal.signal(signal.SIGTERM, stop.ask)
    signal.signal(TIME_IS_OVER, stop.ask)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # Stock restic sends it to the holder of a lock, only to learn whether that is alive.
    signal.signal(signal.SIGHUP, lambda _signal, _frame: None)
    calm_collector()
    forbid_core_dumps()
    die_with_parent(int(sys.argv[1]))
    guard = guard_group()
    try:
        log_to_stderr()
        return _do(parse_request(sys.stdin.buffer.readline()), stop)
    finally:
        if not stop.is_time_over:  # else the guard ends what the run has left behind
            dismiss(guard)


def _do(request: WorkRequest, stop: _Stop) -> int:
    settings, run_id = request.settings, request.claim.run_id
    catalog = open_catalog(settings.catalog_url)
    name = lock_name(request.job.site, request.job.name)
    try:
        with hold_site_lock(settings.state, name, holder=str(run_id), wait=settings.lock_wait):
            return _work(catalog, request, stop)
    except SiteBusyError:
        with catalog.writing() as session:
            later = SystemClock().now() + _BUSY_PAUSE
            claims.give_back(session, run_id, not_before=later)
        return GAVE_BACK
    finally:
        catalog.close()


def _work(catalog: Catalog, request: WorkRequest, stop: _Stop) -> int:
    if stop.is_asked:
        with catalog.writing() as session:
            claims.give_back(session, request.claim.run_id)
        return GAVE_BACK
    attempt = _begin(catalog, request)
    if attempt is None:
        return NOT_OURS
    ended = threading.Event()
    beating = threading.Thread(target=_beat, args=(catalog, request, ended), daemon=True)
    beating.start()
    result = _run(catalog, request, attempt, stop)
    _record(catalog, request, result)
    ended.set()
    beating.join()
    return DONE


def _begin(catalog: Catalog, request: WorkRequest) -> int | None:
    run_id, now = request.claim.run_id, SystemClock().now()
    with catalog.writing() as session:
        return claims.begin_run(session, run_id, pid=os.getpid(), now=now)


def _beat(catalog: Catalog, request: WorkRequest, ended: threading.Event) -> None:
    """Raise the counter until the run has ended; a beat that fails is tried with the next."""
    while not ended.wait(request.settings.heartbeat_every.total_seconds()):
        with suppress(DBAPIError, OpsError), catalog.writing() as session:
            claims.beat(session, request.claim.run_id)


def _run(catalog: Catalog, request: WorkRequest, attempt: int, stop: _Stop) -> JobResult:
    started = time.monotonic()
    broken = _load(request)
    alarm = _watch_window(stop, request.stop_at)
    try:
        stop.is_running = True
        if stop.is_asked:
            raise kinds.JobStoppedError  # noqa: TRY301  # it came before it could interrupt
        result = broken or _call(catalog, request, attempt, stop)
        stop.is_running = False
    except kinds.JobStoppedError:
        stop.is_running = False
        result = JobResult("failed", stop.why())
    finally:
        alarm.cancel()
    seconds = round(time.monotonic() - started, 3)
    return replace(result, summary={**result.summary, "seconds": seconds})


def _load(request: WorkRequest) -> JobResult | None:
    """Import the runners, and who is told how they end; gives what went wrong, if anything did.

    No stop interrupts it: who listens has to be known when the run that was stopped is recorded.
    """
    try:
        kinds.load(request.settings.modules)
    except (Exception, SystemExit) as error:
        log.debug("job-traceback", exc_info=error)
        return describe_failure(error)
    return None


def _watch_window(stop: _Stop, stop_at: datetime | None) -> threading.Timer:
    """Stop the run at the end of its window; nothing happens where it has none."""
    seconds = 0.0 if stop_at is None else (stop_at - SystemClock().now()).total_seconds()
    alarm = threading.Timer(max(seconds, 0.0), stop.end_window)
    alarm.daemon = True
    if stop_at is not None:
        alarm.start()
    return alarm


def _call(catalog: Catalog, request: WorkRequest, attempt: int, stop: _Stop) -> JobResult:
    try:
        context = kinds.RunContext(
            run_id=request.claim.run_id,
            job=request.job.name,
            kind=request.job.kind,
            site=request.job.site,
            due_at=request.claim.due_at,
            attempt=attempt,
            arguments={**request.job.arguments, **request.claim.arguments},
            estate=request.settings.estate,
            state=request.settings.state,
            catalog=catalog,
            origin=replace(request.settings.origin, run=str(request.claim.run_id)),
            is_stopping=lambda: stop.is_asked,
        )
        return _call_runner(context)
    except (Exception, SystemExit) as error:  # a job ends here, whatever it raised
        log.debug("job-traceback", exc_info=error)
        return describe_failure(error)


def _call_runner(context: kinds.RunContext) -> JobResult:
    """Run it; a runner that can say how far it is takes somebody who listens."""
    runner: Callable[..., JobResult] = kinds.find_runner(context.kind)
    if "progress" not in inspect.signature(runner).parameters:
        return runner(context)
    lock = lock_name(context.site, context.job)
    progress = LiveProgress(context.state, lock, str(context.run_id))
    try:
        return runner(context, progress=progress)
    finally:
        progress.close()


def _record(catalog: Catalog, request: WorkRequest, result: JobResult) -> None:
    """Record the result; the catalog may be away for a while, the work is done all the same."""
    for _try in range(_RECORDING_TRIES):
        try:
            _end(catalog, request, result, SystemClock().now())
        except (DBAPIError, OpsError) as error:
            fields = {
                "job": request.job.name,
                "site": request.job.site,
                "outcome": result.outcome,
                "reason": result.reason,
                "error": type(error).__name__,
            }
            log.warning("result-not-recorded", extra={"fields": fields})
            time.sleep(request.settings.heartbeat_every.total_seconds())
        else:
            return
    raise SystemExit(1)


def _end(catalog: Catalog, request: WorkRequest, result: JobResult, now: datetime) -> None:
    with catalog.writing() as session:
        end_run(
            session,
            request.claim.run_id,
            result,
            now=now,
            recording=Recording(request.settings.origin, kinds.tell_listeners),
            retry=request.job.retry,
        )


if __name__ == "__main__":
    sys.exit(main())
