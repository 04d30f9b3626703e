"""The line between a restore and who serves its content, frame by frame.

Over a Unix stream socket (`backup.restorer.served_content` asks, `backup.restorer.serving`
answers), one request at a time. A request is ``kind (1 byte) ‖ number of rows (uint32) ‖ rows``:

| kind | rows | answer |
|---|---|---|
| hello | none | told: bytes of all sealed blobs (uint64), whether the store is far (1 byte) |
| tree | an id | told: the tree's bytes |
| data | an id | told: the data blob's bytes, sought in every place |
| places | ids | a place for each; its pack is `NO_PACK` where there is none |
| read | places | a byte for each, 1 where its content follows, else 0; then these contents |
| wake | none | none: more will be asked over this socket soon |

*Told* is ``1 ‖ length (uint32) ‖ bytes``, or ``0 ‖ length ‖ an error as JSON``. An id has 32 bytes,
a place four uint32: number of the pack, offset in it, sealed length, plaintext length or 0 where it
is not compressed. All numbers are little endian.

Neither end believes the other. Every length and number of rows is bounded before anything is read
or reserved; whatever breaks the form ends the line. Texts of errors come without characters that
are none for people, and fill in nothing but names.
"""

import json
import re
import struct
from collections.abc import Sequence
from contextlib import suppress
from enum import IntEnum
from socket import socket
from typing import NamedTuple

from backup import errors
from backup.errors import BackupError, DamagedError, StoreError
from backup.format.bounds import LARGEST
from backup.format.pack import ID_LENGTH
from backup.restorer.content import ContentGoneError
from backup.restorer.orders import Piece
from backup.restorer.progress import printable

HEAD = struct.Struct("<BI")
HELLO = struct.Struct("<Q?")
PLACE = struct.Struct("<4I")
NO_PACK = (1 << 32) - 1
# Of one request. What is read at once is an order for a far store; a larger blob goes alone, and
# the largest only the careful way.
MOST_IDS = 4096
MOST_PIECES = 1024
MOST_READ = 16 << 20
MOST_READ_ALONE = 32 << 20
LARGEST_BLOB = LARGEST["data"]
_LARGEST_ERROR = 64 << 10
_LARGEST_TEXT = 2_000
_BUFFER = 256 << 10


class Kind(IntEnum):
    """What is asked."""

    HELLO = 1
    TREE = 2
    DATA = 3
    PLACES = 4
    READ = 5
    WAKE = 6


# The size of a row, and how many there may be.
_FORMS = {
    Kind.HELLO: (0, 0),
    Kind.TREE: (ID_LENGTH, 1),
    Kind.DATA: (ID_LENGTH, 1),
    Kind.PLACES: (ID_LENGTH, MOST_IDS),
    Kind.READ: (PLACE.size, MOST_PIECES),
    Kind.WAKE: (0, 0),
}


class Request(NamedTuple):
    """One request.

    Attributes:
        kind: What is asked.
        rows: Its rows, joined.
    """

    kind: Kind
    rows: bytes


def _gone(*, why: str) -> ContentGoneError:
    return ContentGoneError(
        "what is restored can no longer be read",
        why=why,
        data="the repository was only read; what was restored so far stays in the target",
        next_step="see that the service runs, then run the same command again",
    )


def impossible() -> ContentGoneError:
    """Make the error for what breaks the form."""
    return _gone(why="the other end said what cannot be")


class Line:
    """One end of a socket. For one thread; whatever it raises, the line is of no further use."""

    def __init__(self, end: socket) -> None:
        """Take the socket over for reading and writing; closing it stays with its owner."""
        end.settimeout(None)
        self._file = end.makefile("rwb", buffering=_BUFFER)

    def take(self, length: int) -> bytes:
        """Read just so many bytes.

        Raises:
            ContentGoneError: The line ended before.
        """
        try:
            taken: bytes = self._file.read(length)
        except OSError as error:
            raise _gone(why="the line to the other end was cut") from error
        if len(taken) < length:
            raise _gone(why="the other end has closed the line")
        return taken

    def send(self, *parts: bytes) -> None:
        """Write all of it, however slowly it is read.

        Raises:
            ContentGoneError: The line was cut.
        """
        try:
            for part in parts:
                self._file.write(part)
            self._file.flush()
        except OSError as error:
            raise _gone(why="the line to the other end was cut") from error

    def close(self) -> None:
        """Let go of the socket."""
        with suppress(OSError):
            self._file.close()

    # Asking ------------------------------------------------------------------------------------

    def ask(self, kind: Kind, rows: bytes = b"") -> None:
        """Send a request."""
        size, _ = _FORMS[kind]
        self.send(HEAD.pack(kind, len(rows) // size if size else 0), rows)

    def hear(self, most: int) -> bytes:
        """Take what is told, at most so many bytes.

        Raises:
            BackupError: What the other end tells has gone wrong.
            ContentGoneError: The line ended, or what came cannot be.
        """
        is_good, length = HEAD.unpack(self.take(HEAD.size))
        if is_good == 1 and length <= most:
            return self.take(length)
        if is_good == 0 and length <= _LARGEST_ERROR:
            raise parse_error(self.take(length))
        raise impossible()

    # Answering ---------------------------------------------------------------------------------

    def listen(self) -> Request:
        """Wait for the next request.

        Raises:
            ContentGoneError: The line ended, or what came cannot be.
        """
        number, count = HEAD.unpack(self.take(HEAD.size))
        try:
            kind = Kind(number)
        except ValueError:
            raise impossible() from None
        size, most = _FORMS[kind]
        if count > most or (most == 1 and count != 1):
            raise impossible()
        return Request(kind, self.take(count * size))

    def tell(self, told: bytes | BackupError) -> None:
        """Answer with bytes, or with what went wrong."""
        body = pack_error(told) if isinstance(told, BackupError) else told
        self.send(HEAD.pack(not isinstance(told, BackupError), len(body)), body)


def pack_places(pieces: Sequence[Piece | None]) -> bytes:
    """Write places, without the ids."""
    nowhere = (NO_PACK, 0, 0, 0)
    return b"".join([PLACE.pack(*(nowhere if it is None else it[:4])) for it in pieces])


# Errors ------------------------------------------------------------------------------------------

_KINDS = {
    name: it
    for name, it in vars(errors).items()
    if isinstance(it, type) and issubclass(it, (DamagedError, StoreError))
}
_FIELD = re.compile(r"\{([a-z_]+)(?:!r)?\}")


def pack_error(error: BackupError) -> bytes:
    """Write an error, with its templates, so that it can be said in another language."""
    values = {name: _plain(it) for name, it in error.params.items()}
    parts = (error.what, error.why, error.data, error.next_step)
    body = json.dumps([type(error).__name__, parts, values]).encode()
    if len(body) <= _LARGEST_ERROR:
        return body
    return json.dumps([type(error).__name__, (str(error)[:_LARGEST_TEXT], "", "", ""), {}]).encode()


def parse_error(body: bytes) -> BackupError:
    """Read an error that somebody else wrote.

    Raises:
        ContentGoneError: It is none.
    """
    try:
        name, parts, values = json.loads(body)
        what, why, data, next_step = [_template(part, values) for part in parts]
        params: dict[str, object] = {key: _plain(it) for key, it in values.items()}
    except (ValueError, TypeError, AttributeError, KeyError, RecursionError):
        raise impossible() from None
    kind = _KINDS.get(name, BackupError)
    error: BackupError = kind(what, why=why, data=data, next_step=next_step)
    error.params = params
    return error


def _plain(value: object) -> int | str:
    return value if isinstance(value, int) else printable(str(value)[:_LARGEST_TEXT])


def _template(part: str, values: dict[str, object]) -> str:
    """Give a template if all it fills in are values that are there, as they stand."""
    if any(name not in values for name in _FIELD.findall(part)) or len(part) > _LARGEST_TEXT:
        raise ValueError
    if {"{", "}"} & set(_FIELD.sub("", part)):
        raise ValueError
    return printable(part)
