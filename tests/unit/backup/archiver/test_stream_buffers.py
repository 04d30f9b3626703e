"""The buffers of large files: never overwritten while somebody reads them, never lost."""

# ruff: noqa: PLW0108 -- these lambdas look up what is there when they are called

import random
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backup.archiver.stream_buffers import ChunkRing, Parts, group_pieces

SIZE = 4 << 20


def make_ring(count: int, wait: Callable[[], object]) -> ChunkRing:
    return ChunkRing([memoryview(bytearray(SIZE)) for _ in range(count)], wait)


def fail() -> None:
    raise AssertionError("it would wait for ever")


def test_what_is_carried_begins_the_next_buffer() -> None:
    ring = make_ring(2, fail)
    ring.advance(b"carried")
    assert bytes(ring.view[: ring.filled]) == b"carried"
    assert ring.current == 1


def test_a_buffer_with_room_is_kept_and_a_nearly_full_one_is_left() -> None:
    ring = make_ring(2, fail)
    ring.filled = SIZE - (1 << 20)
    ring.make_room()
    assert (ring.current, ring.filled) == (0, SIZE - (1 << 20))
    ring.filled += 1
    ring.make_room()
    assert (ring.current, ring.filled) == (1, 0)


def test_a_buffer_that_is_read_is_not_given_out() -> None:
    releases: list[Callable[[], None]] = []
    ring = make_ring(2, lambda: releases.pop(0)())
    releases.append(ring.use())
    ring.advance(b"")
    releases.append(ring.use())
    ring.advance(b"")
    assert ring.current == 0
    assert len(releases) == 1, "it waited for the first buffer alone"


def test_the_buffer_that_was_just_filled_may_be_the_first_to_become_free() -> None:
    """Answers come in any order; this one used to lose the buffer, and in the end to hang."""
    ring = make_ring(2, lambda: latest())
    ring.use()
    ring.advance(b"")
    latest = ring.use()
    ring.advance(b"")
    assert ring.current == 1


def test_every_user_has_to_let_go() -> None:
    releases: list[Callable[[], None]] = []
    ring = make_ring(2, lambda: releases.pop()())
    first = ring.use()
    releases.append(ring.use())
    ring.advance(b"")
    releases.append(ring.use())
    ring.advance(b"")
    assert ring.current == 1
    first()


@given(st.integers(2, 4), st.integers(0, 2**32))
def test_no_buffer_is_ever_lost_or_given_out_twice(count: int, seed: int) -> None:
    chance = random.Random(seed)
    users: list[tuple[int, Callable[[], None]]] = []

    def wait() -> None:
        assert users, "nobody is left to wait for"
        users.pop(chance.randrange(len(users)))[1]()

    ring = make_ring(count, wait)
    for _ in range(60):
        users += [(ring.current, ring.use()) for _ in range(chance.randrange(3))]
        if users and chance.random() < 0.3:
            wait()
        ring.advance(b"")
        assert ring.current not in {slot for slot, _ in users}


def test_parts_come_in_any_order_and_are_told_in_theirs() -> None:
    told: list[tuple[bytes, int]] = []
    parts = Parts(lambda ids, length: told.append((ids, length)))
    places = [parts.expect(length) for length in (5, 7, 11)]
    parts.arrive(places[2], b"c")
    parts.arrive(places[0], b"a")
    parts.close()
    assert told == []
    parts.arrive(places[1], b"b")
    assert told == [(b"abc", 23)]


def test_a_stream_of_nothing_is_told_at_once() -> None:
    told: list[tuple[bytes, int]] = []
    Parts(lambda ids, length: told.append((ids, length))).close()
    assert told == [(b"", 0)]


def test_parts_that_all_came_before_the_end_are_told_at_the_end() -> None:
    told: list[tuple[bytes, int]] = []
    parts = Parts(lambda ids, length: told.append((ids, length)))
    parts.arrive(parts.expect(1), b"a")
    assert told == []
    parts.close()
    assert told == [(b"a", 1)]


@pytest.mark.parametrize(
    ("pieces", "groups"),
    [
        ([], []),
        ([(0, 30)], [[(0, 30)]]),
        ([(0, 4), (4, 8), (8, 12)], [[(0, 4), (4, 8)], [(8, 12)]]),
        ([(0, 4), (4, 40), (40, 41)], [[(0, 4)], [(4, 40)], [(40, 41)]]),
    ],
)
def test_pieces_are_grouped_in_order(
    pieces: list[tuple[int, int]], groups: list[list[tuple[int, int]]]
) -> None:
    assert list(group_pieces(pieces, 10)) == groups
