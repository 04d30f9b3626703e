"""Storing blobs: deduplicate, compress, seal, prove, pack, write.

Crash-safe order:

1. Seal each blob, then open, decode and hash what was sealed: only proven bytes go on.
2. Fill a pack; when it is full, seal its header and write it to the store. The store gives back
   control only when the pack is durable.
3. Report the pack. Its blobs go into an index file only after that, and a snapshot that needs
   them is written only after the index file (`backup.archiver.create`).
"""

import hashlib
from collections.abc import Callable, Sequence
from typing import NamedTuple

from backup.archiver.known_blobs import Claims, KnownIds
from backup.errors import BackupError, DamagedError
from backup.format.compression import Compression, Compressor, Decompressor
from backup.format.crypto import OVERHEAD, Envelope, MasterKey
from backup.format.pack import TARGET_SIZE, BlobType
from backup.repository.packer import PackWriter, StoredPack
from backup.stores.base import Buffer, Store


class Totals(NamedTuple):
    """What was new.

    Attributes:
        blobs: Number of blobs stored.
        plain_bytes: Their length before compression.
        packed_bytes: Their length in packs.
    """

    blobs: int
    plain_bytes: int
    packed_bytes: int


class BlobStorer:
    """Stores the blobs of one type that nobody has stored yet. For one thread."""

    def __init__(  # noqa: PLR0913 -- its seams, all needed
        self,
        store: Store,
        key: MasterKey,
        blob_type: BlobType,
        *,
        compression: Compression,
        known: KnownIds,
        claims: Claims,
        on_pack: Callable[[StoredPack], None],
        background: bool = True,
        dry_run: bool = False,
        pack_size: int = TARGET_SIZE,
    ) -> None:
        """Set up.

        Args:
            store: Where packs go.
            key: The master key.
            blob_type: All blobs stored here are of this type; packs are never mixed.
            compression: As asked; trees are compressed in any case.
            known: Ids that are in the repository already.
            claims: Ids met in this run, perhaps shared with other processes.
            on_pack: Told of each durable pack, always in the caller's thread.
            background: Write packs in a thread beside the caller.
            dry_run: Do everything but write.
            pack_size: Bytes with which a pack is full.
        """
        self._type = blob_type
        self._is_tree = blob_type == BlobType.TREE  # asked for each blob
        self._envelope = Envelope(key)
        self._compressor = Compressor(compression)
        self._decompressor = Decompressor()
        self._known = known
        self._claims = claims
        self._writer = PackWriter(
            store,
            self._envelope,
            on_pack,
            background=background,
            dry_run=dry_run,
            pack_size=pack_size,
        )
        self._is_intact = True
        self._plain_bytes = self._packed_bytes = self._count = 0

    @property
    def totals(self) -> Totals:
        """What was new so far."""
        return Totals(self._count, self._plain_bytes, self._packed_bytes)

    def store(self, blobs: Sequence[tuple[bytes, Buffer]]) -> None:
        """Store those of (id, plaintext) that are new; ids must be the hashes of the plaintexts.

        Raises:
            DamagedError: A sealed blob did not open to what was sealed.
            StoreError: A pack could not be written.
        """
        known, add = self._known, self._claims.add
        self._is_intact = False
        for blob_id, plaintext in blobs:
            if blob_id not in known and add(blob_id):
                self._store_new(blob_id, plaintext)
        self._is_intact = True

    def _store_new(self, blob_id: bytes, plaintext: Buffer) -> None:
        frame = self._compress(plaintext)
        plain_length = 0 if frame is None else len(plaintext)
        message = plaintext if frame is None else frame
        sealed = self._writer.reserve(self._type, len(message) + OVERHEAD)
        self._envelope.seal_into(message, sealed)
        self._prove(blob_id, sealed, plain_length)
        self._writer.keep(blob_id, self._type, len(sealed), plain_length)
        self._count += 1
        self._plain_bytes += len(plaintext)
        self._packed_bytes += len(sealed)

    def _compress(self, plaintext: Buffer) -> bytes | None:
        if self._is_tree:
            return self._compressor.compress_always(plaintext)
        return self._compressor.compress_data(plaintext)

    def _prove(self, blob_id: bytes, sealed: Buffer, plain_length: int) -> None:
        decoded = self._envelope.open(sealed)
        if plain_length:
            decoded = self._decompressor.decompress(decoded, plain_length)
        if hashlib.sha256(decoded).digest() != blob_id:
            raise DamagedError(
                "blob {id} did not decode to what was encoded",
                why="the memory, processor or a library of this machine is faulty, "
                "or the bytes changed under us",
                data="the blob was not stored; nothing that was stored before is touched",
                next_step="run the command again; if this comes back, test the memory",
                id=blob_id.hex()[:8],
            )

    def flush(self) -> None:
        """Finish the open pack, and come back when everything is durable and reported.

        Raises:
            BackupError: An error or an interruption struck in the middle of storing, so that what
                was taken may lie in no pack, or in one that is not whole.
            StoreError: A pack could not be written.
        """
        if not self._is_intact:
            raise BackupError("storing was interrupted, so not everything taken is stored")
        self._is_intact = False
        self._writer.flush()
        self._is_intact = True

    def close(self) -> None:
        """End the writing thread; an open pack is dropped."""
        self._writer.close()
