"""Storing blobs: deduplicate, compress, seal, prove, pack, write.

Crash-safe order:

1. Seal each blob, then open, decode and hash what was sealed: only proven bytes go on.
2. Fill a pack; when it is full, seal its header and write it to the store. The store gives back
   control only when the pack is durable.
3. Report the pack. Its blobs go into an index file only after that, and a snapshot that needs
   them is written only after the index file (`backup.create`).
"""

import hashlib
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple

from backup.claims import Claims, KnownIds
from backup.crypto import Envelope, MasterKey
from backup.errors import BackupError, DamagedError
from backup.frames import Compression, Compressor, Decompressor
from backup.packs import BlobType, FinishedPack, PackBuilder, PackedBlob
from backup.repository import pack_key
from backup.stores.base import Buffer, Store

if TYPE_CHECKING:  # costs a hundredth of a second, and an unchanged tree writes no pack
    from concurrent.futures import Future, ThreadPoolExecutor


class StoredPack(NamedTuple):
    """A pack that is durable in the store.

    Attributes:
        id: Its id.
        size: Its bytes.
        blobs: What it holds, in file order.
    """

    id: bytes
    size: int
    blobs: list[PackedBlob]


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
        """
        self._store = store
        self._type = blob_type
        self._envelope = Envelope(key)
        self._compressor = Compressor(compression)
        self._decompressor = Decompressor()
        self._known = known
        self._claims = claims
        self._on_pack = on_pack
        self._builder = PackBuilder()
        self._background = background
        self._thread: ThreadPoolExecutor | None = None
        self._writing: tuple[FinishedPack, Future[None]] | None = None
        self._dry_run = dry_run
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
        sealed = self._envelope.seal(plaintext if frame is None else frame)
        self._prove(blob_id, sealed, plain_length)
        self._builder.add(blob_id, self._type, sealed, plain_length)
        self._count += 1
        self._plain_bytes += len(plaintext)
        self._packed_bytes += len(sealed)
        if self._builder.is_full:
            self._finish_pack()

    def _compress(self, plaintext: Buffer) -> bytes | None:
        if self._type == BlobType.TREE:
            return self._compressor.compress_always(plaintext)
        return self._compressor.compress_data(plaintext)

    def _prove(self, blob_id: bytes, sealed: bytes, plain_length: int) -> None:
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

    def _finish_pack(self) -> None:
        self._wait_for_pack()
        finished = self._builder.finish(self._envelope)
        if self._dry_run:
            return
        if self._background:
            if self._thread is None:
                from concurrent.futures import ThreadPoolExecutor

                self._thread = ThreadPoolExecutor(1, "packs")
            writing = self._thread.submit(self._store.write, pack_key(finished.id), finished.data)
            self._writing = (finished, writing)
        else:
            self._store.write(pack_key(finished.id), finished.data)
            self._on_pack(StoredPack(finished.id, len(finished.data), finished.blobs))

    def _wait_for_pack(self) -> None:
        if self._writing is not None:
            finished, writing = self._writing
            self._writing = None
            writing.result()
            self._on_pack(StoredPack(finished.id, len(finished.data), finished.blobs))

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
        if len(self._builder):
            self._finish_pack()
        self._wait_for_pack()
        self._is_intact = True

    def close(self) -> None:
        """End the writing thread; an open pack is dropped."""
        if self._thread is not None:
            self._thread.shutdown(wait=True)
