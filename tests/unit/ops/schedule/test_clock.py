"""The two clocks, and how a jump between them is noticed."""

from datetime import UTC, datetime, timedelta

import pytest

from ops.schedule.clock import Clock, JumpWatch, SystemClock
from tests.frozen_clock import FrozenClock

MOMENT = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize("clock", [SystemClock(), FrozenClock(MOMENT)])
def test_every_clock_tells_aware_utc_and_never_measures_backwards(clock: Clock) -> None:
    first, second = clock.steady(), clock.steady()

    assert clock.now().tzinfo is UTC
    assert second >= first


@pytest.mark.parametrize("jump", [timedelta(days=-1), timedelta(hours=7), timedelta(minutes=1)])
def test_a_jump_is_told_once(jump: timedelta) -> None:
    clock = FrozenClock(MOMENT)
    watch = JumpWatch(clock)
    clock.advance(timedelta(hours=3))
    clock.jump(jump)

    assert [watch.read_jump(), watch.read_jump()] == [jump, timedelta(0)]


def test_time_that_passes_and_small_trims_are_no_jump() -> None:
    clock = FrozenClock(MOMENT)
    watch = JumpWatch(clock)
    clock.advance(timedelta(days=30))
    clock.jump(timedelta(seconds=2))

    assert watch.read_jump() == timedelta(0)
