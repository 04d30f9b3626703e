"""What a restore reads, and from where: the one seam between it and a repository.

Who restores need not hold the repository's key, nor reach its store: both may be another process's
(`backup.restorer.serving`). Whatever is given is proven here again by its id.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

from backup.errors import BackupError
from backup.restorer.blob_reader import BlobReader
from backup.restorer.orders import Piece
from backup.workers.processes import Message

if TYPE_CHECKING:  # they open readers of this in their turn
    from backup.restorer.workers import Seats


class ContentGoneError(BackupError):
    """Nothing more can be read at all, so that going on would only leave out the rest."""


class Content(Protocol):
    """What the repository holds. For one thread; workers have readers of their own."""

    @property
    def size_bytes(self) -> int:
        """Bytes of all sealed blobs."""
        ...

    @property
    def most_bytes(self) -> int:
        """Bytes with which an order is full (`backup.restorer.batches`)."""
        ...

    @property
    def secret(self) -> Message:
        """What workers have to be told besides, to open their readers."""
        ...

    def load_tree(self, tree_id: bytes) -> bytes:
        """Read a tree and prove it.

        Raises:
            DamagedError: It is lost or damaged.
            StoreError: The store failed.
            ContentGoneError: Nothing can be read any more.
        """
        ...

    def look_up(self, ids: bytes) -> list[Piece | None]:
        """Give the place of each of the joined ids; None for one that is not in the index."""
        ...

    def key_of(self, pack: int) -> str:
        """Give the store key of a pack by its number."""
        ...

    def reader(self) -> BlobReader:
        """Give a reader for this process."""
        ...

    def careful_reader(self) -> BlobReader:
        """Give the slow way to a blob, for when the quick one found damage."""
        ...

    def make_seats(self, workers: int | None) -> "Callable[[], Seats] | None":
        """Give what starts workers, as many as suit where None is asked; None if none can help."""
        ...
