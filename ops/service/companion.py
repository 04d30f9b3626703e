"""Keep a process beside the service running: start it, start it again when it ends, end it."""

import logging
import os
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

from ops.service.worker_pool import worker_environment

log = logging.getLogger(__name__)

_FIRST_PAUSE, _LONGEST_PAUSE = 1.0, 300.0
_STEADY_SECONDS = 600.0
"""What ran so long is started again at once when it ends."""

WATCH, OFFICE = "ops.service.watch_process", "ops.service.office_process"


def module_command(module: str) -> tuple[str, ...]:
    """Give the command that runs one of our modules, whatever folder somebody stands in."""
    return sys.executable, "-P", "-m", module


@dataclass(slots=True)
class Companion:
    """A process beside the service, looked after from the service's main thread.

    Its life is tied to that thread's.

    Attributes:
        name: Of what it does, for the log.
        command: What is started; the service's process id is added.
        is_wanted: Whether the estate wants it.
        stop_seconds: How long it may take to end.
        clock: Steady seconds.
    """

    name: str
    command: tuple[str, ...]
    is_wanted: bool = True
    stop_seconds: float = 6.0
    clock: Callable[[], float] = time.monotonic
    _process: "subprocess.Popen[bytes] | None" = field(init=False, default=None)
    _started: float = field(init=False, default=0.0)
    _pause: float = field(init=False, default=0.0)
    _not_before: float = field(init=False, default=float("-inf"))

    @property
    def pid(self) -> int | None:
        """Its process id; None while there is none."""
        return self._process.pid if self._process else None

    def look(self) -> None:
        """Start it where it does not run and its pause is over; returns at once."""
        if self._process is not None and self._process.poll() is not None:
            self._note_end(self._process.returncode)
        if not self.is_wanted:
            self.close()
        if self._process is None and self.is_wanted and self.clock() >= self._not_before:
            self._started = self.clock()
            self._process = subprocess.Popen(
                [*self.command, str(os.getpid())],
                stdin=subprocess.DEVNULL,
                start_new_session=True,
                env=worker_environment(),
            )

    def renew(self, *, is_wanted: bool) -> None:
        """End it, so that the next look starts it with the estate as it is now, if at all."""
        self.is_wanted = is_wanted
        self.close()
        self._pause, self._not_before = 0.0, float("-inf")

    def close(self) -> None:
        """End it, and what it started there with its lines."""
        if self._process is None:
            return
        self._process.terminate()
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(self.stop_seconds)
        self._process.kill()
        self._process.wait()
        self._process = None

    def _note_end(self, status: int) -> None:
        self._process = None
        ran = self.clock() - self._started
        self._pause = (
            0.0
            if ran > _STEADY_SECONDS
            else min(max(self._pause * 2, _FIRST_PAUSE), _LONGEST_PAUSE)
        )
        self._not_before = self.clock() + self._pause
        fields = {
            "name": self.name,
            "status": status,
            "ran": round(ran, 1),
            "again_in": self._pause,
        }
        log.warning("companion-ended", extra={"fields": fields})
