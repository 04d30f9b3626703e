"""The service in the foreground, from start to a clean stop."""

import fcntl
import logging
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import TextIO

from sqlalchemy.exc import DBAPIError

from ops.catalog.open import Catalog, open_catalog
from ops.errors import OpsError
from ops.schedule import kinds
from ops.schedule.clock import Clock, SystemClock
from ops.schedule.ledger.events import Recording
from ops.schedule.ledger.job import STOPPED, JobDefinition
from ops.service.dispatch import Dispatcher
from ops.service.log_lines import notify, wants_watchdog
from ops.service.settings import ServiceSettings
from ops.service.wake import Alarm, Bell
from ops.service.worker_pool import WorkerPool, kill_group

log = logging.getLogger(__name__)

LoadJobs = Callable[[], Sequence[JobDefinition]]
OnHealthy = Callable[[], None]

_STOPPING = frozenset({signal.SIGTERM, signal.SIGINT})
_ASKING = _STOPPING | {signal.SIGHUP}


def stay_silent() -> None:
    """Tell nobody that the service lives."""


@dataclass(slots=True)
class Signals:
    """What the service was asked for, and the bell that wakes it to look.

    Attributes:
        bell: Rung when there is something to look at.
        stop: Whether to stop.
        reload: Whether to read the jobs again.
    """

    bell: Bell = field(default_factory=Bell)
    stop: bool = False
    reload: bool = False

    def ask_stop(self) -> None:
        """Have the service stop."""
        self.stop = True
        self.bell.ring()

    def wait(self, seconds: float) -> None:
        """Wait for something to look at, so long at most, and note what was asked for."""
        self.bell.wait(seconds)
        came = self.bell.take_signals()
        self.stop = self.stop or not came.isdisjoint(_STOPPING)
        self.reload = self.reload or signal.SIGHUP in came


def run_service(
    settings: ServiceSettings,
    load_jobs: LoadJobs,
    *,
    clock: Clock | None = None,
    signals: Signals | None = None,
    on_healthy: OnHealthy = stay_silent,
) -> None:
    """Run until SIGTERM or SIGINT; SIGHUP reads the jobs again.

    In the main thread it is the last that a process does: it ignores all three from then on.

    Args:
        settings: How to run.
        load_jobs: Gives all jobs; called at the start and on SIGHUP.
        clock: The machine's clocks unless given.
        signals: To stop it from another thread; process signals are heard in the main thread.
        on_healthy: Called after each look at which all was well; must return at once.

    Raises:
        OpsError: The catalog cannot be opened, or the jobs cannot be read at the start.
    """
    signals, clock = signals or Signals(), clock or SystemClock()
    kinds.load(settings.modules)
    catalog = open_catalog(settings.catalog_url)
    recording = Recording(settings.origin, kinds.tell_listeners)
    pool = WorkerPool(settings)
    dispatcher = Dispatcher(settings, catalog, clock, recording, pool)
    alarm = Alarm(signals.bell)
    heard = signals.bell.hearing({*_ASKING, signal.SIGCHLD}, once=_ASKING)
    with heard, _signed_in(settings) as sign:
        try:
            dispatcher.register(load_jobs())
            notify("READY=1")
            log.info("service-ready", extra={"fields": {"jobs": len(dispatcher.jobs)}})
            while not signals.stop:
                sign.take()  # the service that had it may have gone
                if _look(dispatcher, alarm, signals, load_jobs):
                    on_healthy()
                if wants_watchdog():  # whatever was seen: a catalog that is away is no hang
                    notify("WATCHDOG=1")
                signals.wait(settings.tick_every.total_seconds())
        finally:
            alarm.close()
            _stop(dispatcher, catalog)


def _look(dispatcher: Dispatcher, alarm: Alarm, signals: Signals, load_jobs: LoadJobs) -> bool:
    """Look once; gives whether all was well.

    A catalog that is away, full or damaged stops nothing; the next look tries again, and meanwhile
    the silence alarms.
    """
    try:
        if signals.reload:
            signals.reload = False
            _reload(dispatcher, load_jobs)
        dispatcher.tick()
    except DBAPIError as error:
        log.error("catalog-away", extra={"fields": {"error": type(error.orig).__name__}})  # noqa: TRY400  # the traceback would repeat statements with their values
        return False
    except OpsError as error:
        log.error("catalog-away", extra={"fields": {"error": str(error)}})  # noqa: TRY400  # the text says it
        return False
    alarm.set_for(dispatcher.earliest())
    running = len(dispatcher.pool.workers)
    notify(f"STATUS={len(dispatcher.jobs)} jobs, {running} running")
    return True


def _reload(dispatcher: Dispatcher, load_jobs: LoadJobs) -> None:
    """Read the jobs again; a mistake in the estate leaves those that were in force."""
    try:
        dispatcher.register(load_jobs())
    except DBAPIError:
        raise
    except Exception as error:  # noqa: BLE001  # whatever is wrong with the file, go on as before
        log.log(logging.ERROR, "jobs-not-read", extra={"fields": {"error": str(error)}})


def _stop(dispatcher: Dispatcher, catalog: Catalog) -> None:
    """Start nothing more, ask the workers to end, give them time, then kill what is left."""
    notify("STOPPING=1")
    pool = dispatcher.pool
    pool.ask_to_stop()
    grace = dispatcher.settings.stop_grace.total_seconds()
    pause = threading.Event()
    asked_at = time.monotonic()
    while pool.workers and time.monotonic() - asked_at < grace:
        dispatcher.settle_ended()
        pause.wait(0.05)
    for worker in pool.workers.values():
        worker.ended_as = STOPPED
        kill_group(worker)
        worker.process.wait()
    dispatcher.settle_ended()
    log.info("service-stopped")
    catalog.close()


@dataclass(slots=True)
class _Sign:
    """The lock by which others see that a service runs here; the file holds our number."""

    file: TextIO
    is_ours: bool = False

    def take(self) -> None:
        """Take it, unless it is ours already or another service holds it."""
        if self.is_ours:
            return
        with suppress(BlockingIOError):
            fcntl.flock(self.file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self.file.truncate(0)
            self.file.write(str(os.getpid()))
            self.file.flush()
            self.is_ours = True


@contextmanager
def _signed_in(settings: ServiceSettings) -> Iterator[_Sign]:
    """Say so when another service uses the same state folder: both share the ledger's work."""
    folder = settings.state / "locks"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "service.pid").open("a+") as file:
        sign = _Sign(file)
        sign.take()
        if not sign.is_ours:
            file.seek(0)
            other = file.read().strip()
            log.warning("another-service-runs-here", extra={"fields": {"pid": other}})
        yield sign
