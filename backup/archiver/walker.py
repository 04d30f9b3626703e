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

import os
import stat
import time
from collections.abc import Callable, Iterator
from operator import attrgetter

from backup.archiver.counting import Counting
from backup.archiver.file_fetcher import Fetcher
from backup.archiver.nodes import other_node
from backup.archiver.parent import PreviousFolder
from backup.archiver.run_writer import RunWriter
from backup.archiver.scan_cache import digest_folder
from backup.archiver.unchanged import (
    encode_content,
    encode_folder,
    has_surely_changed,
    keep_unchanged,
)
from backup.archiver.walk_state import (
    DROPPED,
    Content,
    Dropped,
    Folder,
    FolderHead,
    ItemError,
    Memory,
    join,
)
from backup.format.tree import Node, encode_tree
from backup.progress import Progress
from backup.sources.local.owners import LOCAL_OWNERS, Owners
from backup.sources.local.read import list_folder, open_folder
from backup.sources.source import FolderSource

RACY_NANOSECONDS = 2_000_000_000
_MOST_OPEN = 200
_CTIME = attrgetter("st_ctime_ns")
_FOLDER_FLAGS = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC


class Walker:
    """Walks one source. Trees and contents go through the run's writer.

    Attributes:
        owners: Names the owners of what is walked.
        counts: What was met.
        errors: What could not be read.
        digests: For each finished folder that may be trusted, digest to tree id.
    """

    def __init__(
        self,
        writer: RunWriter,
        source: FolderSource,
        *,
        memory: Memory,
        progress: Progress,
        at: bytes,
    ) -> None:
        self.owners: Owners = LOCAL_OWNERS
        self.errors: list[ItemError] = []
        self.digests: dict[bytes, bytes] = {}
        self._writer = writer
        self._source = source
        self._memory = memory
        self._progress = progress
        self._counting = Counting(progress, root=os.path.abspath(source.path), at=at)
        self.counts = self._counting.counts
        self._fetcher = Fetcher(writer, self, progress)
        self._holds = None if memory.vouches_for_previous else writer.holds_data
        self._trusted_before = time.time_ns() - RACY_NANOSECONDS

    # The walk ----------------------------------------------------------------------------------

    def walk(
        self, name: bytes, previous: PreviousFolder, checkpoint: Callable[[], None]
    ) -> Node | str | None:
        """Walk the source; gives its node under `name`, or None where it cannot be read.

        Waits until everything handed over is answered.

        Args:
            name: Its name in the snapshot.
            previous: The folder that held it in the previous snapshot.
            checkpoint: Makes durable and indexed what was stored; called every other minute.

        Raises:
            OSError: The source itself does not exist.
        """
        path = self._source.path
        status = os.lstat(path)
        holder = Folder(os.path.realpath(os.path.dirname(path) or b"."), None, 0, previous)
        holder.names, holder.stats, holder.outcomes = [os.path.basename(path)], [status], [None]
        if self._source.is_mount_point:
            empty = self._writer.save_tree(encode_tree(()))
            return self._make_folder(name, status, path, empty, path)
        if stat.S_ISDIR(status.st_mode):
            holder.waiting = 1
            self._walk_below(path, holder, previous.below(name), checkpoint)
        else:
            if name != holder.names[0]:  # what the previous snapshot has under that is another file
                holder.previous = previous.below(b"")
            self._open(holder)
            self._decide_lone_entry(holder)
            self._close(holder)
        self._fetcher.finish()
        outcome = holder.outcomes[0]
        if isinstance(outcome, bytes):
            return self._make_folder(name, status, path, outcome, path)
        if isinstance(outcome, Node):
            return outcome._replace(name=name)
        if isinstance(outcome, Content):
            return self._encode_file(name, status, outcome)
        return outcome if isinstance(outcome, str) else None

    def _walk_below(
        self,
        path: bytes,
        holder: Folder,
        previous: PreviousFolder,
        checkpoint: Callable[[], None],
    ) -> None:
        try:
            descriptor = os.open(path, _FOLDER_FLAGS)
        except OSError as error:
            self._drop(holder, 0, "scan", error)
            return
        root = Folder(os.path.abspath(path), holder, 0, previous)
        stack = [(root, self._scan(root, descriptor))]
        while stack:
            if self._writer.is_checkpoint_due:
                self._fetcher.flush()
                checkpoint()
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

    def _enter(self, folder: Folder, place: int) -> tuple[Folder, Iterator[int]] | None:
        name = folder.names[place]
        try:
            parent = self._open(folder)
            descriptor = os.open(name, _FOLDER_FLAGS | os.O_NOFOLLOW, dir_fd=parent)
        except OSError as error:
            self._drop(folder, place, "scan", error)
            return None
        child = Folder(join(folder.path, name), folder, place, folder.previous.below(name))
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
        """List a folder; gives the places of its subfolders in order."""
        folder.descriptor = descriptor

        def failed(name: bytes, error: OSError) -> None:
            self._report(join(folder.path, name) if name else folder.path, "scan", error)

        found = self._source.select(folder.path, descriptor, list_folder(descriptor, failed))
        folder.names = [name for name, _ in found]
        folder.stats = [status for _, status in found]
        folder.outcomes = [None] * len(found)
        places = [place for place, (_, status) in enumerate(found) if stat.S_ISDIR(status.st_mode)]
        folder.waiting = len(places)
        if not self._source.enters_all:
            places = [place for place in places if self._enters(folder, place)]
        return iter(places)

    def _enters(self, folder: Folder, place: int) -> bool:
        """Whether a subfolder is walked; one that is not is settled as an empty one."""
        assert folder.parent is not None  # noqa: S101 -- a holder is not scanned
        device = folder.parent.stats[folder.place].st_dev
        if self._source.enters(folder.path_of(place), folder.stats[place], device):
            return True
        folder.outcomes[place] = self._writer.save_tree(encode_tree(()))
        folder.waiting -= 1
        return False

    # Deciding ----------------------------------------------------------------------------------

    def _leave(self, folder: Folder) -> None:
        """Decide about a folder whose subfolders are all scanned."""
        if self._memory.digests and not folder.waiting and self._take_remembered(folder):
            self._close(folder)
            return
        try:
            self._open(folder)
        except OSError as error:  # it was closed while we were deep below, and is gone now
            self._report(folder.path, "scan", error)
        if has_surely_changed(folder):
            self._writer.start_early()  # the workers load while the index is read here
        folder.previous.load()
        folder.is_left = True
        folder.waiting += 1  # until every entry has been looked at
        self._keep_unchanged(folder)
        for place, status in enumerate(folder.stats):
            if stat.S_ISDIR(status.st_mode):
                if not isinstance(folder.outcomes[place], Dropped):
                    self._settle(folder, place, status)
            elif folder.outcomes[place] is None:
                folder.waiting += 1
                self._decide_entry(folder, place)
        folder.previous.forget()
        self._close(folder)
        self._arrived(folder)

    def _take_remembered(self, folder: Folder) -> bool:
        digest = folder.digest = self._digest(folder)
        tree_id = self._memory.digests.get(digest)
        if tree_id is None:
            return False
        self.digests[digest] = tree_id
        self._counting.take_remembered(folder)
        self._resolve_folder(folder, tree_id)
        if folder.parent is not None:
            self._arrived(folder.parent)
        return True

    def _keep_unchanged(self, folder: Folder) -> None:
        keep_unchanged(folder, self._holds, atime=self._source.with_atime, owners=self.owners)
        self._counting.take_kept(folder)

    def _decide_lone_entry(self, holder: Folder) -> None:
        """Decide about a source that is no folder."""
        if stat.S_ISREG(holder.stats[0].st_mode):
            self._keep_unchanged(holder)
        if holder.outcomes[0] is None:
            self._decide_entry(holder, 0)

    def _decide_entry(self, folder: Folder, place: int) -> None:
        """Decide about what is no folder, and no file that is kept."""
        status = folder.stats[place]
        if not stat.S_ISREG(status.st_mode):
            self._decide_special(folder, place, status)
            return
        folder.note_earlier(place)
        self._fetcher.fetch(folder, place)

    def _decide_special(self, folder: Folder, place: int, status: os.stat_result) -> None:
        name = folder.names[place]
        try:
            folder.outcomes[place] = self._make_node(name, status, folder.reachable(name), None)
            self._arrived(folder)
        except OSError as error:
            self._drop(folder, place, "archival", error)

    def _settle(self, folder: Folder, place: int, status: os.stat_result) -> None:
        is_whole = isinstance(folder.outcomes[place], bytes)
        folder.note_earlier(place)
        self._settle_folder(folder, place, status)
        if is_whole:
            self._counting.take_folder(folder, place)

    def _settle_folder(self, folder: Folder, place: int, status: os.stat_result) -> None:
        """Make the node of a subfolder, while this folder is open.

        Its tree may still be unknown; the id is then put in when that tree is made.
        """
        name, subtree = folder.names[place], folder.outcomes[place]
        known = subtree if isinstance(subtree, bytes) else None
        if not self._source.with_atime:
            head = folder.previous.keep_folder_head(name, status, owners=self.owners)
            if head is not None:
                folder.outcomes[place] = FolderHead(head, known)
                return
        folder.outcomes[place] = self._make_folder(
            name, status, folder.reachable(name), known, folder.path_of(place)
        )

    def _make_folder(
        self,
        name: bytes,
        status: os.stat_result,
        reachable: bytes,
        subtree: bytes | None,
        path: bytes,
    ) -> Node:
        try:
            return self._make_node(name, status, reachable, subtree)
        except OSError as error:  # it has gone, or its attributes are not for us to read
            self._report(path, "archival", error)
            return self._make_node(name, status, b"/", subtree)._replace(xattrs=())

    def _make_node(
        self, name: bytes, status: os.stat_result, path: bytes, subtree: bytes | None
    ) -> Node:
        return other_node(name, status, path, subtree=subtree, atime=self._source.with_atime)

    def take_content(self, folder: Folder, place: int, content: Content, told: int) -> None:
        """See `Receiver`."""
        folder.outcomes[place] = content
        name, status = folder.names[place], folder.stats[place]
        self._counting.take_file(
            folder,
            place,
            lambda: self._encode_file(name, status, content),
            size=content.size,
            told=told,
        )
        self._arrived(folder)

    def take_failure(self, folder: Folder, place: int, error: OSError) -> None:
        """See `Receiver`."""
        self._drop(folder, place, "archival", error)

    def _arrived(self, folder: Folder) -> None:
        """Count one entry that is known now; the last one finishes the folder."""
        folder.waiting -= 1
        # In a loop: folders may be nested deeper than calls can be.
        while folder.parent is not None and folder.is_left and not folder.waiting:
            self._finish(folder)
            folder = folder.parent
            folder.waiting -= 1

    def _finish(self, folder: Folder) -> None:
        tree = encode_folder(folder, atime=self._source.with_atime, owners=self.owners)
        tree_id = self._writer.save_tree(tree)
        self._remember(folder, tree_id)
        self._resolve_folder(folder, tree_id)

    def _encode_file(self, name: bytes, status: os.stat_result, content: Content) -> str:
        atime = self._source.with_atime
        return encode_content(name, status, content, atime=atime, owners=self.owners)

    def _remember(self, folder: Folder, tree_id: bytes) -> None:
        if self._source.with_atime:
            return  # reading changes the access time and nothing else
        trusted = max(map(_CTIME, folder.stats), default=0) < self._trusted_before
        if trusted and not any(isinstance(outcome, Dropped) for outcome in folder.outcomes):
            self.digests[folder.digest or self._digest(folder)] = tree_id

    def _digest(self, folder: Folder) -> bytes:
        return digest_folder(folder)

    def _resolve_folder(self, folder: Folder, tree_id: bytes) -> None:
        folder.names, folder.stats, folder.outcomes = [], [], []
        parent = folder.parent
        assert parent is not None  # noqa: S101 -- only the holder has none, and it is not finished
        node = parent.outcomes[folder.place]
        if isinstance(node, Node | FolderHead):
            parent.outcomes[folder.place] = node._replace(subtree=tree_id)
            self._counting.take_folder(parent, folder.place)
        else:
            parent.outcomes[folder.place] = tree_id

    def _drop(self, folder: Folder, place: int, during: str, error: OSError) -> None:
        folder.outcomes[place] = DROPPED
        self._report(folder.path_of(place), during, error)
        self._arrived(folder)

    def _report(self, path: bytes, during: str, error: OSError) -> None:
        text = error.strerror or str(error)
        self.errors.append(ItemError(path, during, error.errno or 0, text))
        self._progress.item_error(path, during, error)
