"""Making a snapshot: the backup itself.

Crash-safe order:

1. Read sources, in the order of the mounts; packs become durable as they fill.
2. Checkpoint: all packs, then an index file about them, are durable (`backup.archiver.run_writer`).
3. Prove that our lock still stands.
4. Write the snapshot. Only now is there a new one.
5. Write the local scan cache, which may be lost at any time.

Interrupted between 1 and 4 nothing refers to what was stored; a checkpoint on the way out, and
every two minutes, lets the next run find it again.
"""

import hashlib
import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import backup
from backup.archiver.mount_tree import Place, arrange, place_node
from backup.archiver.parent import PreviousFolder
from backup.archiver.request import BackupRequest, BackupResult, Mount, MountReport, find_parent
from backup.archiver.run_writer import RunWriter
from backup.archiver.scan_cache import ScanCache, cache_key
from backup.archiver.walk_state import Change, Counts, ItemError, Memory, join
from backup.archiver.walker import RACY_NANOSECONDS, Walker
from backup.errors import BackupError, SourceError
from backup.format.key_file import current_username
from backup.format.snapshot import Snapshot
from backup.format.times import format_local_time, parse_nanoseconds
from backup.format.tree import Node, encode_node, encode_tree
from backup.progress import SILENT, Progress
from backup.repository.locks import Lock
from backup.repository.repository import Repository
from backup.sources.remote.bounds import Holes
from backup.sources.remote.open import RemoteSource
from backup.sources.source import FolderSource
from backup.workers.processes import worker_count

if TYPE_CHECKING:
    from backup.archiver.workers import Seats

__all__ = [
    "BackupRequest",
    "BackupResult",
    "ItemError",
    "Mount",
    "MountReport",
    "create_snapshot",
    "find_parent",
]

# How their `program_version` begins; another writer's nodes may be written in another way.
_CANONICAL_WRITERS = ("giucong ", "restic ")


def create_snapshot(
    repository: Repository,
    request: BackupRequest,
    *,
    lock: Lock | None,
    progress: Progress = SILENT,
    seats: "Seats | None" = None,
) -> BackupResult:
    """Back up.

    Args:
        repository: Where to.
        request: What and how.
        lock: The shared lock that is held; None only for a dry run.
        progress: Told of it.
        seats: Workers that have been started already, as many as the request asks for.

    Raises:
        UsageError: The mounts make no sense.
        SourceError: A stream was not whole; there is no snapshot.
        OSError: A source does not exist at all.
        RepositoryLockedError: Our lock is gone.
        StoreError: The store failed.
    """
    return _Run(repository, request, lock, progress, seats).run()


class _Run:
    def __init__(
        self,
        repository: Repository,
        request: BackupRequest,
        lock: Lock | None,
        progress: Progress,
        seats: "Seats | None",
    ) -> None:
        self._repository = repository
        self._request = request
        self._lock = lock
        self._progress = progress
        width = worker_count() if request.workers is None else request.workers
        self._writer = RunWriter(
            repository,
            width=width,
            compression=request.compression,
            dry_run=request.dry_run,
            before_index=self._ensure_locked,
            seats=seats,
            holes=None if request.most_hole_bytes is None else Holes(request.most_hole_bytes),
        )
        self._started_at = repository.clock.now()
        self._counts = Counts()
        self._errors: list[ItemError] = []
        self._reports: list[MountReport] = []
        self._digests: dict[bytes, bytes] = {}
        self._index_files = repository.list_files("index")
        self._parent = None if request.force else request.parent
        self._cache = self._load_cache()

    def _load_cache(self) -> ScanCache:
        folder = None if self._request.dry_run else self._repository.cache
        key = cache_key(self._request)
        if self._request.force:
            return ScanCache.load(folder, key, ())
        return ScanCache.load(folder, key, self._index_files)

    def run(self) -> BackupResult:
        try:
            self._start_progress()
            root = self._read_all()
            counts = self._counts
            files = counts.total_files_processed + len(self._errors)  # unread ones were there, too
            self._progress.expect(counts.total_bytes_processed, items=files)
            self._writer.checkpoint()
            self._writer.dismiss_workers()
            result = self._write_snapshot(root)
            self._store_cache()
        except SourceError:
            self._keep_what_is_stored()
            raise
        except BackupError:
            raise  # of the store or a worker that failed nothing more can be asked
        except BaseException:
            self._keep_what_is_stored()
            raise
        finally:
            self._writer.close()
        self._progress.finish()
        return result

    def _start_progress(self) -> None:
        """Begin; the previous snapshot says how much there will be, more or less."""
        last = {} if self._parent is None else self._parent.summary
        size, files = last.get("total_bytes_processed"), last.get("total_files_processed")
        self._progress.start(
            "back up",
            size if isinstance(size, int) and size > 0 else None,
            "bytes",
            items=files if isinstance(files, int) and files > 0 else None,
        )

    def _ensure_locked(self) -> None:
        if self._lock is not None:
            self._lock.ensure_held()

    def _keep_what_is_stored(self) -> None:
        """Index what an interrupted run has stored, so that the next one need not do it again."""
        with suppress(Exception):
            if self._writer.salvage():
                self._store_cache()

    # Reading -----------------------------------------------------------------------------------

    def _read_all(self) -> bytes:
        request = self._request
        places = arrange(request.mounts, real=request.real_parents)
        trees = PreviousFolder(
            self._repository,
            self._writer,
            root=None if self._parent is None else self._parent.tree,
            trusted_before=_trusted_before(self._parent),
            is_canonical=_is_canonical(self._parent),
            leniency=request.leniency,
        )
        nodes: dict[int, Node | str | None] = {}
        for mount in request.mounts:
            before = (self._counts.total_bytes_processed, self._counts.total_files_processed)
            errors = len(self._errors)
            started_at = datetime.now(UTC)
            nodes[id(mount)] = self._read(mount, trees)
            self._reports.append(
                MountReport(
                    at=mount.at,
                    started_at=started_at,
                    ended_at=datetime.now(UTC),
                    bytes=self._counts.total_bytes_processed - before[0],
                    files=self._counts.total_files_processed - before[1],
                    errors=len(self._errors) - errors,
                )
            )
        return self._save_place(places, nodes, b"/", trees)

    def _read(self, mount: Mount, trees: PreviousFolder) -> Node | str | None:
        *above, name = mount.at.strip(b"/").split(b"/")
        previous = trees
        for part in above:
            previous = previous.below(part)
        if isinstance(mount.source, FolderSource | RemoteSource):
            return self._walk(mount.source, mount.at, previous)
        return self._read_stream(mount, name)

    def _walk(
        self, source: FolderSource | RemoteSource, at: bytes, previous: PreviousFolder
    ) -> Node | str | None:
        memory = Memory(
            self._cache.entries,
            vouches_for_previous=self._parent is not None
            and self._parent.tree in self._cache.tree_ids,
        )
        walker = self._make_walker(source, memory, at)

        def checkpoint() -> None:
            self._writer.checkpoint()
            self._store_cache(walker.digests)

        try:
            return walker.walk(at.rpartition(b"/")[2], previous, checkpoint)
        finally:
            self._counts.add(walker.counts)
            self._errors += walker.errors
            self._digests |= walker.digests

    def _make_walker(
        self, source: FolderSource | RemoteSource, memory: Memory, at: bytes
    ) -> Walker:
        if isinstance(source, FolderSource):
            return Walker(self._writer, source, memory=memory, progress=self._progress, at=at)
        from backup.archiver.remote_walker import RemoteWalker

        return RemoteWalker(self._writer, source, memory=memory, progress=self._progress, at=at)

    def _read_stream(self, mount: Mount, name: bytes) -> Node:
        source = mount.source
        assert not isinstance(source, FolderSource | RemoteSource)  # noqa: S101 -- the caller has looked
        outcome: list[tuple[bytes, int]] = []

        def done(content: bytes, size: int) -> None:
            outcome.append((content, size))

        with source.open_reader() as reader:

            def read_into(view: memoryview) -> int:
                count = reader.readinto(view) or 0
                self._progress.advance(count)
                return count

            self._writer.store_stream(read_into, done)
        self._writer.drain()
        ((content, size),) = outcome
        self._counts.files_new += 1
        self._counts.total_files_processed += 1
        self._counts.total_bytes_processed += size
        when = int(self._request.time.timestamp()) * 1_000_000_000
        return Node(
            name=name,
            type="file",
            mode=source.mode,
            mtime=when,
            atime=when,
            ctime=when,
            uid=os.getuid(),
            gid=os.getgid(),
            size=size,
            links=1,
            content=content,
        )

    # The folders above the mounts --------------------------------------------------------------

    def _save_place(
        self,
        place: Place,
        nodes: Mapping[int, Node | str | None],
        path: bytes,
        previous: PreviousFolder,
    ) -> bytes:
        encoded: list[str] = []
        folders: dict[bytes, str] = {}
        for name, child in sorted(place.children.items()):
            if isinstance(child, Mount):
                node = nodes[id(child)]
            else:
                tree_id = self._save_place(child, nodes, join(path, name), previous.below(name))
                node = place_node(name, tree_id, child.real_path)
            if node is None:
                continue
            encoded.append(encode_node(node) if isinstance(node, Node) else node)
            if isinstance(node, Node) and node.type == "dir":
                folders[join(path, name)] = encoded[-1]
        tree_id = self._save_tree(encode_tree(encoded))
        self._count_folders(folders, previous, is_known=tree_id in self._cache.tree_ids)
        return tree_id

    def _count_folders(
        self, folders: Mapping[bytes, str], previous: PreviousFolder, *, is_known: bool
    ) -> None:
        """Count the folders above the sources, and those that are sources; see `counting`.

        Args:
            folders: Their nodes, by path.
            previous: The folder that they lie in, as it was.
            is_known: Whether that very folder was saved by the last run.
        """
        for path, node in folders.items():
            earlier: str | None = node
            # What is known needs no look at the previous trees, for which the index is loaded.
            if not is_known or self._parent is None:
                earlier = previous.text(path.rpartition(b"/")[2])
            change: Change = "new" if earlier is None else "modified"
            if earlier == node:
                change = "unchanged"
            self._counts.count("dirs", change)
            if self._progress.wants_items:
                self._progress.item(change, path + b"/", 0)

    def _save_tree(self, tree: bytes) -> bytes:
        tree_id = hashlib.sha256(tree).digest()
        if tree_id not in self._cache.tree_ids:
            self._writer.save_tree(tree)
        self._digests[tree_id[:16]] = tree_id
        return tree_id

    # Finishing ---------------------------------------------------------------------------------

    def _write_snapshot(self, root: bytes) -> BackupResult:
        request = self._request
        summary = self._summarize()
        unchanged = self._parent is not None and self._parent.tree == root
        snapshot_id = None
        if not request.dry_run and not (request.skip_if_unchanged and unchanged):
            self._ensure_locked()
            snapshot_id = self._repository.save_snapshot(
                Snapshot(
                    time=request.time,
                    tree=root,
                    paths=tuple(sorted(request.paths)),
                    hostname=request.hostname,
                    username=current_username(),
                    uid=os.getuid(),
                    gid=os.getgid(),
                    excludes=request.excludes,
                    tags=request.tags,
                    parent="" if self._parent is None else self._parent.id,
                    program_version=f"giucong {backup.__version__}",
                    summary=summary,
                )
            )
        return BackupResult(
            snapshot_id=snapshot_id,
            tree_id=root,
            outcome="incomplete" if self._errors else "ok",
            errors=tuple(self._errors),
            summary=summary,
            parent_id="" if self._parent is None else self._parent.id,
            mounts=tuple(self._reports),
        )

    def _summarize(self) -> dict[str, object]:
        data, trees = self._writer.totals()
        return {
            "backup_start": format_local_time(self._started_at),
            "backup_end": format_local_time(self._repository.clock.now()),
            **asdict(self._counts),
            "data_blobs": data.blobs,
            "tree_blobs": trees.blobs,
            "data_added": data.plain_bytes + trees.plain_bytes,
            "data_added_packed": data.packed_bytes + trees.packed_bytes,
        }

    def _store_cache(self, more: Mapping[bytes, bytes] | None = None) -> None:
        digests = {**self._digests, **(more or {})}
        if digests != self._cache.entries or self._writer.index_files:
            # Files may have come between our listing and our reading of the index.
            read = self._writer.index_read.union(self._index_files)
            self._cache.store(digests, [*read, *self._writer.index_files])


def _is_canonical(parent: Snapshot | None) -> bool:
    """Whether the parent's trees are surely written byte for byte as restic and we write them."""
    return parent is not None and parent.program_version.startswith(_CANONICAL_WRITERS)


def _trusted_before(parent: Snapshot | None) -> int:
    if parent is None:
        return 0
    text = parent.summary.get("backup_start")
    start = parse_nanoseconds(text) if isinstance(text, str) else None
    if start is None:
        start = int(parent.time.timestamp()) * 1_000_000_000
    return start - RACY_NANOSECONDS
