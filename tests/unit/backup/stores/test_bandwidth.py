"""The limited store, by a clock that only its own pauses move."""

import pytest

from backup.stores.bandwidth import Allowance, LimitedStore
from backup.stores.memory import MemoryStore


class Clock:
    """Stands still but for `sleep`."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def test_the_rate_holds_over_many_objects() -> None:
    clock = Clock()
    store = LimitedStore(MemoryStore(), upload_bytes_per_second=100, clock=clock, sleep=clock.sleep)
    for number in range(50):
        store.write(f"data/{number}", bytes(70))

    # One second's worth was saved up at the start.
    assert clock.now - 1000 == pytest.approx(50 * 70 / 100 - 1)


def test_one_object_larger_than_a_second_s_worth_passes_at_the_rate() -> None:
    clock = Clock()
    allowance = Allowance(100, clock=clock, sleep=clock.sleep)
    allowance.take(1000)

    assert clock.now - 1000 == pytest.approx(9)


def test_an_idle_hour_saves_up_one_second_only() -> None:
    clock = Clock()
    allowance = Allowance(100, clock=clock, sleep=clock.sleep)
    allowance.take(100)
    clock.now += 3600
    before = clock.now
    allowance.take(300)

    assert clock.now - before == pytest.approx(2)


def test_upload_and_download_are_limited_apart() -> None:
    clock = Clock()
    store = LimitedStore(
        MemoryStore(), download_bytes_per_second=10, clock=clock, sleep=clock.sleep
    )
    store.write("data/a", bytes(1000))
    assert clock.now == 1000

    store.read("data/a")
    assert clock.now - 1000 == pytest.approx(99)

    store.read("data/a", 5, 20)
    assert clock.now - 1000 == pytest.approx(101)


def test_a_lock_never_waits_but_is_charged() -> None:
    clock = Clock()
    memory = MemoryStore()
    store = LimitedStore(memory, upload_bytes_per_second=10, clock=clock, sleep=clock.sleep)
    store.write("locks/a", bytes(500))
    assert clock.now == 1000

    store.write("data/a", bytes(10))
    assert clock.now - 1000 == pytest.approx(50)
    assert memory.size("locks/a") == 500


def test_without_a_limit_nothing_waits() -> None:
    clock = Clock()
    store = LimitedStore(MemoryStore(), clock=clock, sleep=clock.sleep)
    store.write("data/a", bytes(10**6))
    store.read("data/a")

    assert clock.now == 1000


@pytest.mark.parametrize("rate", [0, -1])
def test_a_rate_that_lets_nothing_through_is_refused(rate: int) -> None:
    with pytest.raises(ValueError, match="lets nothing through"):
        Allowance(rate)
