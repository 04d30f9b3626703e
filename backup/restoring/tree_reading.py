"""Reading the trees of a snapshot: those of one folder's subfolders together.

They were stored one after another, so a few reads bring them all; one by one they would cost a
request each, which on a distant store is most of the time of a restore.
"""

from collections.abc import Sequence

from backup.index import Index
from backup.packs import BlobType
from backup.repository import Repository
from backup.restoring.orders import PIECE_ID, Piece
from backup.restoring.places import Places
from backup.restoring.reading import PackReader, plain_length
from backup.trees import Node, decode_tree

# Of one folder's subfolders, how many are read ahead, and how many bytes at most.
MOST_AHEAD = 64
_MOST_BYTES = 4 << 20


class TreeReader:
    """Reads trees, some of them ahead. For one thread."""

    def __init__(self, repository: Repository, index: Index) -> None:
        self._repository = repository
        self._index = index
        self._places = Places(index)
        self._packs = PackReader(repository.store, repository.key)
        self._ahead: dict[bytes, bytes] = {}

    def load(self, tree_id: bytes) -> list[Node]:
        """Read a tree.

        Raises:
            DamagedError: It is lost, damaged or not of the known form.
            StoreError: The store failed.
        """
        tree = self._ahead.pop(tree_id, None)
        if tree is None:
            tree = self._repository.load_blob(self._index, tree_id, expected=BlobType.TREE)
        return decode_tree(tree)

    def read_ahead(self, tree_ids: Sequence[bytes]) -> None:
        """Read trees that are wanted soon; those that fail are left to `load`."""
        wanted = []
        size = 0
        for piece in self._places.look_up(b"".join(tree_ids)):
            if piece is not None:
                size += plain_length(piece)
                if size > _MOST_BYTES:
                    break
                wanted.append(piece)
        packs = {piece[0]: self._places.key_of(piece[0]) for piece in wanted}
        for piece, tree in self._packs.read(wanted, packs).items():
            if isinstance(tree, bytes):
                self._ahead[_id_of(piece)] = tree

    def is_ahead(self, tree_id: bytes) -> bool:
        """Whether a tree has been read ahead."""
        return tree_id in self._ahead


def _id_of(piece: Piece) -> bytes:
    blob_id = piece[PIECE_ID]
    assert isinstance(blob_id, bytes)  # noqa: S101 -- by its type
    return blob_id
