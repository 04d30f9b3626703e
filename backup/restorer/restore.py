"""Restoring a snapshot, or a part of it, into a folder.

1. Walk the trees; make each folder as it is met, and decide about each entry from what is there.
2. Put files in place: cut into orders, written by several processes, each file whole and proven
   before it stands under its name (`backup.restorer.file_writer`).
3. When all content is there: further names, reading back if asked, folders' metadata deepest first
   (`backup.restorer.finish`).

The repository is only read. Restored files are not synced: whoever is cut off runs the restore
again, which keeps what is right already. What could not be restored is left out, never wrong, and
counted; everything else is restored. The caller holds the repository's shared lock.
"""

import os

from backup.errors import UsageError
from backup.progress import SILENT, Progress
from backup.repository.repository import Repository
from backup.restorer.content import Content
from backup.restorer.entries import Entries
from backup.restorer.files import Files
from backup.restorer.finish import FolderEndings, Links, write_back
from backup.restorer.made_folders import Placing
from backup.restorer.metadata import metadata_of
from backup.restorer.progress import Tally
from backup.restorer.repository_content import RepositoryContent
from backup.restorer.request import ItemFailure, Overwrite, RestoreRequest, RestoreResult
from backup.restorer.target_folders import Folders, cannot_restore_into, refuse_planted
from backup.restorer.walk import Visit, Walk
from backup.restorer.workers import Seats

__all__ = ["ItemFailure", "Overwrite", "RestoreRequest", "RestoreResult", "restore_snapshot"]


def restore_snapshot(
    repository: Repository,
    snapshot_tree: bytes,
    request: RestoreRequest,
    progress: Progress = SILENT,
    *,
    seats: Seats | None = None,
) -> RestoreResult:
    """Restore what `request` chooses of the tree; see `restore_content`.

    Args:
        repository: Open; only read.
        snapshot_tree: Id of the snapshot's root tree.
        request: What, where and how.
        progress: Told of every entry and every failure.
        seats: Workers that have been started already (`backup.restorer.workers.start_early`); they
            are ended with the restore.
    """
    content = RepositoryContent(repository)
    return restore_content(content, snapshot_tree, request, progress, seats=seats)


def restore_content(
    content: Content,
    snapshot_tree: bytes,
    request: RestoreRequest,
    progress: Progress = SILENT,
    *,
    seats: Seats | None = None,
) -> RestoreResult:
    """Restore what `request` chooses of the tree.

    Args:
        content: Where everything is read from; nothing it gives is believed without proof.
        snapshot_tree: Id of the snapshot's root tree.
        request: What, where and how.
        progress: Told of every entry and every failure.
        seats: Workers of this content that have been started already.

    Returns:
        Counts and failures. Failures of single entries are never raised.

    Raises:
        UsageError: The request makes no sense.
        DamagedError: The root tree cannot be read.
        BackupError: The target cannot be written at all, e.g. because it is full.
        ContentGoneError: Nothing can be read any more.
    """
    _refuse_danger(request)
    root = _open_target(request)
    try:
        restore = _Restore(content, request, root, progress, seats)
        try:
            restore.run(snapshot_tree)
        finally:
            restore.close()
    finally:
        if root >= 0:
            os.close(root)
    return restore.tally.result()


def _refuse_danger(request: RestoreRequest) -> None:
    is_root = os.path.realpath(request.target) == b"/"
    if request.delete and is_root and request.chooses_everything:
        raise UsageError(
            "--delete would empty the root folder of this machine",
            data="nothing was changed",
            next_step="choose with --include or --exclude, or restore into another folder",
        )


def _open_target(request: RestoreRequest) -> int:
    """Open the target, made if need be; -1 where a dry run finds none."""
    try:
        if not request.dry_run:
            os.makedirs(request.target, mode=0o700, exist_ok=True)
        return _open_ours(request.target)
    except OSError as error:
        if request.dry_run and isinstance(error, FileNotFoundError):
            return -1
        raise cannot_restore_into(request.target, error) from error


def _open_ours(target: bytes) -> int:
    root = os.open(target, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        refuse_planted(target, root)
    except OSError:
        os.close(root)
        raise
    return root


class _Restore:
    """One restore: its parts, put together."""

    def __init__(
        self,
        content: Content,
        request: RestoreRequest,
        root: int,
        progress: Progress,
        seats: Seats | None,
    ) -> None:
        self._request = request
        self._root = root
        self._progress = progress
        self.tally = Tally(progress)
        self._folders = Folders(root)
        self._walk = Walk(content, request, self.tally.fail)
        self._placing = Placing(self._folders, request, self.tally, root_exists=root >= 0)
        self._files = Files(
            content,
            request,
            folders=self._folders,
            tally=self.tally,
            seats=seats,
        )
        self._links = Links(self._folders, self.tally, dry_run=request.dry_run)
        self._endings = FolderEndings(self._folders, self.tally)
        self._entries = Entries(
            request,
            folders=self._folders,
            placing=self._placing,
            files=self._files,
            links=self._links,
            tally=self.tally,
        )

    def run(self, snapshot_tree: bytes) -> None:
        """Do it all."""
        tree = self._walk.find_subfolder(snapshot_tree)
        self._progress.start("restore files", self._request.expected_bytes or None, "bytes")
        for visit, is_left in self._walk.folders(tree):
            if is_left:
                self._leave(visit)
            else:
                self._entries.restore(visit)
        self._progress.expect(self.tally.size_bytes, items=self.tally.entries)
        self._files.finish()
        self._links.make()
        self._progress.finish()
        if self._request.verify and not self._request.dry_run:
            self._progress.start("verify files", None, "bytes")
            write_back(self._root)
            self._files.verify()
            self._progress.finish()
        self._files.dismiss()
        self._endings.apply()

    def _leave(self, visit: Visit) -> None:
        place = self._placing.leave(visit)
        if place is None or place.is_blocked or visit.node is None or self._request.dry_run:
            return
        exact = place.existed or place.inherits
        metadata = metadata_of(visit.node)
        if self._request.closes_top and b"/" not in visit.path:
            metadata = metadata._replace(mode=metadata.mode & ~0o077)
        self._endings.add(visit.path, metadata, exact=exact)

    def close(self) -> None:
        """Give everything back, whatever happened."""
        self._files.close()
        self._links.close()
        self._endings.close()
        self._folders.close()
