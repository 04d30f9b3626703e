"""Walking a folder of another machine: as `backup.archiver.walker`, with a streamed listing."""

import hashlib
import os
import stat
from collections.abc import Callable

from backup.archiver.nodes import special_node
from backup.archiver.parent import PreviousFolder
from backup.archiver.remote_fetcher import RemoteFetcher
from backup.archiver.run_writer import RunWriter
from backup.archiver.scan_cache import DIGEST, digest_folder
from backup.archiver.walk_state import Content, Folder, Memory, join
from backup.archiver.walker import Walker
from backup.errors import SourceError
from backup.format.tree import Node
from backup.progress import Progress
from backup.sources.remote.open import RemoteSource
from backup.sources.remote.tree import (
    NOTHING,
    Extra,
    Listed,
    ListedFolder,
    Pause,
    RemoteTree,
    Root,
    Unlisted,
)


class RemoteFolder(Folder):
    """One folder of another machine.

    Attributes:
        relative: Its path from the root of the source.
        extras: What lstat does not say of its entries, by name.
    """

    __slots__ = ("extras", "relative")

    def __init__(
        self, path: bytes, parent: Folder | None, place: int, previous: PreviousFolder
    ) -> None:
        super().__init__(path, parent, place, previous)
        self.relative = b""
        self.extras: dict[bytes, Extra] = {}


class RemoteWalker(Walker):
    """Walks one folder of another machine."""

    def __init__(
        self,
        writer: RunWriter,
        source: RemoteSource,
        *,
        memory: Memory,
        progress: Progress,
        at: bytes,
    ) -> None:
        super().__init__(writer, source.folder, memory=memory, progress=progress, at=at)
        self._remote = source
        self._device = 0
        self._puller = RemoteFetcher(writer, self, progress, report=self._report_changed)
        self._fetcher = self._puller

    def walk(
        self, name: bytes, previous: PreviousFolder, checkpoint: Callable[[], None]
    ) -> Node | str | None:
        """See `Walker.walk`.

        Raises:
            SourceError: The path is not there, or the line was cut; there is no snapshot then.
        """
        with self._remote.open_tree() as tree:
            self._remote.on_lost(tuple(tree.lost))
            self.owners = tree.owners
            # What a clock that is behind ours wrote just now looks older than it is.
            behind = min(tree.clock_offset, 0)
            self._trusted_before += behind
            previous.trusted_before += behind
            node = self._walk_tree(tree, name, previous, checkpoint)
            tree.finish()
        return node

    def _walk_tree(
        self,
        tree: RemoteTree,
        name: bytes,
        previous: PreviousFolder,
        checkpoint: Callable[[], None],
    ) -> Node | str | None:
        root = tree.root
        self._device = root.status.st_dev
        path = self._source.path
        holder = RemoteFolder(os.path.dirname(path), None, 0, previous)
        holder.names, holder.stats, holder.outcomes = [name], [root.status], [None]
        if stat.S_ISDIR(root.status.st_mode):
            holder.waiting = 1
            self._walk_listing(tree, holder, previous.below(name), checkpoint)
        else:
            holder.extras[name] = root.extra
            self._decide_lone_entry(holder)
            for _ in tree.list_all():
                raise _out_of_order(self._remote.host)
            self._pull(tree)
        outcome = holder.outcomes[0]
        if isinstance(outcome, bytes):
            return self._make_root(name, root, outcome)
        if isinstance(outcome, Content):
            return self._encode_file(name, holder.stats[0], outcome)
        return outcome if isinstance(outcome, Node | str) else None

    def _make_root(self, name: bytes, root: Root, subtree: bytes) -> Node:
        if root.extra.error is not None:
            self._report(self._source.path, "archival", root.extra.error)
        return self._special(name, root.status, root.extra, subtree)

    def _walk_listing(
        self,
        tree: RemoteTree,
        holder: RemoteFolder,
        previous: PreviousFolder,
        checkpoint: Callable[[], None],
    ) -> None:
        expected: dict[bytes, tuple[RemoteFolder, int]] = {b"": (holder, 0)}
        stack: list[RemoteFolder] = []
        for item in tree.list_all():
            if isinstance(item, Pause):
                self._pause(tree, checkpoint)
                continue
            found = expected.pop(item.path, None)
            if found is None:
                continue  # it lies in a folder that is left out
            parent, place = found
            while stack and stack[-1] is not parent:
                self._leave(stack.pop())
            before = previous if parent is holder else parent.previous.below(parent.names[place])
            child = self._take(item, parent, place, before, expected)
            if child is not None:
                stack.append(child)
        while stack:
            self._leave(stack.pop())
        if expected:
            raise _out_of_order(self._remote.host)
        self._pull(tree)

    def _take(
        self,
        item: Listed,
        parent: RemoteFolder,
        place: int,
        previous: PreviousFolder,
        expected: dict[bytes, tuple[RemoteFolder, int]],
    ) -> RemoteFolder | None:
        """Take in one folder's listing; notes which of its own folders are to come."""
        if isinstance(item, Unlisted):
            self._drop(parent, place, "scan", item.error)
            return None
        assert isinstance(item, ListedFolder)  # noqa: S101 -- a pause was dealt with
        path = self._source.path if not item.path else join(parent.path, parent.names[place])
        folder = RemoteFolder(path, parent, place, previous)
        folder.relative, folder.extras = item.path, item.extras
        for name, error in item.errors:
            self._report(join(path, name), "scan", error)
        listed = list(zip(item.names, item.stats, strict=True))
        found = self._source.select(path, folder.descriptor, listed)
        folder.names = [name for name, _ in found]
        folder.stats = [status for _, status in found]
        folder.outcomes = [None] * len(found)
        places = [at for at, (_, status) in enumerate(found) if stat.S_ISDIR(status.st_mode)]
        folder.waiting = len(places)
        for at in places:
            if self._source.enters_all or self._enters(folder, at):
                expected[_below(item.path, folder.names[at])] = (folder, at)
        return folder

    def _pause(self, tree: RemoteTree, checkpoint: Callable[[], None]) -> None:
        self._pull(tree)
        if self._writer.is_checkpoint_due:
            checkpoint()

    def _pull(self, tree: RemoteTree) -> None:
        self._puller.pull(tree, _path_of)

    def _report_changed(self, folder: Folder, place: int, error: OSError) -> None:
        self._report(folder.path_of(place), "archival", error)

    # What differs from a folder of this machine --------------------------------------------------

    def _open(self, folder: Folder) -> int:
        return folder.descriptor

    def _decide_special(self, folder: Folder, place: int, status: os.stat_result) -> None:
        name, extra = folder.names[place], _extra_of(folder, place)
        try:
            if extra.error is not None:
                raise extra.error
            folder.outcomes[place] = self._special(name, status, extra, None)
        except OSError as error:
            self._drop(folder, place, "archival", error)
        else:
            self._arrived(folder)

    def _settle_folder(self, folder: Folder, place: int, status: os.stat_result) -> None:
        extra, subtree = _extra_of(folder, place), folder.outcomes[place]
        if extra.error is not None:
            self._report(folder.path_of(place), "archival", extra.error)
        known = subtree if isinstance(subtree, bytes) else None
        folder.outcomes[place] = self._special(folder.names[place], status, extra, known)

    def _special(
        self, name: bytes, status: os.stat_result, extra: Extra, subtree: bytes | None
    ) -> Node:
        return special_node(
            name,
            status,
            linktarget=extra.target,
            xattrs=extra.xattrs,
            subtree=subtree,
            atime=self._source.with_atime,
            owners=self.owners,
        )

    def _digest(self, folder: Folder) -> bytes:
        """Hash what decides about a folder's tree: here also its device and its owners' names."""
        users = {(it.st_uid, it.st_gid) for it in folder.stats}
        named = [self.owners.text(*pair) for pair in sorted(users)]
        more = repr((self._device, named)).encode()
        return hashlib.blake2b(digest_folder(folder) + more, digest_size=DIGEST).digest()


def _extra_of(folder: Folder, place: int) -> Extra:
    assert isinstance(folder, RemoteFolder)  # noqa: S101 -- this walk makes no others
    return folder.extras.get(folder.names[place], NOTHING)


def _path_of(folder: Folder, place: int) -> bytes:
    assert isinstance(folder, RemoteFolder)  # noqa: S101 -- this walk makes no others
    if folder.parent is None:
        return b""
    return _below(folder.relative, folder.names[place])


def _below(relative: bytes, name: bytes) -> bytes:
    return relative + b"/" + name if relative else name


def _out_of_order(host: str) -> SourceError:
    return SourceError(
        "the listing of files of the host {host} is not whole",
        why="folders that it names did not follow",
        data="no snapshot was made; earlier ones are untouched",
        next_step="run it again",
        host=host,
    )
