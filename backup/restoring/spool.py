"""A queue for what is done at the end: small in memory, on disk where it grows."""

import marshal
import struct
import tempfile
from collections.abc import Iterator
from typing import Any

_LENGTH = struct.Struct("<I")
_MOST_IN_MEMORY = 4 << 20


class Spool:
    """First in, first out; holds tuples of what marshal knows. Its file has no name."""

    def __init__(self) -> None:
        self._file = tempfile.SpooledTemporaryFile(max_size=_MOST_IN_MEMORY)  # noqa: SIM115 -- `close` ends it

    def add(self, item: tuple[Any, ...]) -> None:
        """Append an item."""
        body = marshal.dumps(item)
        self._file.write(_LENGTH.pack(len(body)) + body)

    def __iter__(self) -> Iterator[Any]:
        """Go through all items once; nothing may be added any more."""
        self._file.seek(0)
        while head := self._file.read(_LENGTH.size):
            yield marshal.loads(self._file.read(_LENGTH.unpack(head)[0]))  # noqa: S302 -- our own

    def close(self) -> None:
        """Throw everything away."""
        self._file.close()
