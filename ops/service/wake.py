"""Wake the service at the next due time. APScheduler keeps nothing and decides nothing.

The ledger decides what is due, so a wake-up that comes late, twice or for nothing does no harm,
and one that APScheduler drops is made up for by the service's own tick.

What wakes the service: a pipe, so that a signal may ring at any moment, even amid a ring.

Python runs a signal's handler between two steps of whatever the main thread does, in the middle of
another handler too. There a `threading.Event` waits for a lock that its own thread holds, for ever,
and a burst of signals piles handlers up until the stack is full. Here the interpreter itself writes
to the pipe (`signal.set_wakeup_fd`), and what it calls is a method of `dict`, in C: no step of ours
lies in between where another signal could come.
"""

import logging
import os
import select
import signal
import threading
import weakref
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from apscheduler.events import EVENT_JOB_MAX_INSTANCES, EVENT_JOB_MISSED
from apscheduler.schedulers.background import BackgroundScheduler

_AT_ONCE = 65_536


class Bell:
    """Rung by any thread and by signals, heard by the one that waits; one bell, one hearer."""

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
