"""Which blobs a run has met: the same answers as a set, in every process that maps the memory."""

import hashlib
import os
import random
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backup.archiver.known_blobs import Claims, LocalClaims, SharedClaims


@pytest.fixture
def shared() -> Iterator[SharedClaims]:
    claims = SharedClaims.create()
    yield claims
    claims.close()


def some_ids(count: int) -> list[bytes]:
    return [hashlib.sha256(b"%d" % number).digest() for number in range(count)]


def odd_ids() -> st.SearchStrategy[bytes]:
    """Ids of one bucket, many of which end in zeros."""
    return st.builds(
        lambda head, tail: (bytes([head]) + bytes(7) + tail).ljust(32, b"\0"),
        st.integers(0, 1),
        st.binary(min_size=16, max_size=24).filter(any),
    )


@given(st.lists(odd_ids(), max_size=80), st.booleans())
def test_answers_are_those_of_a_set(ids: list[bytes], is_shared: bool) -> None:
    claims: Claims = SharedClaims.create() if is_shared else LocalClaims()
    met: set[bytes] = set()
    try:
        for each in ids:
            assert claims.add(each) == (each not in met)
            met.add(each)
        assert not any(claims.add(each) for each in met)
    finally:
        if isinstance(claims, SharedClaims):
            claims.close()


def test_segments_overflow_into_bigger_ones(shared: SharedClaims) -> None:
    ids = some_ids(150_000)  # the first segment has room for 65 536
    assert all(map(shared.add, ids))
    assert not any(map(shared.add, ids))


def test_memory_is_taken_only_as_it_fills(shared: SharedClaims) -> None:
    assert os.fstat(shared.descriptor).st_blocks == 0
    for each in some_ids(1000):
        shared.add(each)
    assert os.fstat(shared.descriptor).st_blocks * 512 < 8 << 20


def test_another_map_sees_the_same(shared: SharedClaims) -> None:
    other = SharedClaims(os.dup(shared.descriptor))
    ids = some_ids(100)
    random.Random(1).shuffle(ids)
    for number, each in enumerate(ids):
        (shared if number % 2 else other).add(each)
    assert not any(shared.add(each) or other.add(each) for each in ids)
    other.close()
