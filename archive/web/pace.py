"""How fast a site is asked: evenly, never faster than the estate and the site allow."""

import time
from collections.abc import Callable

_LONGEST, _NAP = 60.0, 0.5


class Pace:
    """Waits before each request.

    Args:
        a_minute: Requests, at most.
        is_stopping: Asked while it waits.

    Attributes:
        pause: Seconds between two requests by now.
    """

    def __init__(
        self, a_minute: float, is_stopping: Callable[[], bool] = lambda: False
    ) -> None:  # fmt: skip
        self._least, self._next_at, self._is_stopping = 60.0 / a_minute, 0.0, is_stopping
        self.pause = self._least

    def at_least(self, seconds: float) -> None:
        """Leave so much between two requests."""
        self._least = max(self._least, seconds)
        self.pause = max(self.pause, seconds)

    def slow_down(self) -> None:
        """Leave twice as much: the site is busy."""
        self.pause = min(_LONGEST, max(self.pause * 2, 0.05))

    def go_on(self) -> None:
        """Leave a little less after a good answer, so that a few bad pages cost no whole run."""
        self.pause = max(self._least, self.pause * 0.75)

    def wait(self) -> None:
        """Wait until the next request may begin, in short naps, so that a stop is heard."""
        while (left := self._next_at - time.monotonic()) > 0 and not self._is_stopping():
            time.sleep(min(left, _NAP))
        self._next_at = max(self._next_at, time.monotonic()) + self.pause
