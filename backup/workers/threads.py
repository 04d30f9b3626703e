"""Doing the same with many things, several at a time where that helps."""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

Thing = TypeVar("Thing")
Result = TypeVar("Result")


def do_each(
    work: Callable[[Thing], Result], things: Iterable[Thing], *, threads: int
) -> Iterator[Result]:
    """Yield what comes of each, in order.

    Args:
        work: What to do.
        things: With what.
        threads: How many at once; 1 does one after the other in this thread.
    """
    if threads <= 1:
        yield from map(work, things)
        return
    with ThreadPoolExecutor(threads, "each") as pool:
        yield from pool.map(work, things)
