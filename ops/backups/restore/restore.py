"""The work of a restore: the engine is asked for each part, and how far it came is written down."""

import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from backup.errors import BackupError
from backup.format.snapshot import Snapshot
from backup.patterns.patterns import compile_patterns
from backup.progress import Progress
from backup.repository.repository import Repository
from backup.restorer.metadata import apply_to_descriptor, is_root, metadata_of
from backup.restorer.repository_content import RepositoryContent
from backup.restorer.request import PathFilter
from backup.restorer.restore import RestoreRequest, RestoreResult, restore_snapshot
from backup.snapshots.walk import TreeReader, find_entry, find_folder
from ops.backups.repositories.catalog_index import read_manifest
from ops.backups.repositories.moments import State
from ops.backups.restore.into_folder import (
    IntoFolder,
    Share,
    compile_texts,
    find_removed,
    restore_into,
    typed_of,
    write_failures,
    write_result,
)
from ops.backups.restore.sqlite_in_place import put_database_back
from ops.backups.restore.targets import Chosen, ChosenDatabase, ChosenFiles
from ops.backups.restore.tasks import Restore
from ops.backups.restore.there import fill_there
from ops.backups.restore.this_machine import put_back_on
from ops.backups.restore.to_host import Delivered, deliver, look, require_place
from ops.backups.restore.unlike_backup import (
    Passed,
    Search,
    find_left_there,
    find_newer,
    tell_newer,
    write_left_there,
)
from ops.backups.sources.site import compile_excludes, find_live_files
from ops.errors import OpsError
from ops.estate.model.estate import Estate
from ops.hosts.admin_login import enter, enter_writing
from ops.language.formats import format_number, format_size
from ops.language.text import _, show_path
from ops.terminal.elsewhere import is_elsewhere
from ops.terminal.output import write_line
from provisioning.local_host import LocalHost


class RestoreIncompleteError(OpsError):
    """Some of what was asked for is not back."""


@dataclass(slots=True)
class Done:
    """What a restore has done so far, for the journal.

    Attributes:
        failed: Entries that are not back.
        met: Entries that the snapshot has of what was asked for.
        put_back: Paths that are back, in order.
        under_way: Path that is being written; empty between two.
        kept: Damaged databases that were moved aside.
        left_there: By folder, the first of what the snapshot does not have and nobody removed.
        unset: How much of it only root could have given.
        owners_list: File by which root gives it; empty for none.
        removed: Entries that the snapshot does not have and `--delete` removed.
        denied: Of those that are not back, how many the system denies to who restores.
    """

    failed: int = 0
    met: int = 0
    put_back: list[str] = field(default_factory=list)
    under_way: str = ""
    kept: list[str] = field(default_factory=list)
    left_there: dict[str, list[str]] = field(default_factory=dict)
    unset: int = 0
    owners_list: str = ""
    removed: int = 0
    denied: int = 0

    def begin(self, path: Path | str) -> None:
        """From now on this one is half written."""
        self.under_way = str(path)

    def end(self) -> None:
        """What was under way is back."""
        self.put_back.append(self.under_way)
        self.under_way = ""


@dataclass(frozen=True, slots=True)
class _Order:
    """One call of the engine: what of which snapshot, from which folder of it, and where to.

    `is_top` tells that the target gets its folder's own owner, mode and time too.
    """

    snapshot: Snapshot
    target: Path
    subfolder: str
    include: PathFilter | None
    is_top: bool = False


@dataclass(frozen=True, slots=True)
class RestoreWork:
    """One restore.

    Attributes:
        repository: Of the site; only read.
        state: What is restored, of which snapshots.
        wish: What the person asked for.
        chosen: The parts, for a restore in place; None for one into a folder.
        scratch: Folder where databases are restored before they go to their places.
        progress: Told of every entry.
        estate: Knows the hosts.
    """

    repository: Repository
    state: State
    wish: Restore
    chosen: Chosen | None
    scratch: Path
    progress: Progress
    estate: Estate

    def run(self, done: Done) -> None:
        """Do it, and note how far it came.

        Raises:
            NoRoomError: The target's disk has no room for it; nothing was written.
        """
        if self.chosen is None:
            self._restore_into_folder(done)
            return
        for order in self._orders(self.chosen):
            done.begin(order.target)
            result = self.restore(order)
            if result.entries or result.failures or not self.state.apart:
                write_result(
                    order.target, result, dry_run=self.wish.dry_run, verify=self.wish.verify
                )
            done.failed += result.error_count
            done.met += result.restored + result.skipped
            done.end()
        for files in self.chosen.files:
            self._tell_left_there(files, done)
        for files in self.chosen.elsewhere:
            self._put_elsewhere(files, done)
        for database in self.chosen.databases:
            done.begin(database.part.database)
            self._restore_database(database, done)
            done.met += 1
            done.end()

    def _put_elsewhere(self, files: ChosenFiles, done: Done) -> None:
        if files.part.host is None:
            self._tell_left_there(files, done)
        done.begin(files.place)
        done.met += self._deliver(files).entries
        done.end()

    def _into_folder(self) -> IntoFolder:
        return IntoFolder(
            shares=tuple(self._shares()),
            databases=read_told(self.repository, self.state, self.wish.site),
            beside=0 if self.wish.dry_run else Path(self.estate.service.state).stat().st_dev,
            **typed_of(self.wish),
        )

    def find_removed(self) -> int:
        """Name what `--delete` would remove, and give how many entries that are."""
        work = self._into_folder()
        if is_elsewhere():
            return fill_there(work, self.repository, self.progress, looks=True).removed
        target = Path(self.wish.target).absolute()
        return find_removed(work, target, RepositoryContent(self.repository)).removed

    def _restore_into_folder(self, done: Done) -> None:
        work = self._into_folder()
        target = Path(self.wish.target).absolute()
        done.begin(target)
        if is_elsewhere():
            came = fill_there(work, self.repository, self.progress)
        else:
            came = restore_into(work, target, RepositoryContent(self.repository), self.progress)
        done.failed, done.met, done.unset = came.failed, came.met, came.unset
        done.owners_list, done.removed, done.denied = came.owners_list, came.removed, came.denied
        done.end()

    def _shares(self) -> Iterator[Share]:
        for it in self.state.shares(self.wish.site):
            include = tuple(texts for texts in (self.wish.include, it.include) if texts)
            yield Share(it.snapshot.tree.hex(), include, it.exclude)

    def _tell_left_there(self, files: ChosenFiles, done: Done) -> None:
        """Name what lies in a folder and is not in the snapshot."""
        if files.is_absent:
            return
        reader, at = self._reader, os.fsencode(f"/{self.wish.site}/{files.at}")
        passed = Passed.of(self.estate.site(self.wish.site), files.part, files.top)
        with suppress(BackupError):  # of a damaged tree the restore itself has told
            tree = find_folder(reader, self._whole.tree, at)
            found = find_left_there(reader, tree, files.top, compile_texts(files.include), passed)
            write_left_there(found, files.top)
            if found.count:
                done.left_there[str(files.top)] = found.paths()

    def tell_newer(self) -> None:
        """Say which files are newer than the backup, of each folder that goes back as a whole.

        Raises:
            ProvisioningError: A host cannot be entered.
        """
        tree, since = self._whole.tree, self._whole.time
        parts = (*self.chosen.files, *self.chosen.elsewhere) if self.chosen else ()
        for files in parts:
            if files.include or files.is_absent or files.part.source != "files":
                continue
            name, at = files.part.host, os.fsencode(f"/{self.wish.site}/{files.at}")
            top = os.fsencode(files.top)
            look = Search(self._reader, tree, at, top, since, self._left_out(files, top))
            with enter(self.estate, name, self.wish.way) as host:
                newer = find_newer(look, host)
            place = show_path(top)
            tell_newer(newer, f"{name}:{place}" if name else place)

    def _left_out(self, files: ChosenFiles, top: bytes) -> Callable[[bytes], bool]:
        """Give what tells whether backups leave a path below a folder out."""
        site = self.estate.site(self.wish.site)
        live = find_live_files(site, top) if files.part.host is None else frozenset[bytes]()
        patterns = compile_excludes((*site.exclude, *files.part.exclude), top)
        return lambda path: top + path in live or (bool(patterns) and patterns.match(path))

    def require_places(self) -> None:
        """Refuse, before anybody is asked, what a host would not take.

        Raises:
            DeliveryFailedError: A host would not take its files from this account.
            ProvisioningError: A host cannot be entered.
        """
        for files in self.chosen.elsewhere if self.chosen else ():
            folder = os.fsencode(f"/{self.wish.site}/{files.at}")
            with enter_writing(self.estate, files.part.host, self.wish.way) as host:
                require_place(
                    self._reader, self._whole.tree, folder, host, os.fsencode(files.part.path)
                )
        if self.chosen and any(it.is_foreign for it in self.chosen.databases):
            with enter_writing(self.estate, None, self.wish.way):
                pass  # who may not log in is told before anybody is asked

    def _deliver(self, files: ChosenFiles) -> Delivered:
        reader, tree, folder = (
            self._reader,
            self._whole.tree,
            os.fsencode(f"/{self.wish.site}/{files.at}"),
        )
        place = files.place
        if self.wish.dry_run:
            found = look(reader, tree, folder)
            text = _("  would put {entries} entries, {size}, onto {place}")
        else:
            with enter_writing(self.estate, files.part.host, self.wish.way) as host:
                found = deliver(reader, tree, folder, host, os.fsencode(files.part.path))
            text = _(
                "  put {entries} entries, {size}, onto {place}; read again there: all files; what"
                " the backup does not have stays there"
            )
        size, entries = format_size(found.size_bytes), format_number(found.entries)
        write_line(text, entries=entries, size=size, place=place)
        return found

    def _orders(self, chosen: Chosen) -> Iterator[_Order]:
        for it in chosen.files:
            at = f"/{self.wish.site}/{it.at}"
            is_top = it.is_absent or not it.include
            yield _Order(self._whole, it.top, at, compile_texts(it.include), is_top=is_top)

    @property
    def _reader(self) -> TreeReader:
        return TreeReader(self.repository, self.repository.load_index())

    @property
    def _whole(self) -> Snapshot:
        """The snapshot that files come from; whoever chose parts has seen that there is one."""
        assert self.state.whole is not None  # noqa: S101 - for mypy; `refuse_lacking` has looked
        return self.state.whole

    def restore(self, order: _Order) -> RestoreResult:
        """Have the engine carry out one call."""
        request = RestoreRequest(
            target=os.fsencode(order.target),
            subfolder=os.fsencode(order.subfolder),
            include=order.include,
            verify=self.wish.verify,
            dry_run=self.wish.dry_run,
            sparse=True,
        )
        result = restore_snapshot(self.repository, order.snapshot.tree, request, self.progress)
        if order.is_top and not self.wish.dry_run:
            self._restore_top(order)
        return result

    def _restore_copy(self, order: _Order) -> RestoreResult:
        result = self.restore(order)
        write_failures(result)
        return result

    def _restore_top(self, order: _Order) -> None:
        """Give a part's own folder its owner, mode and time: the engine leaves a target alone."""
        entry = find_entry(self._reader, order.snapshot.tree, os.fsencode(order.subfolder))
        if entry is None:
            return
        folder = os.open(order.target, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            apply_to_descriptor(folder, metadata_of(entry.node), exact=True)
        finally:
            os.close(folder)

    def _restore_database(self, database: ChosenDatabase, done: Done) -> None:
        part = database.part
        if self.wish.dry_run:
            text = _("  would put the database {name} back into {path}")
            write_line(text, name=part.name, path=part.database)
            return
        shutil.rmtree(self.scratch, ignore_errors=True)
        include = compile_patterns([f"/{part.name}.sqlite".encode()])
        snapshot = self.state.of(part.name) or self._whole
        order = _Order(snapshot, self.scratch, f"/{self.wish.site}/databases", include)
        try:
            result = self._restore_copy(order)
            copy = self.scratch / f"{part.name}.sqlite"
            if result.error_count or not copy.exists():
                raise RestoreIncompleteError(
                    "the database {name} could not be restored from the snapshot",
                    data="the live database is as it was",
                    next_step="`{program} backup.check --site {site} --read-data`",
                    name=part.name,
                    site=self.wish.site,
                )
            live = Path(part.database)
            if database.is_foreign:
                with enter_writing(self.estate, None, self.wish.way) as host:
                    kept = put_back_on(host, copy, live)
            elif is_root():
                kept = put_back_on(LocalHost(), copy, live)
            else:
                kept = put_database_back(copy, live)
        finally:
            shutil.rmtree(self.scratch, ignore_errors=True)
        text = _("  put the database {name} back into {path}")
        write_line(text, name=part.name, path=part.database)
        if kept is not None:
            done.kept.append(str(kept))
            text = _("  what was there could not be read as a database; it is kept as {path}")
            write_line(text, path=kept)


def read_told(
    repository: Repository, state: State, site: str
) -> Mapping[str, dict[str, Any] | None]:
    """Give what the manifests tell of the databases that come of snapshots of their own.

    Args:
        repository: Of the site.
        state: What is restored, of which snapshots.
        site: Its name.
    """
    reader = TreeReader(repository, repository.load_index())
    told: dict[str, dict[str, Any] | None] = {}
    for name, snapshot in state.apart.items():
        told[name] = None
        with suppress(BackupError, ValueError, KeyError, TypeError):  # one that is not ours
            known = read_manifest(reader, snapshot, site)["databases"]
            told[name] = next((it for it in known if it["name"] == name), None)
    return told
