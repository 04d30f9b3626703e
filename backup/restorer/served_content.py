"""What a restore reads, from somebody else who has the repository open (`backup.restorer.serving`).

For a process that has neither the repository's key nor its store, and writes with its own rights.
What comes over the sockets is believed as little as what comes from a store: trees and blobs are
proven by their ids, places only say where to ask.
"""

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from functools import cached_property, partial
from socket import socket

from backup.errors import BackupError, DamagedError
from backup.format.crypto import OVERHEAD
from backup.format.pack import ID_LENGTH
from backup.restorer.batches import MOST_BYTES, MOST_FAR_BYTES
from backup.restorer.blob_reader import BlobReader, CarefulReader, plain_length, prove
from backup.restorer.file_writer import served_at
from backup.restorer.orders import Piece
from backup.restorer.wire import (
    HELLO,
    LARGEST_BLOB,
    MOST_IDS,
    MOST_PIECES,
    MOST_READ,
    MOST_READ_ALONE,
    NO_PACK,
    PLACE,
    Kind,
    Line,
    impossible,
    pack_places,
)
from backup.restorer.workers import Seats, near_width
from backup.workers.processes import Message


def ends_wanted() -> int:
    """How many sockets suit this machine: one for who plans, and one for each worker."""
    return 1 + near_width()


class ServedContent:
    """See `backup.restorer.content.Content`. For any number of restores, one after the other.

    After an error it is of no further use.
    """

    def __init__(self, ends: Sequence[socket]) -> None:
        """Set up; nothing is sent yet.

        Args:
            ends: Connected Unix stream sockets, the other ends of those that `serve_content` was
                given, in the same order. The first serves this process; each other one lets one
                worker process write at the same time (`ends_wanted`). They belong to this object
                now.
        """
        self._ends = ends
        self._line = Line(ends[0])

    def close(self) -> None:
        """Close all sockets, which ends the serving side."""
        self._line.close()
        for end in self._ends:
            end.close()

    @cached_property
    def _hello(self) -> tuple[int, bool]:
        self._line.ask(Kind.HELLO)
        told = self._line.hear(HELLO.size)
        if len(told) != HELLO.size:
            raise impossible()
        size, is_far = HELLO.unpack(told)
        return size, is_far

    @property
    def size_bytes(self) -> int:
        """See `Content.size_bytes`."""
        return self._hello[0]

    @property
    def most_bytes(self) -> int:
        """See `Content.most_bytes`."""
        return MOST_FAR_BYTES if self._hello[1] else MOST_BYTES

    @property
    def secret(self) -> Message:
        """None: who holds a socket may ask."""
        return ()

    def load_tree(self, tree_id: bytes) -> bytes:
        """See `Content.load_tree`."""
        self._line.ask(Kind.TREE, tree_id)
        tree = self._line.hear(LARGEST_BLOB)
        if hashlib.sha256(tree).digest() != tree_id:
            raise DamagedError(
                "tree blob {id} holds other bytes than its id says", id=tree_id.hex()[:8]
            )
        return tree

    def look_up(self, ids: bytes) -> list[Piece | None]:
        """See `Content.look_up`."""
        found: list[Piece | None] = []
        step = MOST_IDS * ID_LENGTH
        for at in range(0, len(ids), step):
            asked = ids[at : at + step]
            self._line.ask(Kind.PLACES, asked)
            places = self._line.take(len(asked) // ID_LENGTH * PLACE.size)
            split = [asked[start : start + ID_LENGTH] for start in range(0, len(asked), ID_LENGTH)]
            found += map(_piece_of, PLACE.iter_unpack(places), split)
        return found

    def key_of(self, pack: int) -> str:
        """See `Content.key_of`: nobody here opens a pack."""
        del pack
        return ""

    def reader(self) -> BlobReader:
        """See `Content.reader`."""
        return _ServedReader(self._line)

    def careful_reader(self) -> BlobReader:
        """See `Content.careful_reader`."""
        return CarefulReader(self._load_data)

    def _load_data(self, blob_id: bytes) -> bytes:
        self._line.ask(Kind.DATA, blob_id)
        content = prove(self._line.hear(LARGEST_BLOB), blob_id)
        if isinstance(content, DamagedError):
            raise content
        return content

    def make_seats(self, workers: int | None) -> Callable[[], Seats] | None:
        """See `Content.make_seats`: one for each further socket."""
        ends = self._ends[1:][:workers]
        return partial(_start, ends) if ends else None


def _start(ends: Sequence[socket]) -> Seats:
    for end in ends:
        with closing(Line(end)) as line:
            line.ask(Kind.WAKE)
    numbers = [end.fileno() for end in ends]
    return Seats([served_at(number) for number in numbers], ends=numbers)


def open_reader(end: int) -> BlobReader:
    """Read over a socket, given by its descriptor, in a worker process."""
    return _ServedReader(Line(socket(fileno=end)))


class _ServedReader:
    """Reads pieces over a socket, and proves them."""

    def __init__(self, line: Line) -> None:
        self._line = line

    def read(
        self, pieces: Sequence[Piece], packs: Mapping[int, str]
    ) -> Mapping[Piece, bytes | BackupError]:
        """See `BlobReader.read`."""
        del packs
        found: dict[Piece, bytes | BackupError] = {}
        for part in _parts(pieces):
            self._line.ask(Kind.READ, pack_places(part))
            for piece, is_there in zip(part, self._line.take(len(part)), strict=True):
                _, _, _, _, blob_id = piece
                found[piece] = (
                    prove(self._line.take(plain_length(piece)), blob_id)
                    if is_there
                    else _unread(piece)
                )
        for piece in pieces:
            if piece not in found:  # too large for anything but the careful way
                found[piece] = _unread(piece)
        return found


def _unread(piece: Piece) -> DamagedError:
    _, _, _, _, blob_id = piece
    return DamagedError("data blob {id} cannot be read", id=blob_id.hex()[:8])


def _parts(pieces: Sequence[Piece]) -> Iterator[list[Piece]]:
    """Cut what is wanted into requests; each piece once, packs and offsets ascending."""
    part: list[Piece] = []
    size = 0
    for piece in sorted(set(pieces)):
        _, _, sealed, _, _ = piece
        length = max(sealed, plain_length(piece))
        if length > MOST_READ_ALONE:
            continue
        if part and (size + length > MOST_READ or len(part) == MOST_PIECES):
            yield part
            part, size = [], 0
        part.append(piece)
        size += length
    if part:
        yield part


def _piece_of(place: tuple[int, int, int, int], blob_id: bytes) -> Piece | None:
    pack, offset, sealed, plain = place
    if pack == NO_PACK:
        return None
    if sealed < OVERHEAD:
        raise impossible()
    return pack, offset, sealed, plain, blob_id
