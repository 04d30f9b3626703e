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
from backup.archiver.scan_cache import ScanCache
from backup.archiver.walk_state import Counts, ItemError, Memory
from backup.archiver.walker import RACY_NANOSECONDS, Walker
from backup.errors import BackupError, SourceError
from backup.format.key_file import current_username
from backup.format.snapshot import Snapshot
from backup.format.times import format_local_time, parse_nanoseconds
from backup.format.tree import Node, encode_node, encode_tree
from backup.progress import SILENT, Progress
from backup.repository.locks import Lock
from backup.repository.repository import Repository
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
        key = _cache_key(self._request)
        if self._request.force:
            return ScanCache.load(folder, key, ())
        return ScanCache.load(folder, key, self._index_files)

    def run(self) -> BackupResult:
        try:
            self._progress.start("back up", None, "bytes")
            root = self._read_all()
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
        return self._save_place(places, nodes)

    def _read(self, mount: Mount, trees: PreviousFolder) -> Node | str | None:
        *above, name = mount.at.strip(b"/").split(b"/")
        previous = trees
        for part in above:
            previous = previous.below(part)
        if isinstance(mount.source, FolderSource | RemoteSource):
            return self._walk(mount.source, name, previous)
        return self._read_stream(mount, name)

    def _walk(
        self, source: FolderSource | RemoteSource, name: bytes, previous: PreviousFolder
    ) -> Node | str | None:
        memory = Memory(
            self._cache.entries,
            vouches_for_previous=self._parent is not None
            and self._parent.tree in self._cache.tree_ids,
        )
        walker = self._make_walker(source, memory)

        def checkpoint() -> None:
            self._writer.checkpoint()
            self._store_cache(walker.digests)

        try:
            return walker.walk(name, previous, checkpoint)
        finally:
            self._counts.add(walker.counts)
            self._errors += walker.errors
            self._digests |= walker.digests

    def _make_walker(self, source: FolderSource | RemoteSource, memory: Memory) -> Walker:
        if isinstance(source, FolderSource):
            return Walker(self._writer, source, memory=memory, progress=self._progress)
        from backup.archiver.remote_walker import RemoteWalker

        return RemoteWalker(self._writer, source, memory=memory, progress=self._progress)

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

    def _save_place(self, place: Place, nodes: Mapping[int, Node | str | None]) -> bytes:
        encoded = []
        for name, child in sorted(place.children.items()):
            if isinstance(child, Mount):
                node = nodes[id(child)]
            else:
                node = place_node(name, self._save_place(child, nodes), child.real_path)
            if node is not None:
                encoded.append(encode_node(node) if isinstance(node, Node) else node)
        return self._save_tree(encode_tree(encoded))

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


def _cache_key(request: BackupRequest) -> str:
    """Everything but the files themselves that decides about trees."""
    parts: list[object] = [request.hostname, request.paths]
    for mount in request.mounts:
        source = mount.source
        if isinstance(source, FolderSource):
            with suppress(OSError):
                parts.append(os.lstat(source.path).st_dev)
            parts += [mount.at, source.path, source.one_file_system, source.with_atime]
            parts += [sorted(source.also_enter), source.is_mount_point]
            parts.append(source.options_key)
        elif isinstance(source, RemoteSource):
            parts += [mount.at, source.host, source.folder.path]
            parts += [source.folder.one_file_system, source.folder.options_key]
    for names in ("/etc/passwd", "/etc/group"):
        with suppress(OSError):
            parts.append(os.stat(names).st_mtime_ns)
    return repr(parts)
