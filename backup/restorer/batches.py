"""Cutting the stream of files into orders: enough to keep a worker busy, little enough to hold.

Files whose content begins in the same pack share an order. Backups fill several packs at a time, so
that files that follow one another lie in packs by turns; an order of neighbours would read a little
of each pack, and so would the next one. Far stores charge for every read, and some read more of the
pack than they were asked for.
"""

from collections.abc import Callable

from backup.restorer.blob_reader import plain_length
from backup.restorer.metadata import Metadata
from backup.restorer.orders import FileOrder, FilesOrder, Order, PartOrder, Piece, Work

_MOST_FILES = 512
MOST_BYTES = 8 << 20
# From a far store, about what one pack holds; see above.
MOST_FAR_BYTES = 16 << 20
# More than the packs that one backup has open; what waits holds no content, only names.
_MOST_OPEN = 16
_NO_PACK = -1


class _Batch:
    """One order in the making."""

    __slots__ = ("files", "folders", "packs", "rows", "size")

    def __init__(self) -> None:
        self.folders: dict[bytes, int] = {}
        self.rows: list[tuple[bytes, bool]] = []
        self.packs: dict[int, str] = {}
        self.files: list[FileOrder] = []
        self.size = 0

    def number_of(self, folder: bytes, *, inherits: bool) -> int:
        """Give the number of a folder in the order."""
        number = self.folders.get(folder)
        if number is None:
            number = self.folders[folder] = len(self.rows)
            self.rows.append((folder, inherits))
        return number


class Batches:
    """Collects files, in the order they are met, and gives orders away when they are full."""

    def __init__(
        self,
        key_of: Callable[[int], str],
        submit: Callable[[Order], None],
        *,
        most_bytes: int = MOST_BYTES,
    ) -> None:
        """Set up.

        Args:
            key_of: Gives the store key of a pack by its number.
            submit: Takes the orders.
            most_bytes: An order of more bytes is full.
        """
        self._key_of = key_of
        self._submit = submit
        self._most_bytes = most_bytes
        self._open: dict[int, _Batch] = {}

    def add(  # noqa: PLR0913 -- the fields of one file, called for each
        self,
        folder: bytes,
        name: bytes,
        work: Work,
        size: int,
        metadata: Metadata,
        pieces: tuple[Piece, ...],
        *,
        inherits: bool,
    ) -> None:
        """Add one file; `inherits` says whether its folder hands an access list down."""
        first = pieces[0][0] if pieces else _NO_PACK
        batch = self._open.get(first)
        if batch is None:
            batch = self._begin(first)
        for piece in pieces:
            pack = piece[0]
            if pack not in batch.packs:
                batch.packs[pack] = self._key_of(pack)
        number = batch.number_of(folder, inherits=inherits)
        batch.files.append(FileOrder(number, name, work, size, metadata, pieces))
        batch.size += size
        if len(batch.files) >= _MOST_FILES or batch.size >= self._most_bytes:
            self._give(first)

    def _begin(self, first: int) -> _Batch:
        if len(self._open) >= _MOST_OPEN:
            self._give(next(iter(self._open)))
        batch = self._open[first] = _Batch()
        return batch

    def _give(self, first: int) -> None:
        batch = self._open.pop(first)
        self._submit(FilesOrder("files", batch.rows, batch.packs, batch.files))

    def flush(self) -> None:
        """Give away what there is."""
        while self._open:
            self._give(next(iter(self._open)))

    def split(self, folder: bytes, name: bytes, pieces: tuple[Piece, ...]) -> list[PartOrder]:
        """Cut a large file into orders, in their order."""
        parts: list[PartOrder] = []
        offset = start = at = 0
        size = 0
        for end, piece in enumerate(pieces, 1):
            size += plain_length(piece)
            if size >= self._most_bytes or end == len(pieces):
                own = pieces[at:end]
                packs = {one[0]: self._key_of(one[0]) for one in own}
                parts.append(PartOrder("part", folder, name, start, packs, own))
                offset += size
                at, start, size = end, offset, 0
        return parts
