"""Walking a source: which folders are unchanged, which files must be read, which tree results.

Folders are scanned depth first, entries in the order of their raw names. When all subfolders of a
folder are scanned it is decided:

- its lstat rows and its subfolders' trees are in the scan cache: its tree is known, nothing to do;
- otherwise each file that the previous snapshot's tree has with the same size, times and inode
  keeps its content, as long as the index still holds all of it; any other file is read.

A folder's tree is stored once the contents of all its files are known. Entries whose change time
is within two seconds of the scan's start are never trusted later: they may change again without a
visible trace.
"""

import hashlib
import marshal
import os
import stat
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from backup.previous import PreviousFolder
from backup.progress import Progress
from backup.reading import LARGEST_SMALL_FILE, OddFile, open_file, open_folder, read_xattrs
from backup.scan_cache import DIGEST
from backup.sources.files import FolderSource
from backup.tree_building import file_node, other_node
from backup.trees import Node, encode_node, encode_tree
from backup.writer import RunWriter

RACY_NANOSECONDS = 2_000_000_000
_MARSHAL_VERSION = 2  # later ones write the same value in different ways
_MOST_OPEN = 200
_BATCH_FILES = 256
_BATCH_BYTES = 4 << 20
_BATCH_NAME_BYTES = 64 << 10
_SOCKET = stat.S_IFSOCK


@dataclass(slots=True)
class ItemError:
    """One file or folder that is missing from the snapshot.

    Attributes:
        path: Its path.
        during: restic's word for the step, scan or archival.
        errno: The system's error number, 0 where there is none.
        text: The system's words.
    """

    path: bytes
    during: str
    errno: int
    text: str


@dataclass(slots=True)
class Counts:
    """restic's counters of one run."""

    files_new: int = 0
    files_changed: int = 0
    files_unmodified: int = 0
    dirs_new: int = 0
    dirs_changed: int = 0
    dirs_unmodified: int = 0
    total_files_processed: int = 0
    total_bytes_processed: int = 0

    def add(self, other: "Counts") -> None:
        """Add another source's counters."""
        for name in Counts.__dataclass_fields__:
            setattr(self, name, getattr(self, name) + getattr(other, name))


class _Dropped:
    """Marks an entry that is not part of its folder's tree."""


_DROPPED = _Dropped()
# What is known of an entry: nothing yet; it is left out; a node; (content, size, xattrs) of a
# file; the id of a folder's tree.
_Outcome = None | _Dropped | Node | tuple[bytes, int, tuple[tuple[str, bytes], ...]] | bytes


class Folder:
    """One folder on its way to a tree."""

    __slots__ = (
        "descriptor", "is_hit", "is_left", "names", "outcomes", "parent", "path", "place",
        "previous", "stats", "tree_id", "waiting",
    )  # fmt: skip

    def __init__(
        self, path: bytes, parent: "Folder | None", place: int, previous: PreviousFolder
    ) -> None:
        self.path = path
        self.parent = parent
        self.place = place
        self.previous = previous
        self.descriptor = -1
        self.names: list[bytes] = []
        self.stats: list[os.stat_result] = []
        self.outcomes: list[_Outcome] = []
        self.waiting = 0
        self.is_left = False
        self.is_hit = False
        self.tree_id: bytes | None = None


@dataclass(slots=True)
class _Batch:
    folders: list[tuple[bytes, list[tuple[bytes, int]]]] = field(default_factory=list)
    targets: list[tuple[Folder, int]] = field(default_factory=list)
    bytes: int = 0
    name_bytes: int = 0

    @property
    def is_full(self) -> bool:
        return (
            len(self.targets) >= _BATCH_FILES
            or self.bytes >= _BATCH_BYTES
            or self.name_bytes >= _BATCH_NAME_BYTES
        )


class Walker:
    """Walks one source. Trees and contents go through the run's writer.

    Attributes:
        counts: What was met.
        errors: What could not be read.
        digests: For each finished folder that may be trusted, digest to tree id.
    """

    def __init__(
        self,
        writer: RunWriter,
        source: FolderSource,
        *,
        cached: dict[bytes, bytes],
        progress: Progress,
    ) -> None:
        self.counts = Counts()
        self.errors: list[ItemError] = []
        self.digests: dict[bytes, bytes] = {}
        self._writer = writer
        self._source = source
        self._cached = cached
        self._progress = progress
        self._trusted_before = time.time_ns() - RACY_NANOSECONDS
        self._batch = _Batch()
        self._device = 0
        self._linked: dict[tuple[int, int], tuple[Folder, int]] = {}
        self._followers: dict[tuple[int, int], list[tuple[Folder, int]]] = {}

    # The walk ----------------------------------------------------------------------------------

    def walk(self, name: bytes, previous: PreviousFolder) -> Node | None:
        """Walk the source; gives its node under `name`, or None where it cannot be read.

        Waits until everything handed over is answered.

        Raises:
            OSError: The source itself does not exist.
        """
        path = self._source.path
        status = os.lstat(path)
        self._device = status.st_dev
        holder = Folder(os.path.realpath(os.path.dirname(path) or b"."), None, 0, previous)
        holder.names, holder.stats, holder.outcomes = [os.path.basename(path)], [status], [None]
        if stat.S_ISDIR(status.st_mode):
            holder.waiting = 1
            self._scan_all(path, holder, previous.below(name))
        else:
            self._open(holder)
            self._decide_entry(holder, 0)
            self._submit_batch()
            self._close(holder)
        self._writer.drain()
        node = self._node_of(holder, 0)
        return None if node is None else node._replace(name=name)

    def _scan_all(self, path: bytes, holder: Folder, previous: PreviousFolder) -> None:
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except OSError as error:
            self._fail(holder, 0, "scan", error)
            return
        root = Folder(os.path.abspath(path), holder, 0, previous)
        stack = [(root, self._scan(root, descriptor))]
        while stack:
            folder, places = stack[-1]
            place = next(places, None)
            if place is None:
                stack.pop()
                self._leave(folder)
                continue
            child = self._enter(folder, place)
            if child is not None:
                if len(stack) > _MOST_OPEN:
                    self._close(stack[-_MOST_OPEN][0])
                stack.append(child)
        self._submit_batch()

    def _enter(self, folder: Folder, place: int) -> tuple[Folder, Iterator[int]] | None:
        name = folder.names[place]
        try:
            descriptor = os.open(
                name,
                os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC,
                dir_fd=self._open(folder),
            )
        except OSError as error:
            self._fail(folder, place, "scan", error)
            return None
        child = Folder(_join(folder.path, name), folder, place, folder.previous.below(name))
        return child, self._scan(child, descriptor)

    def _open(self, folder: Folder) -> int:
        if folder.descriptor < 0:
            folder.descriptor = open_folder(folder.path)
        return folder.descriptor

    def _close(self, folder: Folder) -> None:
        if folder.descriptor >= 0:
            os.close(folder.descriptor)
            folder.descriptor = -1

    def _scan(self, folder: Folder, descriptor: int) -> Iterator[int]:
        """List a folder; yields the places of its subfolders in order."""
        folder.descriptor = descriptor
        found = []
        try:
            with os.scandir(descriptor) as entries:
                for entry in entries:
                    try:
                        status = entry.stat(follow_symlinks=False)
                    except FileNotFoundError:
                        continue  # it was gone before we looked at it
                    found.append((os.fsencode(entry.name), status))
        except OSError as error:
            self._report(folder.path, "scan", error)
        found.sort(key=_name_of)
        found = self._select(folder, found)
        folder.names = [name for name, _ in found]
        folder.stats = [status for _, status in found]
        folder.outcomes = [None] * len(found)
        places = [place for place, (_, status) in enumerate(found) if stat.S_ISDIR(status.st_mode)]
        folder.waiting = len(places)
        if self._source.one_file_system and places:
            places = [place for place in places if self._is_same_device(folder, place)]
        return iter(places)

    def _select(
        self, folder: Folder, found: list[tuple[bytes, os.stat_result]]
    ) -> list[tuple[bytes, os.stat_result]]:
        source = self._source
        found = [pair for pair in found if stat.S_IFMT(pair[1].st_mode) != _SOCKET]
        if source.filter_names is not None:
            names = [name for name, _ in found]
            kept = set(source.filter_names(folder.path, folder.descriptor, names))
            found = [pair for pair in found if pair[0] in kept]
        if source.is_excluded is not None:
            excluded = source.is_excluded
            found = [pair for pair in found if not excluded(_join(folder.path, pair[0]), pair[1])]
        return found

    def _is_same_device(self, folder: Folder, place: int) -> bool:
        if folder.stats[place].st_dev == self._device:
            return True
        folder.outcomes[place] = self._writer.save_tree(encode_tree(()))
        folder.waiting -= 1
        return False

    # Deciding ----------------------------------------------------------------------------------

    def _leave(self, folder: Folder) -> None:
        """Decide about a folder whose subfolders are all scanned."""
        if self._cached and self._take_cached(folder):
            self._close(folder)
            return
        self._open(folder)
        folder.previous.load()
        folder.is_left = True
        folder.waiting += 1  # until every entry has been looked at
        for place, status in enumerate(folder.stats):
            if not stat.S_ISDIR(status.st_mode):
                folder.waiting += 1
                self._decide_entry(folder, place)
        self._settle_folders(folder)
        folder.previous.forget()
        self._close(folder)
        self._arrived(folder)

    def _take_cached(self, folder: Folder) -> bool:
        if folder.waiting:
            return False
        digest = self._digest(folder)
        tree_id = self._cached.get(digest)
        if tree_id is None:
            return False
        self.digests[digest] = tree_id
        counts = self.counts
        for status in folder.stats:
            if stat.S_ISREG(status.st_mode):
                counts.files_unmodified += 1
                counts.total_files_processed += 1
                counts.total_bytes_processed += status.st_size
        counts.dirs_unmodified += 1
        self._progress.advance(
            sum(status.st_size for status in folder.stats), items=len(folder.stats)
        )
        self._resolve_folder(folder, tree_id)
        return True

    def _digest(self, folder: Folder) -> bytes:
        """Hash everything of a folder that decides about its tree."""
        rows = []
        for name, status, outcome in zip(folder.names, folder.stats, folder.outcomes, strict=True):
            subtree = outcome if isinstance(outcome, bytes) else None
            rows.append(
                (
                    name,
                    status[:2],
                    status[3:7],
                    status.st_mtime_ns,
                    status.st_ctime_ns,
                    subtree,
                    isinstance(outcome, _Dropped),
                )
            )
        packed = marshal.dumps(rows, _MARSHAL_VERSION)
        return hashlib.blake2b(packed, digest_size=DIGEST).digest()

    def _decide_entry(self, folder: Folder, place: int) -> None:
        status = folder.stats[place]
        if not stat.S_ISREG(status.st_mode):
            self._decide_special(folder, place)
            return
        self.counts.total_files_processed += 1
        known = folder.previous.find(folder.names[place])
        if known is not None and self._is_unchanged(folder, known, status):
            self.counts.files_unmodified += 1
            self.counts.total_bytes_processed += known.size
            self._progress.advance(known.size, items=1)
            folder.outcomes[place] = (known.content or b"", known.size, known.xattrs)
            self._arrived(folder)
            return
        if known is None:
            self.counts.files_new += 1
        else:
            self.counts.files_changed += 1
        if self._progress.wants_items:
            word = "new" if known is None else "modified"
            self._progress.item(word, _join(folder.path, folder.names[place]), status.st_size)
        self._read(folder, place)

    def _is_unchanged(self, folder: Folder, known: Node, status: os.stat_result) -> bool:
        return (
            known.type == "file"
            and known.mtime == status.st_mtime_ns
            and known.ctime == status.st_ctime_ns
            and known.size == status.st_size
            and known.inode == status.st_ino
            and known.ctime < folder.previous.trusted_before
            and self._writer.holds_data(known.content_ids())
        )

    def _decide_special(self, folder: Folder, place: int) -> None:
        name = folder.names[place]
        try:
            folder.outcomes[place] = other_node(
                name,
                folder.stats[place],
                _reachable(folder, name),
                subtree=None,
                atime=self._source.with_atime,
            )
        except OSError as error:
            self._drop(folder, place, "archival", error)
        self._arrived(folder)

    def _settle_folders(self, folder: Folder) -> None:
        """Make the nodes of the subfolders, while this folder is open.

        Their trees may still be unknown; the id is put in when the tree of this one is made.
        """
        for place, status in enumerate(folder.stats):
            if stat.S_ISDIR(status.st_mode) and not isinstance(folder.outcomes[place], _Dropped):
                self._settle_folder(folder, place, status)

    def _settle_folder(self, folder: Folder, place: int, status: os.stat_result) -> None:
        name = folder.names[place]
        subtree = folder.outcomes[place]
        try:
            node = other_node(
                name,
                status,
                _reachable(folder, name),
                subtree=subtree if isinstance(subtree, bytes) else None,
                atime=self._source.with_atime,
            )
        except OSError as error:
            node = other_node(
                name, status, b"/", subtree=None, atime=self._source.with_atime
            )._replace(xattrs=(), subtree=subtree if isinstance(subtree, bytes) else None)
            self._report(_join(folder.path, name), "archival", error)
        folder.outcomes[place] = node

    # Reading -----------------------------------------------------------------------------------

    def _read(self, folder: Folder, place: int) -> None:
        status = folder.stats[place]
        if status.st_nlink > 1 and self._follow_link(folder, place):
            return
        if status.st_size > LARGEST_SMALL_FILE:
            self._read_big(folder, place)
            return
        batch = self._batch
        if not batch.folders or batch.folders[-1][0] != folder.path:
            batch.folders.append((folder.path, []))
            batch.name_bytes += len(folder.path)
        batch.folders[-1][1].append((folder.names[place], status.st_size))
        batch.targets.append((folder, place))
        batch.bytes += status.st_size
        batch.name_bytes += len(folder.names[place])
        if batch.is_full:
            self._submit_batch()

    def _follow_link(self, folder: Folder, place: int) -> bool:
        """Whether another name of the same file is, or will be, read instead."""
        status = folder.stats[place]
        key = (status.st_dev, status.st_ino)
        first = self._linked.setdefault(key, (folder, place))
        if first == (folder, place):
            return False
        outcome = first[0].outcomes[first[1]]
        if outcome is None:
            self._followers.setdefault(key, []).append((folder, place))
        else:
            self._copy_outcome(outcome, folder, place)
        return True

    def _copy_outcome(self, outcome: _Outcome, folder: Folder, place: int) -> None:
        if isinstance(outcome, tuple) and not isinstance(outcome, Node):
            self._set_content(folder, place, *outcome)
            return
        self._drop(folder, place, "archival", OSError(0, "another name of this file is unreadable"))
        self._arrived(folder)

    def _submit_batch(self) -> None:
        batch, self._batch = self._batch, _Batch()
        if not batch.targets:
            return

        def answered(ids: bytes, odd: dict[int, tuple[Any, ...]]) -> None:
            for number, (folder, place) in enumerate(batch.targets):
                content = ids[32 * number : 32 * number + 32]
                if number in odd:
                    self._take_odd(folder, place, content, OddFile(*odd[number]))
                else:
                    size = folder.stats[place].st_size
                    self._set_content(folder, place, content if size else b"", size, ())

        self._writer.submit_files(batch.folders, answered)

    def _take_odd(self, folder: Folder, place: int, content: bytes, odd: OddFile) -> None:
        if odd.error is not None:
            self._drop(folder, place, "archival", OSError(*odd.error))
            self._settle_followers(folder, place)
            self._arrived(folder)
        elif odd.has_grown:
            self._read_big(folder, place)
        else:
            size = folder.stats[place].st_size if odd.size < 0 else odd.size
            self._set_content(folder, place, content if size else b"", size, odd.xattrs)

    def _read_big(self, folder: Folder, place: int) -> None:
        was_open = folder.descriptor >= 0
        try:
            parent = self._open(folder)
            descriptor = open_file(parent, folder.names[place])
        except OSError as error:
            self._fail(folder, place, "archival", error)
            self._settle_followers(folder, place)
            return
        try:
            xattrs = read_xattrs(descriptor)

            def read_into(view: memoryview) -> int:
                count = os.readv(descriptor, [view])
                self._progress.advance(count)
                return count

            def done(content: bytes, size: int) -> None:
                self._set_content(folder, place, content, size, xattrs, told=size)

            self._writer.store_stream(read_into, done)
        except OSError as error:
            self._fail(folder, place, "archival", error)
            self._settle_followers(folder, place)
        finally:
            os.close(descriptor)
            if not was_open:
                self._close(folder)

    def _set_content(
        self,
        folder: Folder,
        place: int,
        content: bytes,
        size: int,
        xattrs: tuple[tuple[str, bytes], ...],
        told: int = 0,
    ) -> None:
        folder.outcomes[place] = (content, size, tuple(xattrs))
        self.counts.total_bytes_processed += size
        self._progress.advance(size - told, items=1)
        self._settle_followers(folder, place)
        self._arrived(folder)

    def _settle_followers(self, folder: Folder, place: int) -> None:
        status = folder.stats[place]
        if status.st_nlink > 1:
            outcome = folder.outcomes[place]
            for follower in self._followers.pop((status.st_dev, status.st_ino), ()):
                self._copy_outcome(outcome, *follower)

    # Finishing ---------------------------------------------------------------------------------

    def _arrived(self, folder: Folder) -> None:
        """Count one entry that is known now; the last one finishes the folder."""
        folder.waiting -= 1
        if folder.parent is not None and folder.is_left and not folder.waiting:
            self._finish(folder)

    def _finish(self, folder: Folder) -> None:
        nodes = [
            encode_node(node)
            for place in range(len(folder.names))
            if (node := self._node_of(folder, place)) is not None
        ]
        tree_id = self._writer.save_tree(encode_tree(nodes))
        if all(status.st_ctime_ns < self._trusted_before for status in folder.stats):
            subtrees = folder.outcomes
            folder.outcomes = [
                outcome.subtree if isinstance(outcome, Node) and outcome.type == "dir" else outcome
                for outcome in subtrees
            ]
            if not any(isinstance(outcome, _Dropped) for outcome in folder.outcomes):
                self.digests[self._digest(folder)] = tree_id
        if folder.previous.tree_id is None:
            self.counts.dirs_new += 1
        elif folder.previous.tree_id == tree_id:
            self.counts.dirs_unmodified += 1
        else:
            self.counts.dirs_changed += 1
        self._resolve_folder(folder, tree_id)

    def _resolve_folder(self, folder: Folder, tree_id: bytes) -> None:
        folder.names, folder.stats, folder.outcomes = [], [], []
        parent = folder.parent
        assert parent is not None  # noqa: S101 -- only the holder has none, and it is never finished
        waiting_node = parent.outcomes[folder.place]
        if isinstance(waiting_node, Node):
            parent.outcomes[folder.place] = waiting_node._replace(subtree=tree_id)
        else:
            parent.outcomes[folder.place] = tree_id
        self._arrived(parent)

    def _node_of(self, folder: Folder, place: int) -> Node | None:
        outcome = folder.outcomes[place]
        name, status = folder.names[place], folder.stats[place]
        if isinstance(outcome, Node):
            return outcome
        if isinstance(outcome, tuple):
            content, size, xattrs = outcome
            atime = self._source.with_atime
            return file_node(name, status, content, size=size, xattrs=xattrs, atime=atime)
        if isinstance(outcome, bytes):
            path = self._source.path
            return other_node(name, status, path, subtree=outcome, atime=self._source.with_atime)
        return None

    # Errors ------------------------------------------------------------------------------------

    def _fail(self, folder: Folder, place: int, during: str, error: OSError) -> None:
        self._drop(folder, place, during, error)
        self._arrived(folder)

    def _drop(self, folder: Folder, place: int, during: str, error: OSError) -> None:
        folder.outcomes[place] = _DROPPED
        self._report(_join(folder.path, folder.names[place]), during, error)

    def _report(self, path: bytes, during: str, error: OSError) -> None:
        text = error.strerror or str(error)
        self.errors.append(ItemError(path, during, error.errno or 0, text))
        self._progress.item_error(path, during, error)


def _name_of(pair: tuple[bytes, os.stat_result]) -> bytes:
    return pair[0]


def _join(folder: bytes, name: bytes) -> bytes:
    return folder + name if folder.endswith(b"/") else folder + b"/" + name


def _reachable(folder: Folder, name: bytes) -> bytes:
    """A path to an entry of an open folder that is never too long for the kernel."""
    return b"/proc/self/fd/%d/%s" % (folder.descriptor, name)
