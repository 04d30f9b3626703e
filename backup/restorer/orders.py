"""What the planning process asks of the writing ones: plain tuples that travel over a pipe.

A piece is where one blob lies: (pack number, offset in the pack, sealed length, plaintext length or
0 where it is not compressed, id). Pack numbers are the index's; every order carries the store keys
of the packs it names. A folder is a path below the target, as `backup.restorer.target_folders` has
it.
"""

from typing import Literal, NamedTuple

from backup.restorer.metadata import Metadata

Piece = tuple[int, int, int, int, bytes]
# create: nothing has that name; replace: put in its place; compare: read and set the metadata if
# the bytes are right; refresh: set the metadata; verify: read only.
Work = Literal["create", "replace", "compare", "refresh", "verify"]
PIECE_ID = 4


class FileOrder(NamedTuple):
    """One regular file.

    Attributes:
        folder: Number of its folder in `FilesOrder.folders`.
        name: Its name.
        work: What to do.
        size: Its length in bytes.
        metadata: What is set on it.
        pieces: Its content, in order; empty where only metadata is set.
    """

    folder: int
    name: bytes
    work: Work
    size: int
    metadata: Metadata
    pieces: tuple[Piece, ...]


class FilesOrder(NamedTuple):
    """Files that are written, compared or refreshed whole.

    Attributes:
        kind: Always "files".
        folders: Their folders, each with whether new entries inherit an access list there.
        packs: Pack number to store key.
        files: What to do.
    """

    kind: Literal["files"]
    folders: list[tuple[bytes, bool]]
    packs: dict[int, str]
    files: list[FileOrder]


class PartOrder(NamedTuple):
    """Some consecutive pieces of a file too large for one order; it exists already.

    Attributes:
        kind: Always "part".
        folder: Its folder.
        name: Its temporary name.
        offset: Where the first piece goes.
        packs: Pack number to store key.
        pieces: What is written.
    """

    kind: Literal["part"]
    folder: bytes
    name: bytes
    offset: int
    packs: dict[int, str]
    pieces: tuple[Piece, ...]


Order = FilesOrder | PartOrder

# What may become of a file or part other than being done. differs: a comparison found other bytes;
# damaged: a blob could not be read or proven; failed: the operating system said no; refused:
# it is done, but for attributes that this file system or user cannot have.
Outcome = Literal["differs", "damaged", "failed", "refused"]


class Remark(NamedTuple):
    """What is worth saying about one file of an order.

    Attributes:
        position: Of the file in `FilesOrder.files`; 0 for a part.
        outcome: What became of it.
        number: errno of a failure, else 0.
        text: Cause, or names of refused attributes.
    """

    position: int
    outcome: Outcome
    number: int
    text: str


def pack_order(order: Order) -> tuple[object, ...]:
    """Make an order plain, for its way over a pipe, which knows no named tuples."""
    if isinstance(order, PartOrder):
        return tuple(order)
    files = [
        (file.folder, file.name, file.work, file.size, tuple(file.metadata), file.pieces)
        for file in order.files
    ]
    return order.kind, order.folders, order.packs, files


def parse_order(message: tuple[object, ...]) -> Order:
    """Give an order its names back after its way over a pipe."""
    if message[0] == "part":
        return PartOrder(*message)  # type: ignore[arg-type]  # our own parent wrote it
    kind, folders, packs, files = message
    return FilesOrder(kind, folders, packs, [_parse_file(file) for file in files])  # type: ignore[arg-type, attr-defined]  # as above


def _parse_file(file: tuple[object, ...]) -> FileOrder:
    folder, name, work, size, metadata, pieces = file
    return FileOrder(folder, name, work, size, Metadata(*metadata), pieces)  # type: ignore[arg-type, misc]  # as above
