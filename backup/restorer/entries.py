"""The entries of one folder: decide about each, and see to it."""

import os
import stat

from backup.errors import BackupError
from backup.format.tree import Node
from backup.restorer.files import Files
from backup.restorer.finish import Links
from backup.restorer.made_folders import Place, Placing
from backup.restorer.metadata import make_special
from backup.restorer.overwrite import Step, decide_step
from backup.restorer.progress import Tally, os_text
from backup.restorer.request import RestoreRequest
from backup.restorer.target_folders import Folders, join_path, lstat_entry, remove_entry
from backup.restorer.walk import Visit, content_digest


class Entries:
    """Restores the entries of folders that are no folders themselves."""

    def __init__(
        self,
        request: RestoreRequest,
        *,
        folders: Folders,
        placing: Placing,
        files: Files,
        links: Links,
        tally: Tally,
    ) -> None:
        self._request = request
        self._folders = folders
        self._placing = placing
        self._files = files
        self._links = links
        self._tally = tally

    def restore(self, visit: Visit) -> None:
        """See to one folder that was just entered, and to what lies directly in it."""
        if visit.is_chosen and visit.above is not None:
            self._tally.chosen()
            self._placing.ensure(visit)
        if not visit.entries:
            return
        for node in visit.entries:
            self._tally.chosen(node.size)
        place = self._placing.ensure(visit)
        if place.is_blocked:
            return
        files = self._see_to(visit, place)
        if files:
            self._files.add(visit.path, files, inherits=place.inherits)

    def _see_to(self, visit: Visit, place: Place) -> list[tuple[Node, Step]]:
        """See to all entries but the files that have to be written or looked at; give these."""
        files: list[tuple[Node, Step]] = []
        for node in visit.entries:
            step = self._decide(visit.path, node, place)
            if step is Step.SKIP:
                self._tally.skip(join_path(visit.path, node.name), node.size)
                self._tally.unread += node.type == "file"
            elif step is None or self._is_link(visit.path, node, step):
                continue
            elif node.type == "file":
                files.append((node, step))
            else:
                self._make_special(visit.path, node, step)
        return files

    def _decide(self, folder: bytes, node: Node, place: Place) -> Step | None:
        """Decide about one entry, and clear its way; None where that failed."""
        if node.name not in place.existing:
            return Step.CREATE
        try:
            existing = lstat_entry(self._folders.open(folder), node.name)
            step = decide_step(node, existing, self._request.overwrite)
            if step is Step.REPLACE and existing is not None and stat.S_ISDIR(existing.st_mode):
                self._clear_folder(folder, node.name)
        except OSError as error:
            path = join_path(folder, node.name)
            self._tally.fail_with(path, error.errno or 0, os_text(error))
            return None
        return step

    def _clear_folder(self, folder: bytes, name: bytes) -> None:
        """Remove a folder that an entry takes the place of; a full one only where that is asked."""
        if self._request.dry_run:
            return
        if self._request.delete:
            remove_entry(self._folders.open(folder), name)
        else:
            os.rmdir(name, dir_fd=self._folders.open(folder))

    def _is_link(self, folder: bytes, node: Node, step: Step) -> bool:
        if node.links <= 1 or not node.inode:
            return False
        path = join_path(folder, node.name)
        replaces = step is not Step.CREATE
        return self._links.add(path, node, content_digest(node), replaces=replaces)

    def _make_special(self, folder: bytes, node: Node, step: Step) -> None:
        path = join_path(folder, node.name)
        replaces = step is not Step.CREATE
        try:
            if not self._request.dry_run:
                refused = make_special(
                    self._folders.open(folder), node, replaces=replaces,
                    no_devices=self._request.lends_nothing,
                )  # fmt: skip
                if refused:
                    self._tally.refused(path, " ".join(refused))
        except OSError as error:
            self._tally.fail_with(path, error.errno or 0, os_text(error))
        except BackupError as error:
            self._tally.fail(path, error)
        else:
            self._tally.restore(path, 0)
