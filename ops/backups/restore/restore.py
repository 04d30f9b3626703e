"""The work of a restore: the engine is asked for each part, and the result is written down."""

import json
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from backup.errors import BackupError
from backup.format.snapshot import Snapshot
from backup.patterns.patterns import Patterns, compile_patterns
from backup.progress import SILENT, Progress
from backup.repository.repository import Repository
from backup.restorer.metadata import apply_to_descriptor, is_root, metadata_of
from backup.restorer.request import PathFilter
from backup.restorer.restore import RestoreRequest, RestoreResult, restore_snapshot
from backup.snapshots.walk import TreeReader, find_entry, find_folder
from ops.backups.repositories.catalog_index import read_manifest
from ops.backups.repositories.moments import State
from ops.backups.restore.done import Done, RestoreIncompleteError
from ops.backups.restore.left_there import Passed, find_left_there, write_left_there
from ops.backups.restore.newer_files import Look, find_newer, tell_newer
from ops.backups.restore.owners import Unset, find_unset, tell_unset
from ops.backups.restore.sqlite_in_place import put_database_back
from ops.backups.restore.targets import Chosen, ChosenDatabase, ChosenFiles, refuse_full
from ops.backups.restore.tasks import Restore
from ops.backups.restore.this_machine import put_back_on
from ops.backups.restore.to_host import Delivered, deliver, look, require_place
from ops.backups.sources.site import MANIFEST, compile_excludes, find_live_files
from ops.durable_files import put_anew
from ops.estate.model.estate import Estate
from ops.hosts.admin_login import enter, enter_writing
from ops.language.formats import format_number, format_size
from ops.language.text import _, fill, ngettext, show_path
from ops.terminal.output import write_line
from provisioning.local_host import LocalHost

_MOST_SHOWN = 20


@dataclass(frozen=True, slots=True)
class _Order:
    """One call of the engine: what of which snapshot, from which folder of it, and where to.

    `is_top` tells that the target gets its folder's own owner, mode and time too.
    """

    snapshot: Snapshot
    target: Path
    subfolder: str
    include: PathFilter | None
    exclude: PathFilter | None = None
    is_top: bool = False


@dataclass(frozen=True, slots=True)
class _Both:
    """Matches what each of two filters matches."""

    one: PathFilter
    other: PathFilter

    def match(self, path: bytes) -> bool:
        """See `PathFilter`."""
        return self.one.match(path) and self.other.match(path)

    def child_match(self, path: bytes) -> bool:
        """See `PathFilter`."""
        return all(it.match(path) or it.child_match(path) for it in (self.one, self.other))

    @property
    def literals(self) -> tuple[bytes, ...] | None:
        """See `PathFilter`; what both match by themselves is told by neither alone."""
        return None


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
        if self.chosen is None and not self.wish.dry_run:
            refuse_full(self.estate, Path(self.wish.target).absolute(), self._measure())
        for order in self._orders():
            done.begin(order.target)
            result = self.restore(order)
            if result.entries or not self.state.apart:
                _write_result(order.target, result, dry_run=self.wish.dry_run)
            done.unset.add(unset := self._find_unset(order))
            done.failed += result.error_count - len(unset.devices)
            done.met += result.restored + result.skipped
            done.end()
        if self.chosen is None:
            self._join_manifests()
            place = tell_unset(done.unset, Path(self.wish.target).absolute(), self.wish.site)
            done.owners_list = "" if place is None else str(place)
        for files in self.chosen.files if self.chosen else ():
            self._tell_left_there(files, done)
        for files in self.chosen.elsewhere if self.chosen else ():
            self._put_elsewhere(files, done)
        for database in self.chosen.databases if self.chosen else ():
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

    def _find_unset(self, order: _Order) -> Unset:
        """Look for what only root could have given; of files alone, all else is the service's."""
        if is_root() or self.wish.dry_run or self.chosen is not None:
            return Unset()
        reader = TreeReader(self.repository, self.repository.load_index())
        target, ours = os.fsencode(order.target), os.fsencode(f"/{self.wish.site}/files/*")
        asked, files = order.include, compile_patterns([ours])
        include = files if asked is None else _Both(asked, files)
        with suppress(BackupError):  # of a damaged tree the restore itself has told
            tree = find_folder(reader, order.snapshot.tree, os.fsencode(order.subfolder))
            return find_unset(reader, tree, target, include, order.exclude)
        return Unset()

    def _measure(self) -> int:
        """Give the bytes that are to be written into the target."""
        rehearsed = replace(self, wish=replace(self.wish, dry_run=True), progress=SILENT)
        return sum(rehearsed.restore(order).restored_bytes for order in self._orders())

    def _tell_left_there(self, files: ChosenFiles, done: Done) -> None:
        """Name what lies in a folder and is not in the snapshot."""
        if files.is_absent:
            return
        reader = TreeReader(self.repository, self.repository.load_index())
        at = os.fsencode(f"/{self.wish.site}/{files.at}")
        passed = Passed.of(self.estate.site(self.wish.site), files.part, files.top)
        with suppress(BackupError):  # of a damaged tree the restore itself has told
            tree = find_folder(reader, self._whole.tree, at)
            found = find_left_there(reader, tree, files.top, _compile(files.include), passed)
            write_left_there(found, files.top)
            if found.count:
                done.left_there[str(files.top)] = found.paths()

    def tell_newer(self) -> None:
        """Say which files are newer than the backup, of each folder that goes back as a whole.

        Raises:
            ProvisioningError: A host cannot be entered.
        """
        reader = TreeReader(self.repository, self.repository.load_index())
        tree, since = self._whole.tree, self._whole.time
        parts = (*self.chosen.files, *self.chosen.elsewhere) if self.chosen else ()
        for files in parts:
            if files.include or files.is_absent or files.part.source != "files":
                continue
            name, at = files.part.host, os.fsencode(f"/{self.wish.site}/{files.at}")
            top = os.fsencode(files.top)
            look = Look(reader, tree, at, top, since, self._left_out(files, top))
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
        reader = TreeReader(self.repository, self.repository.load_index())
        for files in self.chosen.elsewhere if self.chosen else ():
            folder = os.fsencode(f"/{self.wish.site}/{files.at}")
            with enter_writing(self.estate, files.part.host, self.wish.way) as host:
                require_place(reader, self._whole.tree, folder, host, os.fsencode(files.part.path))
        if self.chosen and any(it.is_foreign for it in self.chosen.databases):
            with enter_writing(self.estate, None, self.wish.way):
                pass  # who may not log in is told before anybody is asked

    def _deliver(self, files: ChosenFiles) -> Delivered:
        reader = TreeReader(self.repository, self.repository.load_index())
        tree, folder = self._whole.tree, os.fsencode(f"/{self.wish.site}/{files.at}")
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
        write_line(text.format(entries=entries, size=size, place=place))
        return found

    def _orders(self) -> Iterator[_Order]:
        if self.chosen is None:
            yield from self._orders_into_folder()
            return
        for it in self.chosen.files:
            at = f"/{self.wish.site}/{it.at}"
            asked = _compile(it.include)
            is_top = it.is_absent or not it.include
            yield _Order(self._whole, it.top, at, asked, is_top=is_top)

    def _orders_into_folder(self) -> Iterator[_Order]:
        target, asked = Path(self.wish.target).absolute(), _compile(self.wish.include)
        for it in self.state.shares(self.wish.site):
            own, left_out = _compile(it.include), _compile(it.exclude)
            both = _Both(asked, own) if asked is not None and own is not None else asked or own
            yield _Order(it.snapshot, target, "/", both, left_out)

    @property
    def _whole(self) -> Snapshot:
        """The snapshot that files come from; whoever chose parts has seen that there is one."""
        assert self.state.whole is not None  # noqa: S101 - for mypy; `refuse_lacking` has looked
        return self.state.whole

    def _join_manifests(self) -> None:
        path = Path(self.wish.target).absolute() / self.wish.site / MANIFEST
        if not self.wish.dry_run:
            join_manifests(self.repository, self.state, self.wish.site, path)

    def restore(self, order: _Order) -> RestoreResult:
        """Have the engine carry out one call."""
        request = RestoreRequest(
            target=os.fsencode(order.target),
            subfolder=os.fsencode(order.subfolder),
            include=order.include,
            exclude=order.exclude,
            verify=self.wish.verify,
            dry_run=self.wish.dry_run,
            sparse=True,
            closes_top=self.chosen is None,
        )
        result = restore_snapshot(self.repository, order.snapshot.tree, request, self.progress)
        if order.is_top and not self.wish.dry_run:
            self._restore_top(order)
        return result

    def _restore_top(self, order: _Order) -> None:
        """Give a part's own folder its owner, mode and time: the engine leaves a target alone."""
        reader = TreeReader(self.repository, self.repository.load_index())
        entry = find_entry(reader, order.snapshot.tree, os.fsencode(order.subfolder))
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
            write_line(text.format(name=part.name, path=part.database))
            return
        shutil.rmtree(self.scratch, ignore_errors=True)
        include = compile_patterns([f"/{part.name}.sqlite".encode()])
        snapshot = self.state.of(part.name) or self._whole
        order = _Order(snapshot, self.scratch, f"/{self.wish.site}/databases", include)
        try:
            result = self.restore(order)
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
        write_line(text.format(name=part.name, path=part.database))
        if kept is not None:
            done.kept.append(str(kept))
            text = _("  what was there could not be read as a database; it is kept as {path}")
            write_line(text.format(path=kept))


def join_manifests(repository: Repository, state: State, site: str, path: Path) -> None:
    """Have a restored manifest tell of the databases that were restored of other snapshots.

    Args:
        repository: Of the site.
        state: What was restored, of which snapshots.
        site: Its name.
        path: The manifest's file; it need not be there.
    """
    if not state.apart or not path.is_file():
        return
    reader = TreeReader(repository, repository.load_index())
    with suppress(BackupError, ValueError, KeyError, TypeError):  # one that is not ours
        manifest: dict[str, Any] = json.loads(path.read_bytes())
        told = [
            known
            for name, snapshot in state.apart.items()
            for known in read_manifest(reader, snapshot, site)["databases"]
            if known["name"] == name
        ]
        others = [it for it in manifest["databases"] if it["name"] not in state.apart]
        manifest["databases"] = [*others, *told]
        joined = json.dumps(manifest, ensure_ascii=False, indent=1).encode()
        put_anew(path, joined, path.stat().st_mode & 0o777)


def _compile(texts: tuple[str, ...]) -> Patterns | None:
    return compile_patterns(map(os.fsencode, texts)) if texts else None


def _write_result(target: Path, result: RestoreResult, *, dry_run: bool) -> None:
    text = (
        ngettext(
            "  would restore {entries} entry, {size}, into {target}; unchanged: {skipped}",
            "  would restore {entries} entries, {size}, into {target}; unchanged: {skipped}",
            result.restored,
        )
        if dry_run
        else ngettext(
            "  restored {entries} entry, {size}, into {target}; unchanged: {skipped}",
            "  restored {entries} entries, {size}, into {target}; unchanged: {skipped}",
            result.restored,
        )
    )
    write_line(
        text.format(
            entries=format_number(result.restored),
            size=format_size(result.restored_bytes),
            target=target,
            skipped=format_number(result.skipped),
        )
    )
    if result.verified:
        text = ngettext(
            "  read back and found right: {count} file",
            "  read back and found right: {count} files",
            result.verified,
        )
        write_line(text.format(count=format_number(result.verified)))
    for failure in result.failures[:_MOST_SHOWN]:
        path = show_path(failure.path)
        reason = fill(failure.error.what, failure.error.params)
        write_line("  " + _("not restored: {path}: {reason}").format(path=path, reason=reason))
