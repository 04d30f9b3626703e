"""zstd frames: one per compressed blob, and around every unpacked JSON file.

Restic reads any valid frame. Ours carry the content size and no checksum, since the blob's id and
the envelope's tag both prove the content already.
"""

from typing import Literal

import zstandard

from backup.errors import DamagedError, UnsupportedFormatError
from backup.format.bounds import LARGEST_JSON
from backup.stores.base import Buffer

Compression = Literal["auto", "off", "max"]
LEVELS: dict[Compression, int] = {"auto": 3, "max": 19, "off": 0}
_JSON_STARTS = b"{["
_COMPRESSED_MARK = b"\x02"
UNKNOWN_SIZE = -1


class Compressor:
    """Compresses blobs at one of restic's levels. Not for use by two threads at once."""

    def __init__(self, compression: Compression = "auto") -> None:
        level = LEVELS[compression] or LEVELS["auto"]
        self._zstd = zstandard.ZstdCompressor(level=level, write_checksum=False)
        self._off = compression == "off"

    def compress_data(self, plaintext: Buffer) -> bytes | None:
        """Give the frame of a data blob, or None where storing it plain is not longer."""
        if self._off or len(plaintext) == 0:
            return None
        frame = self._zstd.compress(plaintext)
        return frame if len(frame) < len(plaintext) else None

    def compress_always(self, plaintext: Buffer) -> bytes:
        """Give the frame of a tree or a JSON file, which version 2 compresses even when off."""
        return self._zstd.compress(plaintext)


class Decompressor:
    """Decodes frames of known plaintext length. Not for use by two threads at once."""

    def __init__(self) -> None:
        self._zstd = zstandard.ZstdDecompressor()

    def decompress(self, frame: Buffer, length: int) -> bytes:
        """Decode one frame to exactly `length` bytes.

        Raises:
            DamagedError: It is no frame, or decodes to another length.
        """
        try:
            declared = zstandard.frame_content_size(frame)
            if declared in (UNKNOWN_SIZE, length):
                plaintext = self._zstd.decompress(frame, max_output_size=length)
                if len(plaintext) == length:
                    return plaintext
        except zstandard.ZstdError as error:
            raise DamagedError(
                "a compressed blob cannot be decoded", why="{cause}", cause=str(error)
            ) from error
        raise DamagedError("a compressed blob has not the length of {length} bytes", length=length)


def encode_unpacked(json_text: bytes) -> bytes:
    """Wrap the JSON of an index, snapshot or lock file: the byte 2, then a zstd frame."""
    return _COMPRESSED_MARK + zstandard.ZstdCompressor(level=LEVELS["auto"]).compress(json_text)


def decode_unpacked(stored: bytes) -> bytes:
    """Undo `encode_unpacked`; text that starts as JSON is given back as it is (version 1).

    Raises:
        UnsupportedFormatError: Neither raw JSON nor a frame behind the byte 2.
        DamagedError: The frame cannot be decoded, or to more than any such file has.
    """
    if stored[:1] and stored[0] in _JSON_STARTS:
        return stored
    if stored[:1] != _COMPRESSED_MARK:
        raise UnsupportedFormatError("a repository file has an unknown encoding")
    frame = stored[1:]
    try:
        declared = zstandard.frame_content_size(frame)
        if declared <= LARGEST_JSON:  # room is made for what a frame declares, whatever it holds
            room = declared if declared > 0 else LARGEST_JSON
            return zstandard.ZstdDecompressor().decompress(frame, max_output_size=room)
    except zstandard.ZstdError as error:
        raise DamagedError(
            "a repository file cannot be decompressed", why="{cause}", cause=str(error)
        ) from error
    raise DamagedError(
        "a repository file says that it has {bytes} bytes, more than {most}",
        bytes=declared,
        most=LARGEST_JSON,
    )
