"""Counting what snapshots hold, in the four ways of restic's ``stats``."""

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Literal, NamedTuple

import numpy as np

from backup.errors import DamagedError
from backup.format.crypto import OVERHEAD
from backup.format.snapshot import Snapshot
from backup.format.tree import Node
from backup.repository.index import Index
from backup.repository.repository import Repository
from backup.repository.used_blobs import find_used
from backup.snapshots.walk import TreeReader, walk

Mode = Literal["restore-size", "files-by-contents", "blobs-per-file", "raw-data"]
MODES: tuple[Mode, ...] = ("restore-size", "files-by-contents", "blobs-per-file", "raw-data")


class Count(NamedTuple):
    """The figures; 0 for those that a mode does not count.

    Attributes:
        size: Bytes, counted as the mode says.
        files: Entries.
        blobs: Pieces of files.
        uncompressed: raw-data only: bytes before compression, envelopes included.
        compressed_plain: raw-data only: of the compressed blobs, bytes before compression.
        compressed: raw-data only: of the compressed blobs, bytes as stored.
    """

    size: int = 0
    files: int = 0
    blobs: int = 0
    uncompressed: int = 0
    compressed_plain: int = 0
    compressed: int = 0


def count_snapshots(
    repository: Repository, index: Index, snapshots: Sequence[Snapshot], mode: Mode
) -> Count:
    """Count what some snapshots hold together.

    Args:
        repository: Where they lie.
        index: Read after the snapshots were listed.
        snapshots: Which ones.
        mode: ``restore-size``: what restoring each of them would write, a file with several names
            once. ``files-by-contents``: each content once. ``blobs-per-file``: each blob once a
            path. ``raw-data``: each blob once, as stored.

    Raises:
        DamagedError: A tree cannot be read.
        StoreError: The store failed.
    """
    if mode == "raw-data":
        return _count_stored(repository, index, snapshots)
    kinds: dict[Mode, Callable[[Index], _Counter]] = {
        "restore-size": _RestoreSize,
        "files-by-contents": _Contents,
        "blobs-per-file": _BlobsPerFile,
    }
    counter = kinds[mode](index)
    reader = TreeReader(repository, index)
    for snapshot in snapshots:
        counter.next_snapshot()
        for entry in walk(reader, snapshot.tree):
            counter.add(entry.path, entry.node)
    return counter.count()


class _Counter(ABC):
    """Counts entry by entry."""

    def __init__(self, index: Index) -> None:
        self._index = index
        self._size = 0
        self._files = 0
        self._blobs = 0

    def next_snapshot(self) -> None:  # noqa: B027 -- most have nothing to do
        """Begin another snapshot."""

    @abstractmethod
    def add(self, path: bytes, node: Node) -> None:
        """Count one entry."""

    def count(self) -> Count:
        """Give the figures."""
        return Count(self._size, self._files, self._blobs)


class _RestoreSize(_Counter):
    def next_snapshot(self) -> None:
        self._linked: set[tuple[int, int]] = set()

    def add(self, path: bytes, node: Node) -> None:
        del path
        self._files += 1
        if node.links > 1 and node.inode:
            inode = (node.inode, node.device_id)
            if inode in self._linked:
                return
            self._linked.add(inode)
        self._size += node.size


class _Contents(_Counter):
    def __init__(self, index: Index) -> None:
        super().__init__(index)
        self._seen: set[bytes] = set()

    def _is_new(self, node: Node) -> bool:
        # What has no content counts as one empty file, all together.
        digest = hashlib.sha256(node.content or b"").digest()
        if digest in self._seen:
            return False
        self._seen.add(digest)
        return True

    def add(self, path: bytes, node: Node) -> None:
        del path
        if self._is_new(node):
            self._files += 1
            self._size += node.size


class _BlobsPerFile(_Contents):
    def __init__(self, index: Index) -> None:
        super().__init__(index)
        self._by_path: dict[bytes, set[bytes]] = {}

    def add(self, path: bytes, node: Node) -> None:
        if not self._is_new(node):
            return
        for blob_id in node.content_ids():
            known = self._by_path.setdefault(path, set())
            if blob_id not in known:
                known.add(blob_id)
                place = self._index.find(blob_id)
                self._size += place.blob.plaintext_length if place is not None else 0
                self._blobs += 1

    def count(self) -> Count:
        return Count(self._size, len(self._by_path), self._blobs)


def _count_stored(repository: Repository, index: Index, snapshots: Sequence[Snapshot]) -> Count:
    roots = [(snapshot.tree, bytes.fromhex(snapshot.id)) for snapshot in snapshots]
    used = find_used(repository, index, roots)
    if used.unreadable:
        raise DamagedError(
            "{count} folders cannot be read",
            why="the first is tree {tree}",
            next_step="run check to see what is damaged",
            count=len(used.unreadable),
            tree=used.unreadable[0].id.hex()[:8],
        )
    stored = index.sizes()[used.marks].astype(np.int64)
    plain = index.plain_sizes()[used.marks].astype(np.int64)
    is_compressed = plain > 0
    with_envelope = np.where(is_compressed, plain + OVERHEAD, stored)
    return Count(
        size=int(stored.sum()),
        blobs=int(used.marks.sum()),
        uncompressed=int(with_envelope.sum()),
        compressed_plain=int(with_envelope[is_compressed].sum()),
        compressed=int(stored[is_compressed].sum()),
    )
