"""Small reads through windows: the right bytes, and few requests."""

import hashlib
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from backup.restorer.trees import WINDOW, NearbyReads
from backup.stores.memory import MemoryStore

SIZE = 3 * WINDOW + 12_345
DATA = hashlib.shake_128(b"trees").digest(SIZE)


class CountingStore(MemoryStore):
    """Counts what is read."""

    def __init__(self) -> None:
        super().__init__()
        self.reads = 0

    def read(self, *arguments: Any, **more: Any) -> bytes:
        self.reads += 1
        return super().read(*arguments, **more)


def make_store() -> CountingStore:
    store = CountingStore()
    store.write("data/ab/pack", DATA)
    return store


@given(st.lists(st.tuples(st.integers(0, SIZE), st.integers(1, 2 * WINDOW)), max_size=8))
def test_every_range_has_its_bytes(ranges: list[tuple[int, int]]) -> None:
    nearby = NearbyReads(make_store())
    for offset, length in ranges:
        assert nearby.read("data/ab/pack", offset, length) == DATA[offset : offset + length]


def test_what_lies_together_is_read_once() -> None:
    store = make_store()
    nearby = NearbyReads(store)
    for offset in range(0, WINDOW, 1000):
        nearby.read("data/ab/pack", offset, 900)

    assert store.reads == 2  # the last range reaches into the second window


def test_what_went_wrong_is_read_anew() -> None:
    store = make_store()
    nearby = NearbyReads(store)
    nearby.read("data/ab/pack", 0, 10)
    nearby.forget("data/ab/pack")
    nearby.read("data/ab/pack", 0, 10)

    assert store.reads == 2
