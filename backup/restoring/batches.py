"""Cutting the stream of files into orders: enough to keep a worker busy, little enough to hold."""

from collections.abc import Callable

from backup.restoring.metadata import Metadata
from backup.restoring.orders import FileOrder, FilesOrder, Order, PartOrder, Piece, Work
from backup.restoring.places import Places
from backup.restoring.reading import plain_length

_MOST_FILES = 512
MOST_BYTES = 8 << 20


class Batches:
    """Collects files, in the order they are met, and gives orders away when they are full."""

    def __init__(self, places: Places, submit: Callable[[Order], None]) -> None:
        self._places = places
        self._submit = submit
        self._start()

    def _start(self) -> None:
        self._folders: dict[bytes, int] = {}
        self._rows: list[tuple[bytes, bool]] = []
        self._packs: dict[int, str] = {}
        self._files: list[FileOrder] = []
        self._size = 0

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
        number = self._folders.get(folder)
        if number is None:
            number = self._folders[folder] = len(self._rows)
            self._rows.append((folder, inherits))
        for piece in pieces:
            pack = piece[0]
            if pack not in self._packs:
                self._packs[pack] = self._places.key_of(pack)
        self._files.append(FileOrder(number, name, work, size, metadata, pieces))
        self._size += size
        if len(self._files) >= _MOST_FILES or self._size >= MOST_BYTES:
            self.flush()

    def flush(self) -> None:
        """Give away what there is."""
        if self._files:
            order = FilesOrder("files", self._rows, self._packs, self._files)
            self._start()
            self._submit(order)

    def split(self, folder: bytes, name: bytes, pieces: tuple[Piece, ...]) -> list[PartOrder]:
        """Cut a large file into orders, in their order."""
        parts: list[PartOrder] = []
        offset = start = at = 0
        size = 0
        for end, piece in enumerate(pieces, 1):
            size += plain_length(piece)
            if size >= MOST_BYTES or end == len(pieces):
                own = pieces[at:end]
                packs = {one[0]: self._places.key_of(one[0]) for one in own}
                parts.append(PartOrder("part", folder, name, start, packs, own))
                offset += size
                at, start, size = end, offset, 0
        return parts
