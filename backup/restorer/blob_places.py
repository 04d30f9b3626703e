"""Where the content of many files lies, looked up for a whole folder at once.

And the slow way to a blob, for when the quick one found damage.
"""

from collections.abc import Mapping, Sequence

from backup.errors import BackupError, DamagedError
from backup.format.pack import ID_LENGTH, BlobType, pack_key
from backup.format.tree import Node
from backup.repository.index import Index
from backup.repository.repository import Repository
from backup.restorer.blob_reader import plain_length
from backup.restorer.orders import Piece


class CarefulReader:
    """Reads pieces one by one from every place where the repository has them, and tries twice."""

    def __init__(self, repository: Repository, index: Index) -> None:
        self._repository = repository
        self._index = index

    def read(
        self, pieces: Sequence[Piece], packs: Mapping[int, str]
    ) -> Mapping[Piece, bytes | BackupError]:
        """See `BlobReader.read`."""
        del packs
        found: dict[Piece, bytes | BackupError] = {}
        for piece in pieces:
            _, _, _, _, blob_id = piece
            found[piece] = self._load(blob_id)
        return found

    def _load(self, blob_id: bytes) -> bytes | BackupError:
        try:
            return self._repository.load_blob(self._index, blob_id, expected=BlobType.DATA)
        except BackupError as error:
            return error


class Places:
    """Looks pieces up in an index."""

    def __init__(self, index: Index) -> None:
        self._index = index
        self._keys: dict[int, str] = {}

    def find(self, nodes: Sequence[Node]) -> list[tuple[Piece, ...] | DamagedError]:
        """Give the pieces of each file, or why it cannot be put together."""
        pieces = self.look_up(b"".join([node.content or b"" for node in nodes]))
        found: list[tuple[Piece, ...] | DamagedError] = []
        at = 0
        for node in nodes:
            end = at + len(node.content or b"") // ID_LENGTH
            own = pieces[at:end]
            at = end
            found.append(_check(node, own))
        return found

    def look_up(self, ids: bytes) -> list[Piece | None]:
        """Give the place of each of the joined ids; None for one that is not in the index."""
        if not ids:
            return []
        positions = self._index.positions(ids)
        packs = self._index.pack_numbers()[positions].tolist()
        offsets = self._index.offsets()[positions].tolist()
        lengths = self._index.sizes()[positions].tolist()
        plain = self._index.plain_sizes()[positions].tolist()
        split = [ids[at : at + ID_LENGTH] for at in range(0, len(ids), ID_LENGTH)]
        found = zip(packs, offsets, lengths, plain, split, strict=True)
        return [
            None if position < 0 else piece
            for position, piece in zip(positions.tolist(), found, strict=True)
        ]

    def key_of(self, pack: int) -> str:
        """Give the store key of a pack by its number."""
        key = self._keys.get(pack)
        if key is None:
            key = self._keys[pack] = pack_key(self._index.pack_ids[pack])
        return key


def _check(node: Node, pieces: Sequence[Piece | None]) -> tuple[Piece, ...] | DamagedError:
    if node.content is None:
        return DamagedError("its entry names no content, yet a size of {size}", size=node.size)
    present = tuple(piece for piece in pieces if piece is not None)
    if len(present) < len(pieces):
        lost = pieces.index(None) * ID_LENGTH
        return DamagedError(
            "data blob {id} is not in the index",
            next_step="run repair index; if it stays lost, restore an older snapshot",
            id=node.content[lost : lost + ID_LENGTH].hex()[:8],
        )
    length = plain_length(present[0]) if len(present) == 1 else sum(map(plain_length, present))
    if length != node.size:
        return DamagedError(
            "its content has {length} bytes where its entry says {size}",
            length=length,
            size=node.size,
        )
    return present
