import os

import pytest

from backup.check.pack_reader import SoundPacks
from backup.format.pack import BlobType, FinishedPack, encode_header
from tests.small_repository import SmallRepository, id_of

WINDOWS = (1, 150, 1 << 32)


def make_pack() -> tuple[SmallRepository, FinishedPack]:
    made = SmallRepository()
    texts = [os.urandom(100), b"short", b"", b"long " * 200, os.urandom(3)]
    return made, made.add_pack([(BlobType.DATA, text) for text in texts])


class Bytes:
    """A pack that notes how it is read."""

    def __init__(self, content: bytes) -> None:
        self.content = content
        self.ranges: list[tuple[int, int]] = []

    def read(self, offset: int, length: int | None) -> bytes:
        piece = self.content[offset : None if length is None else offset + length]
        self.ranges.append((offset, len(piece)))
        return piece


def is_sound(made: SmallRepository, pack: FinishedPack, content: bytes, window: int) -> bool:
    prover = SoundPacks(made.repository.key, window_bytes=window)
    return prover.is_sound(pack.id, encode_header(pack.blobs), Bytes(content).read)


@pytest.mark.parametrize("window", WINDOWS)
def test_each_byte_is_read_once_in_order(window: int) -> None:
    made, pack = make_pack()
    pack_bytes = Bytes(bytes(pack.data))
    prover = SoundPacks(made.repository.key, window_bytes=window)

    assert prover.is_sound(pack.id, encode_header(pack.blobs), pack_bytes.read)
    ends = [offset + length for offset, length in pack_bytes.ranges]
    assert [offset for offset, _ in pack_bytes.ranges] == [0, *ends[:-1]]
    assert ends[-1] == len(pack.data)
    assert (len(ends) == 1) == (window == 1 << 32)


@pytest.mark.parametrize("window", WINDOWS)
def test_no_flipped_bit_escapes(window: int) -> None:
    made, pack = make_pack()

    for position in range(len(pack.data)):
        spoilt = bytearray(pack.data)
        spoilt[position] ^= 1 << position % 8

        assert not is_sound(made, pack, bytes(spoilt), window)


@pytest.mark.parametrize("window", WINDOWS)
def test_no_missing_or_added_byte_escapes(window: int) -> None:
    made, pack = make_pack()
    content = bytes(pack.data)

    for changed in (content[:-1], content[:50], b"", content + b"\0", b"\0" + content):
        assert not is_sound(made, pack, changed, window)


def test_each_proof_is_needed() -> None:
    """A pack whose own hash and seals are right, but which is not what the index says."""
    made, pack = make_pack()
    prover = SoundPacks(made.repository.key, window_bytes=1 << 20)
    read = Bytes(bytes(pack.data)).read
    first, *rest = pack.blobs

    for blobs in (
        [first._replace(id=id_of(b"other")), *rest],
        [first._replace(type=BlobType.TREE), *rest],
        [first._replace(uncompressed_length=first.uncompressed_length + 1), *rest],
        rest,
        pack.blobs[:-1],
        [],
    ):
        assert not prover.is_sound(pack.id, encode_header(blobs), read)


def test_an_empty_header_is_no_reason_to_say_yes() -> None:
    made, pack = make_pack()
    prover = SoundPacks(made.repository.key, window_bytes=1)

    assert not prover.is_sound(id_of(b""), b"", Bytes(bytes(pack.data)).read)
