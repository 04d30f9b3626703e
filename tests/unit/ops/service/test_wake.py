"""The alarm rings at the moment it is set for, and can be moved; the bell hears signals."""

import os
import signal
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta

import pytest

from ops.service.loop import Alarm, Bell


@pytest.fixture
def alarm() -> Iterator[Alarm]:
    made = Alarm(Bell())
    yield made
    made.close()


def in_seconds(seconds: float) -> datetime:
    return datetime.now(UTC) + timedelta(seconds=seconds)


def test_it_rings_at_its_moment(alarm: Alarm) -> None:
    started = time.monotonic()
    alarm.set_for(in_seconds(0.2))

    assert alarm.bell.wait(60)
    assert time.monotonic() - started > 0.15


def test_it_rings_at_once_for_a_moment_that_has_passed(alarm: Alarm) -> None:
    alarm.set_for(in_seconds(-3600))

    assert alarm.bell.wait(60)


@pytest.mark.parametrize("to", [in_seconds(86_400), None], ids=["later", "never"])
def test_a_moved_alarm_does_not_ring_at_the_old_moment(to: datetime | None) -> None:
    for ahead in (0.15, 2, 60):  # a machine that is busy may move it too late
        with closing(Alarm(Bell())) as alarm:
            old = in_seconds(ahead)
            alarm.set_for(old)
            alarm.set_for(to)
            if datetime.now(UTC) < old:
                assert not alarm.bell.wait(ahead + 0.25)
                return
    pytest.fail("it could not be moved in time")


def test_a_bell_rings_once_however_often_it_was_rung_and_never_blocks() -> None:
    bell = Bell()
    for _ in range(100_000):
        bell.ring()

    assert bell.wait(0)
    assert not bell.wait(0)


def test_signals_ring_and_are_told_once() -> None:
    bell = Bell()
    before = signal.getsignal(signal.SIGHUP)
    with bell.hearing((signal.SIGHUP, signal.SIGCHLD)):
        for _ in range(100_000):
            bell.ring()
        os.kill(os.getpid(), signal.SIGHUP)

        assert bell.wait(0)
        assert bell.take_signals() == {signal.SIGHUP}
        assert bell.take_signals() == set()
    assert signal.getsignal(signal.SIGHUP) == before
