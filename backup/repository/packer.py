"""Filling packs and writing them: what storing, repacking and copying have in common.

A pack that is full is written beside the caller where that is wanted; the caller fills the next one
meanwhile. Where the store lies behind a network, several are on their way at once. Each is reported
once the store says that it is durable, in the order they were filled.
"""

from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

from backup.format.crypto import Envelope
from backup.format.index_file import encode_pack
from backup.format.pack import (
    TARGET_SIZE,
    BlobType,
    FinishedPack,
    PackBuilder,
    PackedBlob,
    pack_key,
)
from backup.stores.base import Buffer, Store
from backup.stores.reopen import transfers_at_once
from backup.workers.processes import Message

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


class PackWriter:
    """Fills packs, data and trees apart, and writes each that is full. For one thread."""

    def __init__(
        self,
        store: Store,
        envelope: Envelope,
        on_pack: Callable[[StoredPack], None],
        *,
        background: bool,
        dry_run: bool = False,
        pack_size: int = TARGET_SIZE,
    ) -> None:
        """Set up.

        Args:
            store: Where packs go.
            envelope: Seals their headers.
            on_pack: Told of each durable pack, always in the caller's thread.
            background: Write packs in threads beside the caller.
            dry_run: Do everything but write.
            pack_size: Bytes with which a pack is full.
        """
        self._store = store
        self._envelope = envelope
        self._on_pack = on_pack
        self._background = background
        self._dry_run = dry_run
        self._builders = {blob_type: PackBuilder(pack_size) for blob_type in BlobType}
        self._at_once = transfers_at_once(store)
        self._threads: ThreadPoolExecutor | None = None
        self._writing: deque[tuple[StoredPack, Future[None]]] = deque()

    def add(
        self, blob_id: bytes, blob_type: BlobType, sealed: Buffer, uncompressed_length: int
    ) -> None:
        """Put one proven blob into a pack.

        Raises:
            StoreError: A pack could not be written.
        """
        self.reserve(blob_type, len(sealed))[:] = sealed
        self.keep(blob_id, blob_type, len(sealed), uncompressed_length)

    def reserve(self, blob_type: BlobType, length: int) -> memoryview:
        """Give room in a pack, to seal and prove a blob there; it counts once `keep` is called."""
        return self._builders[blob_type].reserve(length)

    def keep(
        self, blob_id: bytes, blob_type: BlobType, length: int, uncompressed_length: int
    ) -> None:
        """Count the proven blob in the room given last.

        Raises:
            StoreError: A pack could not be written.
        """
        builder = self._builders[blob_type]
        builder.keep(blob_id, blob_type, length, uncompressed_length)
        if builder.is_full:
            self._finish(builder)

    def flush(self) -> None:
        """Finish the open packs; comes back when everything is durable and reported.

        Raises:
            StoreError: A pack could not be written.
        """
        for builder in self._builders.values():
            if len(builder):
                self._finish(builder)
        self._wait(0)

    def _finish(self, builder: PackBuilder) -> None:
        self._wait(self._at_once - 1)
        pack = builder.finish(self._envelope)
        if self._dry_run:
            return
        stored = StoredPack(pack.id, len(pack.data), pack.blobs)
        if self._background:
            self._writing.append((stored, self._submit(pack)))
        else:
            self._store.write(pack_key(pack.id), pack.data)
            self._on_pack(stored)

    def _submit(self, pack: FinishedPack) -> "Future[None]":
        if self._threads is None:
            from concurrent.futures import ThreadPoolExecutor

            self._threads = ThreadPoolExecutor(self._at_once, "packs")
        return self._threads.submit(self._store.write, pack_key(pack.id), pack.data)

    def _wait(self, most: int) -> None:
        """Report what is durable, and wait until at most so many are still on their way."""
        while self._writing and (len(self._writing) > most or self._writing[0][1].done()):
            stored, writing = self._writing.popleft()
            writing.result()
            self._on_pack(stored)

    def close(self) -> None:
        """End the writing threads; open packs are dropped."""
        if self._threads is not None:
            self._threads.shutdown(wait=True)


def pack_message(pack: StoredPack) -> Message:
    """Tell the parent about a durable pack."""
    return ("pack", len(pack.blobs), encode_pack(pack.id, pack.blobs))
