"""Packs and their headers."""

import hashlib
import os
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backup.errors import DamagedError
from backup.format.crypto import OVERHEAD, Envelope, generate_master_key
from backup.format.pack import (
    MOST_BLOBS,
    TARGET_SIZE,
    BlobType,
    PackBuilder,
    PackedBlob,
    decode_header,
    encode_header,
    header_length,
    header_overhead,
    read_header,
)

ENVELOPE = Envelope(generate_master_key())
blob_rows = st.lists(
    st.tuples(
        st.binary(min_size=32, max_size=32),
        st.sampled_from(BlobType),
        st.integers(OVERHEAD, 2**20),
        st.integers(0, 2**32 - 1),
    ),
    max_size=20,
)


def in_order(rows: list[tuple[bytes, BlobType, int, int]]) -> list[PackedBlob]:
    blobs, offset = [], 0
    for blob_id, blob_type, length, plain in rows:
        blobs.append(PackedBlob(blob_id, blob_type, offset, length, plain))
        offset += length
    return blobs


@given(blob_rows)
def test_headers_come_back(rows: list[tuple[bytes, BlobType, int, int]]) -> None:
    blobs = in_order(rows)
    header = encode_header(blobs)
    assert decode_header(header) == blobs
    assert len(header) == sum(header_overhead(bool(blob.uncompressed_length)) for blob in blobs)


def test_the_bytes_of_a_header_are_those_of_the_format() -> None:
    ids = [bytes([number]) * 32 for number in range(4)]
    header = encode_header(
        [
            PackedBlob(ids[0], BlobType.DATA, 0, 33, 0),
            PackedBlob(ids[1], BlobType.TREE, 33, 34, 0),
            PackedBlob(ids[2], BlobType.DATA, 67, 0x01020304, 5),
            PackedBlob(ids[3], BlobType.TREE, 67, 36, 0xFFFFFFFF),
        ]
    )
    assert header == (
        b"\x00\x21\x00\x00\x00" + ids[0]
        + b"\x01\x22\x00\x00\x00" + ids[1]
        + b"\x02\x04\x03\x02\x01\x05\x00\x00\x00" + ids[2]
        + b"\x03\x24\x00\x00\x00\xff\xff\xff\xff" + ids[3]
    )  # fmt: skip


@pytest.mark.parametrize("kind", [4, 5, 6, 7, 255])
def test_unknown_types_are_damage(kind: int) -> None:
    with pytest.raises(DamagedError):
        decode_header(bytes([kind]) + bytes(40))


@pytest.mark.parametrize("length", [1, 36, 38, 73])
def test_a_header_cut_off_is_damage(length: int) -> None:
    with pytest.raises(DamagedError):
        decode_header(bytes(length))


def build(blobs: list[bytes]) -> tuple[bytes, list[PackedBlob]]:
    builder = PackBuilder()
    for plaintext in blobs:
        blob_id = hashlib.sha256(plaintext).digest()
        builder.add(blob_id, BlobType.DATA, ENVELOPE.seal(plaintext), 0)
    pack = builder.finish(ENVELOPE)
    assert pack.id == hashlib.sha256(pack.data).digest()
    return bytes(pack.data), pack.blobs


def test_a_pack_tells_what_it_holds_and_where() -> None:
    texts = [b"", b"a", b"bc" * 1000]
    data, blobs = build(texts)
    assert read_header(data, ENVELOPE) == blobs
    for text, blob in zip(texts, blobs, strict=True):
        assert ENVELOPE.open(data[blob.offset : blob.offset + blob.length]) == text
        assert blob.plaintext_length == len(text)
    tail = data[-(header_length(data) + 4) :]
    assert read_header(tail, ENVELOPE) == blobs


def test_packs_of_one_builder_do_not_disturb_each_other() -> None:
    builder = PackBuilder()
    packs = []
    for number in range(3):
        text = b"%d" % number * 1000
        builder.add(hashlib.sha256(text).digest(), BlobType.DATA, ENVELOPE.seal(text), 0)
        pack = builder.finish(ENVELOPE)
        packs.append(pack)
        for each in packs[-2:]:  # the bytes stay valid until the next but one
            assert hashlib.sha256(each.data).digest() == each.id
    assert len(builder) == builder.size == 0


def test_a_builder_is_full_by_size_and_grows_for_a_huge_blob() -> None:
    builder = PackBuilder()
    builder.add(bytes(32), BlobType.DATA, bytes(TARGET_SIZE - 1), 0)
    assert not builder.is_full
    huge = os.urandom(1 << 20) * 30
    builder.add(bytes(32), BlobType.DATA, huge, 0)
    assert builder.is_full
    pack = builder.finish(ENVELOPE)
    assert bytes(pack.data[TARGET_SIZE - 1 : TARGET_SIZE - 1 + len(huge)]) == huge
    assert read_header(pack.data, ENVELOPE) == pack.blobs


def test_the_header_of_the_fullest_pack_fits() -> None:
    assert MOST_BLOBS * header_overhead(compressed=True) + OVERHEAD < 16 << 20


def test_a_pack_that_was_cut_short_while_it_grew_is_never_finished() -> None:
    builder = PackBuilder()
    builder.add(bytes(32), BlobType.DATA, bytes(100), 0)
    builder.size -= 1  # as an interruption between two steps would leave it
    with pytest.raises(DamagedError):
        builder.finish(ENVELOPE)


@pytest.mark.parametrize(
    "tail", [b"", b"abc", struct.pack("<I", 31), struct.pack("<I", (16 << 20) + 1), b"\xff" * 4]
)
def test_impossible_header_lengths_are_damage(tail: bytes) -> None:
    with pytest.raises(DamagedError):
        header_length(tail)


def test_a_changed_or_missing_header_is_damage() -> None:
    data, _ = build([b"abc"])
    changed = bytearray(data)
    changed[-10] ^= 1
    for pack in (bytes(changed), data[-20:], data[:-1]):
        with pytest.raises(DamagedError):
            read_header(pack, ENVELOPE)
