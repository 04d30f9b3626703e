"""Every effect of a planned fault."""

from datetime import timedelta

import pytest

from backup.errors import StoreFullError, StoreUnavailableError
from backup.stores.faulty import Call, Effect, Fault, FaultyStore, Stopped, flip_bit
from backup.stores.memory import MemoryStore


def make_memory() -> MemoryStore:
    return MemoryStore({"data/a": b"aaaa", "data/b": b"bbbb", "snapshots/c": b"cccc"})


def test_calls_are_recorded_in_order() -> None:
    store = FaultyStore(make_memory())
    list(store.list("data"))
    store.size("data/a")
    store.read("data/a")
    store.write("new", b"")
    store.delete("new")

    assert store.calls == [
        Call("list", "data"),
        Call("size", "data/a"),
        Call("read", "data/a"),
        Call("write", "new"),
        Call("delete", "new"),
    ]


def test_a_stop_before_the_call_leaves_no_effect_and_ends_everything() -> None:
    memory = make_memory()
    store = FaultyStore(memory, [Fault(Effect.STOP_BEFORE, at=2)])
    store.write("one", b"1")
    with pytest.raises(Stopped):
        store.write("two", b"2")
    with pytest.raises(Stopped):
        store.read("one")
    with pytest.raises(Stopped):
        store.list("")

    assert store.is_stopped
    assert store.calls == [Call("write", "one"), Call("write", "two")]
    assert set(memory.objects()) == {"data/a", "data/b", "snapshots/c", "one"}


def test_a_stop_after_the_call_leaves_its_effect() -> None:
    memory = make_memory()
    store = FaultyStore(memory, [Fault(Effect.STOP_AFTER, at=1, method="delete")])
    store.write("one", b"1")
    with pytest.raises(Stopped):
        store.delete("one")
    with pytest.raises(Stopped):
        store.write("two", b"2")

    assert set(memory.objects()) == {"data/a", "data/b", "snapshots/c"}


def test_no_handler_of_errors_survives_a_stop() -> None:
    assert not issubclass(Stopped, Exception)


def test_a_failure_after_the_call_leaves_its_effect() -> None:
    memory = make_memory()
    store = FaultyStore(memory, [Fault(Effect.FAIL_AFTER)])
    with pytest.raises(StoreUnavailableError):
        store.delete("data/a")

    assert "data/a" not in memory.objects()


def test_a_fault_strikes_only_the_calls_it_counts() -> None:
    fault = Fault(Effect.FAIL_BEFORE, at=2, times=2, method="read", prefix="data/")
    store = FaultyStore(make_memory(), [fault])
    outcomes = []
    for key in ("data/a", "snapshots/c", "data/b", "data/a", "snapshots/c", "data/b"):
        store.size(key)
        try:
            store.read(key)
        except StoreUnavailableError:
            outcomes.append("failed")
        else:
            outcomes.append("read")

    assert outcomes == ["read", "read", "failed", "failed", "read", "read"]


def test_full_for_good() -> None:
    memory = make_memory()
    store = FaultyStore(memory, [Fault(Effect.FULL, method="write", at=2, times=None)])
    store.write("one", b"")
    for key in ("two", "three"):
        with pytest.raises(StoreFullError, match=f"cannot write {key}"):
            store.write(key, b"")

    assert store.read("data/a") == b"aaaa"
    assert {"two", "three"}.isdisjoint(memory.objects())


def test_one_bit_of_a_read_is_wrong_and_the_stored_bytes_are_right() -> None:
    memory = make_memory()
    store = FaultyStore(memory, [Fault(Effect.FLIP_BIT, method="read", position=9)])

    assert store.read("data/a") == b"a\x63aa"
    assert store.read("data/a") == b"aaaa"


@pytest.mark.parametrize(
    ("position", "expected"), [(0, b"\x01\x00"), (15, b"\x00\x80"), (16, b"\x01\x00")]
)
def test_bits_are_counted_from_the_lowest_of_the_first_byte(position: int, expected: bytes) -> None:
    assert flip_bit(b"\x00\x00", position) == expected
    assert flip_bit(b"", position) == b""


def test_a_short_read_gives_the_first_bytes() -> None:
    store = FaultyStore(make_memory(), [Fault(Effect.SHORT_READ, method="read", position=3)])

    assert store.read("data/a") == b"aaa"


def test_a_listing_lacks_or_doubles_an_entry() -> None:
    plan = [
        Fault(Effect.OMIT, at=1, method="list", position=1),
        Fault(Effect.DUPLICATE, at=2, method="list", position=2),
    ]
    store = FaultyStore(make_memory(), plan)

    assert [info.key for info in store.list("")] == ["data/a", "snapshots/c"]
    assert [info.key for info in store.list("")] == [
        "data/a",
        "data/b",
        "snapshots/c",
        "snapshots/c",
    ]
    assert len(list(store.list(""))) == 3


def test_an_empty_listing_has_nothing_to_omit() -> None:
    store = FaultyStore(MemoryStore(), [Fault(Effect.OMIT), Fault(Effect.DUPLICATE)])

    assert list(store.list("")) == []


def test_a_delay_lets_the_call_work() -> None:
    pauses: list[float] = []
    plan = [Fault(Effect.DELAY, delay=timedelta(seconds=7), method="read", times=None)]
    store = FaultyStore(make_memory(), plan, sleep=pauses.append)

    assert store.read("data/a") == b"aaaa"
    assert store.size("data/a") == 4
    assert pauses == [7]
