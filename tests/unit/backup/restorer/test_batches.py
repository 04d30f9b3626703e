"""Orders of a restore: files that begin in one pack go together, and none is left behind."""

from collections.abc import Sequence

import pytest

from backup.restorer.batches import MOST_BYTES, Batches
from backup.restorer.metadata import Metadata
from backup.restorer.orders import FilesOrder, Order, PartOrder, Piece

NOTHING = Metadata(0, 0, 0, 0, 0, ())


def key_of(pack: int) -> str:
    return f"data/{pack}"


def piece(pack: int, offset: int, length: int = 100) -> Piece:
    return pack, offset, length, 0, b"%32d" % (pack * 1000 + offset)


def cut(
    files: Sequence[tuple[bytes, tuple[Piece, ...], int]], most_bytes: int = MOST_BYTES
) -> list[FilesOrder]:
    orders: list[Order] = []
    batches = Batches(key_of, orders.append, most_bytes=most_bytes)
    for name, pieces, size in files:
        batches.add(b"f", name, "create", size, NOTHING, pieces, inherits=False)
    batches.flush()
    return [order for order in orders if isinstance(order, FilesOrder)]


def test_files_that_lie_in_packs_by_turns_are_read_pack_by_pack() -> None:
    files = [(b"%03d" % at, (piece(at % 3, at),), 100) for at in range(60)]
    orders = cut(files)
    assert [list(order.packs) for order in orders] == [[0], [1], [2]]
    assert sorted(file.name for order in orders for file in order.files) == [it[0] for it in files]
    assert all(order.folders == [(b"f", False)] for order in orders)


def test_every_pack_of_a_file_is_named_to_who_writes_it() -> None:
    (order,) = cut([(b"a", (piece(1, 0), piece(2, 0)), 200), (b"b", (piece(1, 100),), 100)])
    assert order.packs == {1: "data/1", 2: "data/2"}


@pytest.mark.parametrize(("most_bytes", "expected"), [(1000, 6), (3000, 2)])
def test_an_order_is_full_at_so_many_bytes(most_bytes: int, expected: int) -> None:
    files = [(b"%03d" % at, (piece(0, at),), 100) for at in range(60)]
    assert len(cut(files, most_bytes)) == expected


def test_files_of_very_many_packs_and_empty_ones_are_all_given_away() -> None:
    files = [(b"%03d" % at, (piece(at, 0),) if at else (), 100) for at in range(100)]
    names = [file.name for order in cut(files) for file in order.files]
    assert sorted(names) == [it[0] for it in files]


def test_parts_of_a_large_file_follow_one_another() -> None:
    orders: list[PartOrder] = []
    pieces = tuple(piece(at % 2, at, 132) for at in range(10))
    batches = Batches(key_of, lambda _: None, most_bytes=300)
    orders += batches.split(b"f", b"big", pieces)
    assert [order.offset for order in orders] == [0, 300, 600, 900]
    assert sum((order.pieces for order in orders), ()) == pieces
