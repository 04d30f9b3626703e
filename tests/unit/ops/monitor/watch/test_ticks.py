"""An even pace whatever a turn takes."""

import threading

from ops.monitor.watch import tick


class Clock(threading.Event):
    """Steady seconds that pass only while somebody waits, or works."""

    def __init__(self, ends: float) -> None:
        super().__init__()
        self.now = 100.0
        self.ends = ends

    def read(self) -> float:
        return self.now

    def wait(self, timeout: float | None = None) -> bool:
        self.now += timeout or 0.0
        return self.now >= self.ends


def run(works: list[float], ends: float = 1e9) -> list[float]:
    clock = Clock(ends)
    began = []
    for due, work in zip(tick(60.0, clock, clock=clock.read), works, strict=False):
        began.append(clock.now - 100.0)
        assert due - 100.0 == began[-1]
        clock.now += work
    return began


def test_turns_do_not_drift() -> None:
    assert run([1.0, 59.0, 0.0, 30.5, 60.0, 1.0]) == [0.0, 60.0, 120.0, 180.0, 240.0, 300.0]


def test_a_turn_that_takes_too_long_leaves_others_out() -> None:
    assert run([61.0, 1.0, 300.0, 1.0]) == [0.0, 120.0, 180.0, 480.0]


def test_it_ends_in_the_middle_of_a_pause_and_before_the_first_turn() -> None:
    assert run([1.0] * 10, ends=130.0) == [0.0]
    clock = Clock(1e9)
    clock.set()
    assert list(tick(60.0, clock)) == []
