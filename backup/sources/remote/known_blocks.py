"""What a big file held in the previous snapshot: blocks that need not travel again.

The far end hashes fixed blocks and leaves out those that it knows from the request; they are put
in here from what the repository has, proved once more. Whatever is in doubt is fetched whole.
"""

import hashlib
from collections.abc import Callable, Sequence

from backup.errors import BackupError

BLOCK = 256 * 1024
"""As in `backup.sources.remote.agent`."""

HASH_BYTES = 16
LEAST_BYTES = 4 << 20
"""A smaller file travels sooner than its hashes are made."""

_NONE = b""


class EarlierContent:
    """The content of one file as it was."""

    def __init__(self, read_blob: Callable[[bytes], bytes], blob_ids: Sequence[bytes]) -> None:
        """Take it; nothing is read yet.

        Args:
            read_blob: Gives a blob of the repository, proved by its id. Raises `BackupError`.
            blob_ids: In the order of the content.
        """
        self._read_blob = read_blob
        self._ids = blob_ids
        self._starts: list[int] = []
        self._size = 0
        self._hashes = _NONE
        self._held: tuple[int, bytes] = (-1, _NONE)

    def hashes(self) -> bytes:
        """Give the hashes of all its blocks, joined; empty where it cannot be read whole."""
        self._starts, self._size, hashes = [], 0, []
        rest = b""
        try:
            for number, _ in enumerate(self._ids):
                blob = self._blob(number)
                self._starts.append(self._size)
                self._size += len(blob)
                data = rest + blob
                whole = len(data) - len(data) % BLOCK
                hashes += [_hash(data[at : at + BLOCK]) for at in range(0, whole, BLOCK)]
                rest = data[whole:]
        except BackupError:
            return _NONE
        self._hashes = b"".join([*hashes, *([_hash(rest)] if rest else [])])
        return self._hashes

    def block(self, offset: int, length: int) -> bytes | None:
        """Give a block of which the hash was given; None where it is not what it was."""
        is_known = offset % BLOCK == 0 and 0 < length <= BLOCK
        if not is_known or offset + length > self._size:
            return None
        try:
            data = self._read(offset, length)
        except BackupError:
            return None
        at = offset // BLOCK * HASH_BYTES
        return data if _hash(data) == self._hashes[at : at + HASH_BYTES] else None

    def _read(self, offset: int, length: int) -> bytes:
        number = max(self._held[0], 0)
        if number >= len(self._starts) or self._starts[number] > offset:
            number = 0
        pieces = []
        while length > 0:
            while number + 1 < len(self._starts) and self._starts[number + 1] <= offset:
                number += 1
            blob = self._blob(number)
            begin = offset - self._starts[number]
            piece = blob[begin : begin + length]
            pieces.append(piece)
            offset, length = offset + len(piece), length - len(piece)
            if not piece:
                break
        return b"".join(pieces)

    def _blob(self, number: int) -> bytes:
        if self._held[0] != number:
            self._held = (number, self._read_blob(self._ids[number]))
        return self._held[1]


def _hash(data: bytes) -> bytes:
    return hashlib.blake2b(data, digest_size=HASH_BYTES).digest()
