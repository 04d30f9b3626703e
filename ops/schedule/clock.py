"""The seam to the machine's clocks."""

import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """Two clocks: one to name moments, one to measure with."""

    def now(self) -> datetime:
        """Give the wall clock's moment, aware, in UTC. It may jump either way."""

    def steady(self) -> float:
        """Give seconds since some fixed moment. Never goes back, counts while suspended."""


class SystemClock:
    """The machine's own clocks."""

    def now(self) -> datetime:
        """Give the wall clock's moment, aware, in UTC."""
        return datetime.now(UTC)

    def steady(self) -> float:
        """Give seconds since the machine started, suspension counted (CLOCK_BOOTTIME)."""
        return time.clock_gettime(time.CLOCK_BOOTTIME)


@dataclass(slots=True)
class JumpWatch:
    """Notices when the wall clock and the steady clock disagree about how long it has been.

    Attributes:
        clock: The clocks to compare.
        tolerance: Differences below this are the wall clock being trimmed.
    """

    clock: Clock
    tolerance: timedelta = timedelta(seconds=5)
    _wall: datetime = field(init=False)
    _steady: float = field(init=False)

    def __post_init__(self) -> None:
        self._wall, self._steady = self.clock.now(), self.clock.steady()

    def read_jump(self) -> timedelta:
        """Give how far the wall clock jumped since the last call; zero when it did not."""
        wall, steady = self.clock.now(), self.clock.steady()
        jump = (wall - self._wall) - timedelta(seconds=steady - self._steady)
        self._wall, self._steady = wall, steady
        return jump if abs(jump) > self.tolerance else timedelta(0)
