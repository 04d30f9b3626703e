"""The clock seam: what time it is, and how long something took."""

import time
from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """Wall time and a monotonic counter that no clock jump moves."""

    def now(self) -> datetime:
        """Give the wall time, aware, in the local offset."""
        ...

    def monotonic(self) -> float:
        """Give seconds since some fixed moment; also counts while the machine sleeps."""
        ...

    def sleep(self, duration: timedelta) -> None:
        """Wait."""
        ...


class SystemClock:
    """The machine's own clock."""

    def now(self) -> datetime:
        """Give the wall time in the local offset."""
        return datetime.now(UTC).astimezone()

    def monotonic(self) -> float:
        """Give seconds since boot."""
        return time.clock_gettime(time.CLOCK_BOOTTIME)

    def sleep(self, duration: timedelta) -> None:
        """Wait."""
        time.sleep(duration.total_seconds())


SYSTEM_CLOCK = SystemClock()
