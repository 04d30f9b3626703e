"""A clock for tests: waiting takes no time, but moves it on."""

from datetime import UTC, datetime, timedelta


class InstantClock:
    """Starts at a fixed moment and only moves when somebody sleeps."""

    def __init__(self) -> None:
        self._now = datetime(2026, 11, 24, 1, 3, tzinfo=UTC)
        self._slept = timedelta(0)

    def now(self) -> datetime:
        return self._now + self._slept

    def monotonic(self) -> float:
        return self._slept.total_seconds()

    def sleep(self, duration: timedelta) -> None:
        self._slept += duration
