"""The retrying store over a store that fails as planned."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from backup.errors import (
    ObjectExistsError,
    ObjectNotFoundError,
    StoreFullError,
    StoreUnavailableError,
)
from backup.stores.base import Store
from backup.stores.faulty import Effect, Fault, FaultyStore, Stopped
from backup.stores.memory import MemoryStore
from backup.stores.retry import RetryingStore

CALLS: dict[str, Callable[[Store], object]] = {
    "list": lambda store: sorted(store.list("data")),
    "size": lambda store: store.size("data/old"),
    "read": lambda store: store.read("data/old", 1, 2),
    "write": lambda store: store.write("data/new", b"new"),
    "delete": lambda store: store.delete("data/old"),
}


class Setup:
    """A retrying store over a faulty one over a memory store, and the pauses it made."""

    def __init__(self, *plan: Fault, attempts: int = 4) -> None:
        self.memory = MemoryStore({"data/old": b"old"})
        self.faulty = FaultyStore(self.memory, plan)
        self.pauses: list[float] = []
        self.store = RetryingStore(
            self.faulty,
            attempts=attempts,
            first_pause=timedelta(seconds=1),
            longest_pause=timedelta(seconds=5),
            sleep=self.pauses.append,
            spread=lambda: 1.0,
        )


@pytest.mark.parametrize("effect", [Effect.FAIL_BEFORE, Effect.FAIL_AFTER])
@pytest.mark.parametrize("method", CALLS)
def test_a_call_that_fails_in_passing_is_repeated(method: str, effect: Effect) -> None:
    undisturbed = Setup()
    expected = CALLS[method](undisturbed.store)
    disturbed = Setup(Fault(effect))

    assert CALLS[method](disturbed.store) == expected
    assert disturbed.memory.objects() == undisturbed.memory.objects()
    assert disturbed.pauses == [1]


@pytest.mark.parametrize("method", CALLS)
def test_when_the_attempts_are_used_up_the_error_tells_their_number(method: str) -> None:
    setup = Setup(Fault(Effect.FAIL_BEFORE, times=None))
    with pytest.raises(StoreUnavailableError) as caught:
        CALLS[method](setup.store)

    assert ("why", "(4 tries)") in caught.value.lines()
    assert len([call for call in setup.faulty.calls if call.method == method]) == 4
    assert setup.memory.objects() == {"data/old": b"old"}


def test_a_call_may_fail_as_often_as_there_are_attempts_but_one() -> None:
    setup = Setup(Fault(Effect.FAIL_BEFORE, times=3))

    assert setup.store.read("data/old") == b"old"
    assert len(setup.faulty.calls) == 4


def test_pauses_double_up_to_the_longest() -> None:
    setup = Setup(Fault(Effect.FAIL_BEFORE, times=None), attempts=6)
    with pytest.raises(StoreUnavailableError):
        setup.store.size("data/old")

    assert setup.pauses == [1, 2, 4, 5, 5]


def test_pauses_are_spread() -> None:
    pauses: list[float] = []
    numbers = iter([0.0, 0.5, 1.0])
    store = RetryingStore(
        FaultyStore(MemoryStore(), [Fault(Effect.FAIL_BEFORE, times=None)]),
        attempts=4,
        first_pause=timedelta(seconds=1),
        sleep=pauses.append,
        spread=lambda: next(numbers),
    )
    with pytest.raises(StoreUnavailableError):
        store.size("key")

    assert pauses == [0.5, 1.5, 4.0]


def test_permanent_errors_pass_at_once() -> None:
    setup = Setup(Fault(Effect.FULL, method="write"))
    with pytest.raises(StoreFullError):
        setup.store.write("data/new", b"new")
    with pytest.raises(ObjectNotFoundError):
        setup.store.read("data/missing")
    with pytest.raises(ObjectNotFoundError):
        setup.store.delete("data/missing")
    with pytest.raises(ObjectExistsError):
        setup.store.write("data/old", b"old")

    assert setup.pauses == []


def test_a_repeated_write_that_finds_other_bytes_is_refused() -> None:
    setup = Setup(Fault(Effect.FAIL_BEFORE, method="write"))
    with pytest.raises(ObjectExistsError):
        setup.store.write("data/old", b"OLD")

    assert setup.memory.objects() == {"data/old": b"old"}


def test_a_write_whose_every_answer_was_lost_is_done_if_the_bytes_are_there() -> None:
    setup = Setup(Fault(Effect.FAIL_AFTER, method="write", times=None), attempts=1)
    setup.store.write("data/new", bytearray(b"new"))

    assert setup.memory.read("data/new") == b"new"


def test_a_listing_that_failed_is_not_given_twice() -> None:
    setup = Setup(Fault(Effect.FAIL_AFTER, method="list"))

    assert [info.key for info in setup.store.list("")] == ["data/old"]


def test_the_death_of_the_process_is_not_repeated() -> None:
    setup = Setup(Fault(Effect.STOP_BEFORE))
    with pytest.raises(Stopped):
        setup.store.size("data/old")

    assert len(setup.faulty.calls) == 1
