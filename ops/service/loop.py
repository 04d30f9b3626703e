"""The service in the foreground, from start to a clean stop, and what wakes it."""

import fcntl
import logging
import os
import select
import signal
import threading
import time
import weakref
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, TextIO

from apscheduler.events import EVENT_JOB_MAX_INSTANCES, EVENT_JOB_MISSED
from apscheduler.schedulers.background import BackgroundScheduler
from sqlalchemy.exc import DBAPIError

from ops.catalog.open import Catalog, open_catalog
from ops.errors import OpsError
from ops.schedule import kinds
from ops.schedule.clock import Clock, SystemClock
from ops.schedule.ledger.endings import Recording
from ops.schedule.ledger.job import STOPPED, JobDefinition
from ops.service.dispatch import Dispatcher
from ops.service.log_lines import notify, wants_watchdog
from ops.service.settings import ServiceSettings
from ops.service.worker_pool import WorkerPool, kill_group

_AT_ONCE = 65_536


class Bell:
    """Rung by any thread and by signals, heard by the one that waits; one bell, one hearer.

    It is a pipe, so that a signal may ring at any moment, even amid a ring. Python runs a signal's
    handler between two steps of whatever the main thread does, in the middle of another handler
    too. There a `threading.Event` waits for a lock that its own thread holds, for ever, and a burst
    of signals piles handlers up until the stack is full. Here the interpreter itself writes to the
    pipe (`signal.set_wakeup_fd`), and what it calls is a method of `dict`, in C: no step of ours
    lies in between where another signal could come.
    """

    def __init__(self) -> None:
        self._hear, self._pull = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        self._came: dict[int, object] = {}
        for end in (self._hear, self._pull):
            weakref.finalize(self, os.close, end)

    def ring(self) -> None:
        """Wake the one that waits; a bell that rings already rings on."""
        try:
            os.write(self._pull, b"\0")
        except BlockingIOError:
            return  # full of rings that nobody has heard yet

    def wait(self, seconds: float) -> bool:
        """Wait until it rings, so long at most; tells whether it rang, and silences it."""
        poll = select.poll()
        poll.register(self._hear, select.POLLIN)
        if not poll.poll(seconds * 1_000):
            return False
        while _has_more(self._hear):
            pass
        return True

    def take_signals(self) -> set[int]:
        """Give the signals that came since this was asked last."""
        came = set(self._came)
        for number in came:
            del self._came[number]
        return came

    @contextmanager
    def hearing(
        self, numbers: Collection[signal.Signals], *, once: Collection[signal.Signals] = ()
    ) -> Iterator[None]:
        """Be rung by these signals, in the main thread; other threads have no say in them.

        Args:
            numbers: Those that ring.
            once: Those of them that are ignored afterwards: who asks once more must not kill a
                process that is on its way out.
        """
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        waker = signal.set_wakeup_fd(self._pull, warn_on_full_buffer=False)
        # Called with the number and a frame, which is kept until `take_signals` drops it.
        before = {number: signal.signal(number, self._came.setdefault) for number in numbers}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, signal.SIG_IGN if number in once else handler)
            signal.set_wakeup_fd(waker)


def _has_more(end: int) -> bool:
    try:
        return len(os.read(end, _AT_ONCE)) == _AT_ONCE
    except BlockingIOError:
        return False


log = logging.getLogger(__name__)

_NEXT = "next-due"


@dataclass(slots=True)
class Alarm:
    """Rings a bell at a moment that can be moved.

    APScheduler keeps nothing and decides nothing. The ledger decides what is due, so a wake-up that
    comes late, twice or for nothing does no harm, and one that APScheduler drops is made up for by
    the service's own tick.

    Attributes:
        bell: The bell to ring.
    """

    bell: Bell
    _scheduler: Any = field(init=False)
    _set_for: datetime | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        # Source of the three settings: APScheduler drops a wake-up that is a second late otherwise.
        defaults = {"misfire_grace_time": None, "coalesce": True, "max_instances": 1}
        self._scheduler = BackgroundScheduler(timezone=UTC, job_defaults=defaults)
        self._scheduler.add_listener(self._dropped, EVENT_JOB_MISSED | EVENT_JOB_MAX_INSTANCES)
        self._scheduler.start()

    def set_for(self, moment: datetime | None) -> None:
        """Ring at `moment`, and no more at the one before; None: not at all."""
        if moment == self._set_for:
            return
        self._set_for = moment
        if moment is None:
            self._scheduler.remove_all_jobs()
        else:
            self._scheduler.add_job(
                self.bell.ring, "date", run_date=moment, id=_NEXT, replace_existing=True
            )

    def close(self) -> None:
        """Stop the scheduler's thread."""
        # Removing waits for a wake-up that is being handed over; what the thread hands over after
        # its executor has shut down would be an error.
        self._scheduler.remove_all_jobs()
        self._scheduler.shutdown(wait=True)

    def _dropped(self, event: Any) -> None:  # APScheduler is untyped
        log.warning("wake-up-dropped", extra={"fields": {"code": event.code}})
        self.bell.ring()


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
