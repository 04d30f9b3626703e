"""Moments at an even pace: a late one makes the next no later, a missed one is left out."""

import math
import threading
import time
from collections.abc import Callable, Iterator


def tick(
    every: float, stop: threading.Event, *, clock: Callable[[], float] = time.monotonic
) -> Iterator[float]:
    """Yield at once and then every so many seconds, until `stop` is set.

    Args:
        every: Seconds.
        stop: Ends it, in the middle of a pause too.
        clock: Steady seconds.

    Yields:
        The moment that was due, by `clock`.
    """
    start, number = clock(), 0
    while not stop.is_set():
        yield start + number * every
        number = max(number + 1, math.ceil((clock() - start) / every))
        if stop.wait(max(start + number * every - clock(), 0)):
            return
