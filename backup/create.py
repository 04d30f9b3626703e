"""Making a snapshot: the backup itself.

Crash-safe order:

1. Read sources, in the order of the mounts; packs become durable as they fill.
2. Checkpoint: all packs, then an index file about them, are durable (`backup.writer`).
3. Prove that our lock still stands.
4. Write the snapshot. Only now is there a new one.
5. Write the local scan cache, which may be lost at any time.

Interrupted between 1 and 4 nothing refers to what was stored; a checkpoint on the way out, and
every two minutes, lets the next run find it again.
"""

import hashlib
import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Literal

import backup
from backup.errors import BackupError, UsageError
from backup.frames import Compression
from backup.keys import current_username
from backup.locks import Lock
from backup.previous import PreviousFolder
from backup.processes import worker_count
from backup.progress import SILENT, Progress
from backup.repository import Repository
from backup.scan_cache import ScanCache
from backup.scanning import RACY_NANOSECONDS, Counts, ItemError, Walker
from backup.snapshots import Snapshot
from backup.sources.files import FolderSource, Source
from backup.times import format_local_time, parse_nanoseconds
from backup.tree_building import other_node
from backup.trees import GO_DIR, Node, encode_node, encode_tree
from backup.writer import RunWriter

_SYNTHETIC_MODE = 0o755


@dataclass(frozen=True, slots=True)
class Mount:
    """One source and its place in the snapshot.

    Attributes:
        at: Absolute path in the snapshot.
        source: What is put there.
    """

    at: bytes
    source: Source


@dataclass(frozen=True, slots=True)
class BackupRequest:
    """What to back up, and how.

    Attributes:
        mounts: Sources in the order in which they are read; places must not nest.
        hostname: Whose files they are.
        paths: What the snapshot says it holds, absolute; retention groups by them.
        time: The snapshot's own time, aware, in the organisation's offset.
        tags: Labels.
        excludes: Patterns, only noted in the snapshot.
        parent: Id of the snapshot to compare with; None for the newest of this host and paths.
        force: Read everything again.
        compression: auto, off or max.
        skip_if_unchanged: Write no snapshot where the tree is that of the previous one.
        dry_run: Write nothing at all.
        real_parents: Take the folders above the mounts from the file system, as restic does;
            otherwise they are plain folders without a date.
        workers: Processes; None for as many as there are cores, 0 for this one alone.
    """

    mounts: Sequence[Mount]
    hostname: str
    paths: tuple[str, ...]
    time: datetime
    tags: tuple[str, ...] = ()
    excludes: tuple[str, ...] = ()
    parent: Snapshot | None = None
    force: bool = False
    compression: Compression = "auto"
    skip_if_unchanged: bool = False
    dry_run: bool = False
    real_parents: bool = False
    workers: int | None = None


@dataclass(frozen=True, slots=True)
class MountReport:
    """How one source was read.

    Attributes:
        at: Its place.
        started_at: When, aware UTC.
        ended_at: Until when.
        bytes: Its content in bytes.
        files: Its regular files.
        errors: How many entries are missing.
    """

    at: bytes
    started_at: datetime
    ended_at: datetime
    bytes: int
    files: int
    errors: int


@dataclass(frozen=True, slots=True)
class BackupResult:
    """What became of it.

    Attributes:
        snapshot_id: Hexadecimal id; None where none was written.
        tree_id: Id of the root tree.
        outcome: ok, or incomplete where something could not be read.
        errors: What is missing.
        summary: restic's counters, as stored in the snapshot.
        parent_id: What was compared with, or "".
        mounts: One report a mount, in their order.
    """

    snapshot_id: str | None
    tree_id: bytes
    outcome: Literal["ok", "incomplete"]
    errors: tuple[ItemError, ...]
    summary: Mapping[str, object]
    parent_id: str
    mounts: tuple[MountReport, ...]


@dataclass(slots=True)
class _Place:
    """A folder of the snapshot above the mounts."""

    children: "dict[bytes, _Place | Mount]" = field(default_factory=dict)


def create_snapshot(
    repository: Repository,
    request: BackupRequest,
    *,
    lock: Lock | None,
    progress: Progress = SILENT,
) -> BackupResult:
    """Back up.

    Args:
        repository: Where to.
        request: What and how.
        lock: The shared lock that is held; None only for a dry run.
        progress: Told of it.

    Raises:
        UsageError: The mounts make no sense.
        SourceError: A stream was not whole; there is no snapshot.
        OSError: A source does not exist at all.
        RepositoryLockedError: Our lock is gone.
        StoreError: The store failed.
    """
    return _Run(repository, request, lock, progress).run()


class _Run:
    def __init__(
        self,
        repository: Repository,
        request: BackupRequest,
        lock: Lock | None,
        progress: Progress,
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
        )
        self._started_at = repository.clock.now()
        self._counts = Counts()
        self._errors: list[ItemError] = []
        self._reports: list[MountReport] = []
        self._digests: dict[bytes, bytes] = {}
        self._tree_nodes: dict[int, Node] = {}
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
            result = self._write_snapshot(root)
            self._store_cache()
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
            self._writer.checkpoint()
            self._store_cache()

    # Reading -----------------------------------------------------------------------------------

    def _read_all(self) -> bytes:
        places = _arrange(self._request.mounts)
        trees = PreviousFolder(
            self._repository,
            self._writer,
            root=None if self._parent is None else self._parent.tree,
            trusted_before=_trusted_before(self._parent),
        )
        nodes: dict[int, Node | None] = {}
        for mount in self._request.mounts:
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
        return self._save_place(places, b"/", nodes)

    def _read(self, mount: Mount, trees: PreviousFolder) -> Node | None:
        *above, name = mount.at.strip(b"/").split(b"/")
        previous = trees
        for part in above:
            previous = previous.below(part)
        if isinstance(mount.source, FolderSource):
            return self._walk(mount.source, name, previous)
        return self._read_stream(mount, name)

    def _walk(self, source: FolderSource, name: bytes, previous: PreviousFolder) -> Node | None:
        walker = Walker(
            self._writer,
            source,
            cached=self._cache.entries,
            progress=self._progress,
        )
        try:
            return walker.walk(name, previous)
        finally:
            self._counts.add(walker.counts)
            self._errors += walker.errors
            self._digests |= walker.digests

    def _read_stream(self, mount: Mount, name: bytes) -> Node:
        source = mount.source
        assert not isinstance(source, FolderSource)  # noqa: S101 -- the caller has looked
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

    def _save_place(self, place: _Place, path: bytes, nodes: Mapping[int, Node | None]) -> bytes:
        encoded = []
        for name, child in sorted(place.children.items()):
            if isinstance(child, Mount):
                node = nodes[id(child)]
            else:
                below = path.rstrip(b"/") + b"/" + name
                node = self._place_node(name, below, self._save_place(child, below, nodes))
            if node is not None:
                encoded.append(encode_node(node))
        return self._save_tree(encode_tree(encoded))

    def _save_tree(self, tree: bytes) -> bytes:
        tree_id = hashlib.sha256(tree).digest()
        if tree_id not in self._cache.tree_ids:
            self._writer.save_tree(tree)
        self._digests[tree_id[:16]] = tree_id
        return tree_id

    def _place_node(self, name: bytes, path: bytes, subtree: bytes) -> Node:
        if self._request.real_parents:
            with suppress(OSError):
                return other_node(name, os.stat(path), path, subtree=subtree, atime=False)
        return Node(
            name=name,
            type="dir",
            mode=GO_DIR | _SYNTHETIC_MODE,
            mtime=0,
            atime=0,
            ctime=0,
            uid=0,
            gid=0,
            subtree=subtree,
        )

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

    def _store_cache(self) -> None:
        if self._digests == self._cache.entries and not self._writer.index_files:
            return
        self._cache.store(self._digests, [*self._index_files, *self._writer.index_files])


def find_parent(
    snapshots: Sequence[Snapshot], *, hostname: str, paths: Sequence[str], before: datetime
) -> Snapshot | None:
    """Choose what to compare with: the newest snapshot of this host and these very paths."""
    wanted = sorted(paths)
    fitting = [
        snapshot
        for snapshot in snapshots
        if snapshot.hostname == hostname
        and sorted(snapshot.paths) == wanted
        and snapshot.time <= before
    ]
    return max(fitting, key=lambda snapshot: snapshot.time, default=None)


def _trusted_before(parent: Snapshot | None) -> int:
    if parent is None:
        return 0
    text = parent.summary.get("backup_start")
    start = parse_nanoseconds(text) if isinstance(text, str) else None
    if start is None:
        start = int(parent.time.timestamp()) * 1_000_000_000
    return start - RACY_NANOSECONDS


def _arrange(mounts: Sequence[Mount]) -> _Place:
    """Make the folders above the mounts.

    Raises:
        UsageError: Two mounts have one place, or one lies below another.
    """
    root = _Place()
    for mount in mounts:
        *above, name = mount.at.strip(b"/").split(b"/")
        place = root
        for part in above:
            deeper = place.children.setdefault(part, _Place())
            if isinstance(deeper, Mount):
                raise _nested(mount)
            place = deeper
        if not name or name in place.children:
            raise _nested(mount)
        place.children[name] = mount
    return root


def _nested(mount: Mount) -> UsageError:
    return UsageError(
        "two things to back up have the same place {place} in the snapshot",
        data="nothing was read or written",
        next_step="name each path once, and none that lies below another",
        place=os.fsdecode(mount.at),
    )


def _cache_key(request: BackupRequest) -> str:
    """Everything but the files themselves that decides about trees."""
    parts: list[object] = [request.hostname, request.paths]
    for mount in request.mounts:
        source = mount.source
        if isinstance(source, FolderSource):
            with suppress(OSError):
                parts.append(os.lstat(source.path).st_dev)
            parts += [mount.at, source.path, source.one_file_system, source.with_atime]
            parts.append(source.options_key)
    for names in ("/etc/passwd", "/etc/group"):
        with suppress(OSError):
            parts.append(os.stat(names).st_mtime_ns)
    return repr(parts)
