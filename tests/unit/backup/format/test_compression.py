"""zstd frames, ours and those of other writers."""

import os
from typing import Any

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from backup.errors import DamagedError, UnsupportedFormatError
from backup.format.compression import (
    UNKNOWN_SIZE,
    Compression,
    Compressor,
    Decompressor,
    decode_unpacked,
    encode_unpacked,
)

TEXT = b"cong thong tin dien tu " * 500


@given(st.binary(max_size=500), st.sampled_from(["auto", "off", "max"]))
def test_whatever_was_compressed_comes_back(plaintext: bytes, compression: Compression) -> None:
    frame = Compressor(compression).compress_always(plaintext)
    assert Decompressor().decompress(frame, len(plaintext)) == plaintext


@pytest.mark.parametrize("compression", ["auto", "max"])
def test_data_is_compressed_where_that_is_shorter(compression: Compression) -> None:
    compressor = Compressor(compression)
    frame = compressor.compress_data(TEXT)
    assert frame is not None
    assert len(frame) < len(TEXT) // 10
    assert compressor.compress_data(os.urandom(5000)) is None
    assert compressor.compress_data(b"") is None


def test_off_leaves_data_alone_but_not_trees() -> None:
    compressor = Compressor("off")
    assert compressor.compress_data(TEXT) is None
    assert len(compressor.compress_always(TEXT)) < len(TEXT)


@pytest.mark.parametrize(
    "options",
    [
        {"level": 1},
        {"level": 19, "write_checksum": True},
        {"level": 3, "write_content_size": False},
        {"level": 3, "write_content_size": False, "write_checksum": True},
    ],
)
@pytest.mark.parametrize("plaintext", [b"", b"x", TEXT])
def test_frames_of_other_writers_are_read(options: dict[str, Any], plaintext: bytes) -> None:
    if options.get("write_content_size") is False and not plaintext:
        return  # nobody compresses nothing
    frame = zstandard.ZstdCompressor(**options).compress(plaintext)
    if options.get("write_content_size") is False:
        assert zstandard.frame_content_size(frame) == UNKNOWN_SIZE
    assert Decompressor().decompress(frame, len(plaintext)) == plaintext
    assert decode_unpacked(b"\x02" + frame) == plaintext


@pytest.mark.parametrize("sized", [True, False])
@pytest.mark.parametrize("off", [-1, 1, 1000])
def test_a_frame_of_another_length_is_damage(sized: bool, off: int) -> None:
    frame = zstandard.ZstdCompressor(write_content_size=sized).compress(TEXT)
    with pytest.raises(DamagedError):
        Decompressor().decompress(frame, len(TEXT) + off)


@pytest.mark.parametrize("frame", [b"", b"not a frame", b"\x28\xb5\x2f\xfd"])
def test_what_is_no_frame_is_damage(frame: bytes) -> None:
    with pytest.raises(DamagedError):
        Decompressor().decompress(frame, 5)
    with pytest.raises(DamagedError):
        decode_unpacked(b"\x02" + frame)


@pytest.mark.parametrize("sized", [True, False])
def test_a_frame_cut_short_is_damage(sized: bool) -> None:
    frame = zstandard.ZstdCompressor(write_content_size=sized).compress(os.urandom(3000))
    for length in range(5, len(frame), 97):
        with pytest.raises(DamagedError):
            Decompressor().decompress(frame[:length], 3000)
        with pytest.raises(DamagedError):
            decode_unpacked(b"\x02" + frame[:length])


def test_small_files_are_framed_and_raw_json_is_taken_as_it_is() -> None:
    assert encode_unpacked(TEXT)[0] == 2
    assert decode_unpacked(encode_unpacked(TEXT)) == TEXT
    assert decode_unpacked(b'{"a":1}') == b'{"a":1}'
    assert decode_unpacked(b"[]") == b"[]"


@pytest.mark.parametrize("stored", [b"", b"\x03", b" {}", b"\x01abc"])
def test_unknown_encodings_are_refused(stored: bytes) -> None:
    with pytest.raises(UnsupportedFormatError):
        decode_unpacked(stored)
