"""Packs: many sealed blobs in one stored file (restic: "Pack Format").

::

    seal(blob 1) ‖ … ‖ seal(blob n) ‖ seal(header) ‖ length of seal(header), uint32 little endian

The header has one entry a blob, in file order: a type byte (0 data, 1 tree, 2 compressed data,
3 compressed tree), the sealed length, for 2 and 3 the plaintext length, and the id.
"""

import hashlib
import struct
from collections.abc import Sequence
from enum import IntEnum
from typing import NamedTuple

from backup.direct_io import new_room
from backup.errors import DamagedError
from backup.format.compression import Decompressor
from backup.format.crypto import OVERHEAD, Envelope
from backup.stores.base import Buffer

ID_LENGTH = 32
TARGET_SIZE = 16 << 20
# A pack is finished once it reaches its target, so its last blob may reach beyond.
_FIRST_CAPACITY = 26 << 20
LARGEST_HEADER = 16 << 20
# An encrypted header must stay below 16 MiB; 41 bytes an entry.
MOST_BLOBS = 400_000
_PLAIN = struct.Struct("<BI32s")
_COMPRESSED = struct.Struct("<BII32s")
_LENGTH = struct.Struct("<I")
_COMPRESSED_BIT = 2


class BlobType(IntEnum):
    """What a blob holds; the numbers are those of pack headers."""

    DATA = 0
    TREE = 1

    @property
    def word(self) -> str:
        """The name used in index files."""
        return "tree" if self else "data"


class PackedBlob(NamedTuple):
    """Where one blob lies in a pack.

    Attributes:
        id: SHA-256 of the plaintext, 32 bytes.
        type: Data or tree.
        offset: First byte in the pack.
        length: Sealed length, frame included.
        uncompressed_length: Plaintext length of a compressed blob; 0 for one stored plain.
    """

    id: bytes
    type: BlobType
    offset: int
    length: int
    uncompressed_length: int

    @property
    def plaintext_length(self) -> int:
        """Length of the blob itself in bytes."""
        return self.uncompressed_length or self.length - OVERHEAD


def encode_header(blobs: Sequence[PackedBlob]) -> bytes:
    """Write the plaintext of a pack's header; `blobs` in file order without gaps."""
    return b"".join(
        _COMPRESSED.pack(
            blob.type | _COMPRESSED_BIT, blob.length, blob.uncompressed_length, blob.id
        )
        if blob.uncompressed_length
        else _PLAIN.pack(blob.type, blob.length, blob.id)
        for blob in blobs
    )


def decode_header(header: bytes) -> list[PackedBlob]:
    """Read a header's plaintext; blobs in file order.

    Raises:
        DamagedError: An entry is cut off or of an unknown type.
    """
    blobs = []
    offset = at = 0
    while at < len(header):
        kind = header[at]
        try:
            if kind & _COMPRESSED_BIT:
                _, length, plain_length, blob_id = _COMPRESSED.unpack_from(header, at)
                at += _COMPRESSED.size
            else:
                _, length, blob_id = _PLAIN.unpack_from(header, at)
                plain_length = 0
                at += _PLAIN.size
            blob_type = BlobType(kind & ~_COMPRESSED_BIT)
        except (struct.error, ValueError) as error:
            raise DamagedError("a pack header has a broken entry") from error
        blobs.append(PackedBlob(blob_id, blob_type, offset, length, plain_length))
        offset += length
    return blobs


def header_overhead(compressed: bool) -> int:
    """Bytes one blob adds to a header."""
    return _COMPRESSED.size if compressed else _PLAIN.size


class FinishedPack(NamedTuple):
    """A pack ready to be stored.

    Attributes:
        id: SHA-256 of `data`.
        data: All its bytes, in page-aligned memory.
        blobs: What it holds, in file order.
    """

    id: bytes
    data: memoryview
    blobs: list[PackedBlob]


class PackBuilder:
    """Collects sealed blobs of one type until the pack is big enough.

    A pack's memory is its own: it goes back to the system once nobody holds the finished pack.
    """

    def __init__(self, target: int = TARGET_SIZE) -> None:
        """Begin a pack that is full with `target` bytes."""
        self.size = 0
        self._target = target
        self._blobs: list[PackedBlob] = []
        self._buffer = memoryview(b"")

    def __len__(self) -> int:
        return len(self._blobs)

    @property
    def is_full(self) -> bool:
        """Whether the pack should be finished before more is added."""
        return self.size >= self._target or len(self._blobs) >= MOST_BLOBS

    def add(
        self, blob_id: bytes, blob_type: BlobType, sealed: Buffer, uncompressed_length: int
    ) -> None:
        """Append one sealed blob."""
        self.reserve(len(sealed))[:] = sealed
        self.keep(blob_id, blob_type, len(sealed), uncompressed_length)

    def reserve(self, length: int) -> memoryview:
        """Give room for the next sealed blob; it counts once `keep` is called."""
        end = self.size + length
        if end > len(self._buffer):
            grown = new_room(max(_FIRST_CAPACITY, 2 * end))
            grown[: self.size] = self._buffer[: self.size]
            self._buffer = grown
        return self._buffer[self.size : end]

    def keep(
        self, blob_id: bytes, blob_type: BlobType, length: int, uncompressed_length: int
    ) -> None:
        """Count the sealed blob that was put into the room given last."""
        self._blobs.append(PackedBlob(blob_id, blob_type, self.size, length, uncompressed_length))
        self.size += length

    def _append(self, data: bytes) -> None:
        self.reserve(len(data))[:] = data
        self.size += len(data)

    def finish(self, envelope: Envelope) -> FinishedPack:
        """Give the pack and start the next one.

        Raises:
            DamagedError: Something was cut short while a blob was added.
        """
        if self.size != sum(blob.length for blob in self._blobs):
            raise DamagedError("a pack was not put together whole", data="it was not stored")
        header = envelope.seal(encode_header(self._blobs))
        self._append(header)
        self._append(_LENGTH.pack(len(header)))
        data = self._buffer[: self.size]
        finished = FinishedPack(hashlib.sha256(data).digest(), data, self._blobs)
        self._buffer = memoryview(b"")
        self.size = 0
        self._blobs = []
        return finished


def read_header(pack: Buffer, envelope: Envelope) -> list[PackedBlob]:
    """Read the header at the end of `pack`, a whole pack or a long enough tail of one.

    Raises:
        DamagedError: The header is missing, cut off, or does not match its tag.
    """
    sealed_length = header_length(pack)
    if sealed_length > len(pack) - _LENGTH.size:
        raise DamagedError(
            "a pack is too short for its header of {length} bytes", length=sealed_length
        )
    end = len(pack) - _LENGTH.size
    return decode_header(envelope.open(memoryview(pack)[end - sealed_length : end]))


def header_length(tail: Buffer) -> int:
    """Read the sealed header's length from the last four bytes of a pack.

    Raises:
        DamagedError: The pack is too short, or the length cannot be right.
    """
    if len(tail) < _LENGTH.size:
        raise DamagedError("a pack has only {length} bytes", length=len(tail))
    (length,) = _LENGTH.unpack(tail[-_LENGTH.size :])
    if not OVERHEAD <= length <= LARGEST_HEADER:
        raise DamagedError("a pack says its header has {length} bytes", length=length)
    return int(length)


def pack_key(pack_id: bytes) -> str:
    """Give the store key of a pack."""
    name = pack_id.hex()
    return f"data/{name[:2]}/{name}"


def open_blob(
    blob: PackedBlob, sealed: Buffer, envelope: Envelope, decompressor: Decompressor
) -> bytes:
    """Authenticate, decode and hash one sealed blob.

    Raises:
        DamagedError: Any of the three fails.
    """
    plaintext = envelope.open(sealed)
    if blob.uncompressed_length:
        plaintext = decompressor.decompress(plaintext, blob.uncompressed_length)
    if hashlib.sha256(plaintext).digest() != blob.id:
        raise DamagedError(
            "{kind} blob {id} holds other bytes than its id says",
            kind=blob.type.word,
            id=blob.id.hex()[:8],
        )
    return plaintext
