"""The slow way to a blob, for when the quick one found damage."""

from collections.abc import Mapping, Sequence

from backup.errors import BackupError
from backup.index import Index
from backup.packs import BlobType
from backup.repository import Repository
from backup.restoring.orders import Piece


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
