"""The folders of the target: made when something goes into them, cleared where that was asked."""

import os
import stat
from dataclasses import dataclass

from backup.errors import BackupError
from backup.restorer.metadata import hands_down_access
from backup.restorer.overwrite import may_overwrite
from backup.restorer.partial_files import remove_leftovers
from backup.restorer.progress import Tally, os_text
from backup.restorer.request import RestoreRequest
from backup.restorer.target_folders import (
    Folders,
    join_path,
    list_names,
    lstat_entry,
    remove_entry,
)
from backup.restorer.walk import Visit


@dataclass(frozen=True, slots=True)
class Place:
    """A folder of the target that a folder of the snapshot goes into.

    Attributes:
        existing: Names in it before the restore.
        inherits: Whether new entries inherit an access list there.
        existed: Whether it was there before.
        is_blocked: Whether nothing can be put into it; that is reported already.
    """

    existing: frozenset[bytes] = frozenset()
    inherits: bool = False
    existed: bool = False
    is_blocked: bool = False


_BLOCKED = Place(is_blocked=True)


class Placing:
    """Makes folders, each at most once and no sooner than needed."""

    def __init__(
        self, folders: Folders, request: RestoreRequest, tally: Tally, *, root_exists: bool
    ) -> None:
        self._folders = folders
        self._request = request
        self._tally = tally
        self._root_exists = root_exists
        self._places: dict[int, Place] = {}

    def ensure(self, visit: Visit) -> Place:
        """Give the place of a folder; it and those above it are there from now on."""
        missing: list[Visit] = []
        at: Visit | None = visit
        while at is not None and id(at) not in self._places:
            missing.append(at)
            at = at.above
        for one in reversed(missing):
            self._places[id(one)] = self._reach(one)
        return self._places[id(visit)]

    def leave(self, visit: Visit) -> Place | None:
        """Forget a folder and give its place; None if it never had one."""
        return self._places.pop(id(visit), None)

    def _reach(self, visit: Visit) -> Place:
        if visit.above is None:
            return self._look(visit) if self._root_exists else Place()
        above = self._places[id(visit.above)]
        if above.is_blocked or visit.node is None:
            return _BLOCKED
        try:
            place = self._make(visit, above)
        except OSError as error:
            self._tally.fail_with(visit.path, error.errno or 0, os_text(error))
            return _BLOCKED
        if visit.is_chosen:
            self._tally.restore(visit.path, 0)
        return place

    def _make(self, visit: Visit, above: Place) -> Place:
        assert visit.above is not None  # noqa: S101 -- the caller has looked
        assert visit.node is not None  # noqa: S101 -- as above
        name = visit.node.name
        if name in above.existing:
            existing = lstat_entry(self._folders.open(visit.above.path), name)
            if existing is not None and stat.S_ISDIR(existing.st_mode):
                return self._look(visit)
            if existing is not None and not self._clear_way(visit, existing):
                return _BLOCKED
        if not self._request.dry_run:
            try:
                os.mkdir(name, 0o700, dir_fd=self._folders.open(visit.above.path))
            except FileExistsError:  # a file system that takes two names for one
                return self._look(visit)
        return Place(inherits=above.inherits)

    def _clear_way(self, visit: Visit, existing: os.stat_result) -> bool:
        assert visit.above is not None  # noqa: S101 -- the caller has looked
        assert visit.node is not None  # noqa: S101 -- as above
        if not may_overwrite(visit.node, existing, self._request.overwrite):
            self._tally.fail(
                visit.path,
                BackupError(
                    "something that is no folder has its name, and is not to be overwritten",
                    next_step="move it away, or restore with --overwrite always",
                ),
            )
            return False
        if not self._request.dry_run:
            os.unlink(visit.node.name, dir_fd=self._folders.open(visit.above.path))
        return True

    def _look(self, visit: Visit) -> Place:
        """See what a folder holds that was there before; clear it if asked, and of leftovers."""
        folder = self._folders.open(visit.path)
        is_top = visit.above is not None and visit.above.above is None
        if self._request.closes_top and is_top and not self._request.dry_run:
            os.fchmod(folder, stat.S_IMODE(os.fstat(folder).st_mode) & ~0o077)
        names = frozenset(list_names(folder))
        if not self._request.dry_run:
            names -= remove_leftovers(folder, names - visit.names)
        inherits = hands_down_access(folder)
        if self._request.delete and not visit.is_broken:
            for name in sorted(names - visit.names):
                self._delete(join_path(visit.path, name), visit.path, name)
        return Place(names & visit.names, inherits, existed=True)

    def _delete(self, path: bytes, folder: bytes, name: bytes) -> None:
        if not self._request.chooses(b"/" + path):
            return
        try:
            if not self._request.dry_run:
                remove_entry(self._folders.open(folder), name)
        except OSError as error:
            self._tally.fail_with(path, error.errno or 0, os_text(error))
        else:
            self._tally.delete(path)
