"""What a restore reads, from a repository at hand."""

from collections.abc import Callable
from functools import cached_property, partial
from typing import TYPE_CHECKING

from backup.format.pack import ID_LENGTH, BlobType, pack_key
from backup.repository.repository import Repository
from backup.restorer.batches import MOST_BYTES, MOST_FAR_BYTES
from backup.restorer.blob_reader import BlobReader, CarefulReader, PackReader
from backup.restorer.orders import Piece
from backup.restorer.trees import TreeReader
from backup.restorer.workers import Seats, usual_width
from backup.stores.reopen import recipe_of, transfers_at_once
from backup.workers.processes import Message

if TYPE_CHECKING:  # numpy behind it costs a tenth of a second, and who has no repository needs none
    from backup.repository.index import Index


class RepositoryContent:
    """See `backup.restorer.content.Content`; the index is read when it is first needed."""

    def __init__(self, repository: Repository) -> None:
        self._repository = repository
        self._keys: dict[int, str] = {}

    @cached_property
    def index(self) -> "Index":
        """The repository's, as it was when it was first needed."""
        return self._repository.load_index()

    @cached_property
    def _trees(self) -> TreeReader:
        return TreeReader(self._repository, self.index)

    @property
    def size_bytes(self) -> int:
        """See `Content.size_bytes`."""
        return int(self.index.sizes().sum())

    @property
    def most_bytes(self) -> int:
        """See `Content.most_bytes`."""
        return MOST_FAR_BYTES if self.is_far else MOST_BYTES

    @property
    def is_far(self) -> bool:
        """Whether several reads should be on their way at once."""
        return transfers_at_once(self._repository.store) > 1

    @property
    def secret(self) -> Message:
        """The master key."""
        return tuple(self._repository.key)

    def load_tree(self, tree_id: bytes) -> bytes:
        """See `Content.load_tree`."""
        return self._trees.load(tree_id)

    def load_data(self, blob_id: bytes) -> bytes:
        """Read a data blob from every place where the repository has it, and try twice.

        Raises:
            DamagedError: It is lost, or damaged in every place.
            StoreError: The store failed.
        """
        return self._repository.load_blob(self.index, blob_id, expected=BlobType.DATA)

    def look_up(self, ids: bytes) -> list[Piece | None]:
        """See `Content.look_up`."""
        index = self.index
        if not ids or not len(index):
            return [None] * (len(ids) // ID_LENGTH)
        positions = index.positions(ids)
        packs = index.pack_numbers()[positions].tolist()
        offsets = index.offsets()[positions].tolist()
        lengths = index.sizes()[positions].tolist()
        plain = index.plain_sizes()[positions].tolist()
        split = [ids[at : at + ID_LENGTH] for at in range(0, len(ids), ID_LENGTH)]
        found = zip(packs, offsets, lengths, plain, split, strict=True)
        return [
            None if position < 0 else piece
            for position, piece in zip(positions.tolist(), found, strict=True)
        ]

    def key_of(self, pack: int) -> str:
        """See `Content.key_of`."""
        key = self._keys.get(pack)
        if key is None:
            key = self._keys[pack] = pack_key(self.index.pack_ids[pack])
        return key

    def reader(self) -> BlobReader:
        """See `Content.reader`."""
        return PackReader(self._repository.store, self._repository.key)

    def careful_reader(self) -> BlobReader:
        """See `Content.careful_reader`."""
        return CarefulReader(self.load_data)

    def make_seats(self, workers: int | None) -> Callable[[], Seats] | None:
        """See `Content.make_seats`: none where the store lives in this process alone."""
        store = self._repository.store
        width = usual_width(store) if workers is None else workers
        recipe = recipe_of(store, share=max(1, width))
        if recipe is None or width < 1:
            return None
        return partial(Seats, [recipe] * width)
