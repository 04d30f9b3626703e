"""Where large files are cut: the same places with every version of the cutter, for ever.

If a golden test fails after an upgrade, do not change the numbers: a repository would store every
large file again. Stay with the old cutter.
"""

import random
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backup.archiver.chunker import LARGEST, SMALLEST, Chunker

POLYNOMIAL = 0x3D8DCC0C2C005D
GOLDEN = {
    POLYNOMIAL: [
        2856765, 3678275, 5191318, 6339536, 8123226, 9578673, 11387387, 13242652, 15121687,
        16101551, 17335945, 18167101, 19383012, 20442340, 24028478, 25165824,
    ],
    0x2D51AD18D9A2F9: [
        1186949, 1766856, 2941666, 5550394, 7750041, 8297301, 9706835, 11573380, 12727995,
        13312936, 14842545, 16012305, 17436815, 18825992, 19846682, 20913203, 21501123, 22865538,
        25165824,
    ],
}  # fmt: skip


@pytest.fixture(scope="module")
def data() -> bytes:
    made = random.Random(20261124).randbytes(24 << 20)
    assert zlib.crc32(made) == 3591996899, "the generator gives other bytes"
    return made


@pytest.mark.parametrize("polynomial", GOLDEN)
def test_cut_points_are_those_of_all_earlier_versions(data: bytes, polynomial: int) -> None:
    cuts = list(Chunker(polynomial).cut(data, last=True))
    assert [end for _, end in cuts] == GOLDEN[polynomial]
    assert [start for start, _ in cuts] == [0, *GOLDEN[polynomial][:-1]]
    assert all(SMALLEST <= end - start <= LARGEST for start, end in cuts[:-1])


@settings(max_examples=12, deadline=None)
@given(pieces=st.lists(st.integers(1, 9 << 20), min_size=1, max_size=6))
def test_how_a_stream_is_read_does_not_matter(data: bytes, pieces: list[int]) -> None:
    chunker = Chunker(POLYNOMIAL)
    buffer, at, cut_at, ends = b"", 0, 0, []
    sizes = iter([*pieces, len(data)])
    while at < len(data):
        piece = data[at : at + next(sizes)]
        at += len(piece)
        buffer += piece
        used = 0
        for _, used in chunker.cut(buffer, last=at == len(data)):
            ends.append(cut_at + used)
        buffer, cut_at = buffer[used:], cut_at + used
    assert ends == GOLDEN[POLYNOMIAL]


def test_equal_bytes_are_cut_at_the_largest_size() -> None:
    zeros = bytes(3 * LARGEST + 5)
    ends = [end for _, end in Chunker(POLYNOMIAL).cut(zeros, last=True)]
    assert ends == [LARGEST, 2 * LARGEST, 3 * LARGEST, 3 * LARGEST + 5]
    assert [end for _, end in Chunker(POLYNOMIAL).cut(zeros[: 2 * LARGEST], last=False)] == [
        LARGEST,
        2 * LARGEST,
    ]


@pytest.mark.parametrize("size", [0, 1, SMALLEST - 1, SMALLEST])
def test_short_ends(size: int) -> None:
    assert list(Chunker(POLYNOMIAL).cut(bytes(size), last=True)) == ([(0, size)] if size else [])
    assert list(Chunker(POLYNOMIAL).cut(bytes(size), last=False)) == []
