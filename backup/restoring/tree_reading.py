"""Reading the trees of a snapshot, and with each what lies around it."""

from backup.crypto import Envelope
from backup.errors import BackupError
from backup.frames import Decompressor
from backup.index import Index
from backup.packs import BlobType
from backup.repository import Repository, open_blob, pack_key
from backup.restoring.nearby import NearbyReads
from backup.tree_decoding import OnBad, decode_tree
from backup.trees import Node


class TreeReader:
    """Reads trees. For one thread."""

    def __init__(self, repository: Repository, index: Index) -> None:
        self._repository = repository
        self._index = index
        self._nearby = NearbyReads(repository.store)
        self._envelope = Envelope(repository.key)
        self._decompressor = Decompressor()

    def load(self, tree_id: bytes, on_bad: OnBad) -> list[Node]:
        """Read a tree.

        Args:
            tree_id: Its id.
            on_bad: Told of each entry that cannot be what it says.

        Raises:
            DamagedError: It is lost, damaged or not of the known form.
            StoreError: The store failed.
        """
        tree = self._load_nearby(tree_id)
        if tree is None:
            tree = self._repository.load_blob(self._index, tree_id, expected=BlobType.TREE)
        return decode_tree(tree, on_bad)

    def _load_nearby(self, tree_id: bytes) -> bytes | None:
        """Read it the quick way; None where that fails, and the careful way is to be tried."""
        place = next(
            (it for it in self._index.find_all(tree_id) if it.blob.type == BlobType.TREE), None
        )
        if place is None:
            return None
        key, blob = pack_key(place.pack), place.blob
        try:
            sealed = self._nearby.read(key, blob.offset, blob.length)
            return open_blob(blob, sealed, self._envelope, self._decompressor)
        except BackupError:
            self._nearby.forget(key)
            return None
