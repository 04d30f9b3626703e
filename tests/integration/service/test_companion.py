"""The watch is started, started again when it ends, more patiently each time, and ended."""

import os
import sys
import time
from collections.abc import Callable
from itertools import pairwise

import pytest

from ops.service.serve import Companion

LIVES = (sys.executable, "-c", "import signal; signal.pause()")
SECONDS = 120.0


class Clock:
    """Steady seconds that the test lets pass."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def await_that(is_so: Callable[[], bool]) -> None:
    ends = time.monotonic() + SECONDS
    while not is_so():
        assert time.monotonic() < ends
        time.sleep(0.01)


def lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_what_ends_at_once_is_started_again_after_longer_and_longer_pauses(clock: Clock) -> None:
    child = Companion("watch", command=("sh", "-c", "exit 3"), clock=clock)
    starts, last = [], None
    for _ in range(60_000):
        child.look()
        if child.pid is not None and child.pid != last:
            starts.append(clock.now - 1000.0)
            last = child.pid
        if child.pid is not None:
            await_that(lambda: _look_at_end(child))
        clock.now += 0.5
        if len(starts) == 5:
            break
    pauses = [after - before for before, after in pairwise(starts)]

    assert pauses == [1.5, 2.5, 4.5, 8.5]  # 1, 2, 4, 8 seconds, seen at the next half second
    child.close()


def _look_at_end(child: Companion) -> bool:
    process = child._process
    return process is None or process.poll() is not None


def test_what_ran_long_is_started_again_at_once(clock: Clock) -> None:
    child = Companion("watch", command=LIVES, clock=clock)
    child.look()
    first = child.pid
    assert first is not None
    clock.now += 3600
    os.kill(first, 9)
    await_that(lambda: _look_at_end(child))
    child.look()
    assert child.pid not in {None, first}
    child.close()


def test_it_is_ended_renewed_and_left_alone(clock: Clock) -> None:
    child = Companion("watch", command=LIVES, clock=clock)
    child.look()
    first = child.pid
    child.look()
    assert first is not None
    assert child.pid == first
    child.renew(is_wanted=True)
    assert not lives(first)
    child.look()
    second = child.pid
    assert second not in {None, first}
    child.renew(is_wanted=False)
    child.look()
    assert child.pid is None
    assert second is not None
    assert not lives(second)
    child.close()
