"""The alarm rings at the moment it is set for, and can be moved."""

import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from ops.service.wake import Alarm


@pytest.fixture
def alarm() -> Iterator[Alarm]:
    made = Alarm(threading.Event())
    yield made
    made.close()


def in_seconds(seconds: float) -> datetime:
    return datetime.now(UTC) + timedelta(seconds=seconds)


def test_it_rings_at_its_moment(alarm: Alarm) -> None:
    started = time.monotonic()
    alarm.set_for(in_seconds(0.2))

    assert alarm.wake.wait(5)
    assert 0.15 < time.monotonic() - started < 1.0


def test_it_rings_at_once_for_a_moment_that_has_passed(alarm: Alarm) -> None:
    alarm.set_for(in_seconds(-3600))

    assert alarm.wake.wait(2)


def test_a_moved_alarm_does_not_ring_at_the_old_moment(alarm: Alarm) -> None:
    alarm.set_for(in_seconds(0.15))
    alarm.set_for(in_seconds(3600))

    assert not alarm.wake.wait(0.4)


def test_an_alarm_for_never_does_not_ring(alarm: Alarm) -> None:
    alarm.set_for(in_seconds(0.15))
    alarm.set_for(None)

    assert not alarm.wake.wait(0.4)
