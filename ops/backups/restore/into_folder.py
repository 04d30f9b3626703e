"""A restore into a folder, by the process whose folder it is.

That is this service's, where a checkout's owner, root or the console restores; and it is the one of
whoever types at a terminal, which has neither the repository's key nor its store, and gets what it
reads over sockets (`ops.backups.restore.there`). What is to be done is data, so that it can be
handed over; which folder it is, that process knows by itself.
"""

import json
import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec

from backup.errors import BackupError
from backup.format.pack import ID_LENGTH
from backup.format.tree import Node
from backup.format.tree_decoding import decode_tree, raise_lost
from backup.patterns.patterns import Patterns, compile_patterns
from backup.progress import SILENT, Progress
from backup.restorer.content import Content, ContentGoneError
from backup.restorer.metadata import is_root
from backup.restorer.request import Overwrite, PathFilter, RestoreRequest, RestoreResult
from backup.restorer.restore import restore_content
from ops.backups import MANIFEST
from ops.backups.restore.owners import Unset, find_unset, tell_unset
from ops.backups.restore.targets import refuse_full
from ops.backups.restore.tasks import Restore
from ops.durable_files import put_anew
from ops.errors import OpsError
from ops.language.formats import format_size
from ops.language.text import _, fill, ngettext, show_path
from ops.terminal.output import write_line

_MOST_SHOWN = 20


class Share(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is taken of one snapshot.

    Attributes:
        tree: Id of its root tree, in hexadecimal digits.
        include: Patterns; what is taken matches one of each group that has some.
        exclude: Nothing that these match.
    """

    tree: str
    include: tuple[tuple[str, ...], ...] = ()
    exclude: tuple[str, ...] = ()


class IntoFolder(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What goes into the folder.

    Attributes:
        site: Name of the folder in it.
        shares: Of which snapshots, in order.
        databases: By the name of each that comes of a snapshot of its own, what that one's manifest
            tells of it; None where it tells nothing.
        beside: Device of the catalog, which needs room to go on.
        verify: Whether every file is read back.
        overwrite: What becomes of what is there.
        delete: Whether what the snapshots do not have is removed.
        dry_run: Whether nothing is written.
    """

    site: str
    shares: tuple[Share, ...]
    databases: Mapping[str, dict[str, Any] | None]
    beside: int
    verify: bool
    overwrite: Overwrite
    delete: bool
    dry_run: bool


def typed_of(wish: Restore) -> dict[str, Any]:
    """Give what a person has typed of it; nobody else says that."""
    return {
        "site": wish.site,
        "verify": wish.verify,
        "overwrite": wish.overwrite,
        "delete": wish.delete,
        "dry_run": wish.dry_run,
    }


class CameOf(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What came of it.

    Attributes:
        failed: Entries that are not back.
        met: Entries that the snapshots have of what was asked for.
        unset: Owners, modes and attributes that only root could have given.
        owners_list: File by which root gives them; empty for none.
        removed: Entries that the snapshots do not have, removed or to be removed.
        denied: Of those that are not back, how many the system denies to who restores.
    """

    failed: int = 0
    met: int = 0
    unset: int = 0
    owners_list: str = ""
    removed: int = 0
    denied: int = 0


def restore_into(
    work: IntoFolder,
    target: Path,
    content: Content,
    progress: Progress = SILENT,
    *,
    is_anybodys: bool = False,
) -> CameOf:
    """Do it, and tell how many entries are there.

    Args:
        work: What.
        target: The folder; absolute.
        content: Where everything is read from.
        progress: Told of every entry.
        is_anybodys: Whether the folder is that of whoever types, not the service's.

    Raises:
        NoRoomError: The target's disk has no room for it; nothing was written.
        ContentGoneError: Nothing can be read any more.
        OpsError: A person's folder would get more than the site's.
    """
    is_open = is_anybodys and _may_be_entered(target)
    orders = [_Order(work, it, target, content, lends_nothing=is_open) for it in work.shares]
    if is_anybodys:
        for order in orders:
            order.refuse_beside()
    if not work.dry_run:
        refuse_full(target, sum(it.measure() for it in orders), beside=work.beside)
    failed = met = removed = denied = 0
    unset = Unset()
    for order in orders:
        result = order.restore(progress)
        is_asked = len(orders) == 1 and order.include is None  # else nothing matched, and is told
        if result.entries or result.deleted or result.failures or is_asked:
            write_result(target, result, dry_run=work.dry_run, verify=work.verify)
        found = order.find_unset()
        unset.add(found)
        failed += result.error_count - len(found.devices)
        denied += max(0, result.denied - len(found.devices))
        met += result.restored + result.skipped
        removed += result.deleted
    if not work.dry_run:
        join_databases(target / work.site / MANIFEST, work.databases)
    place = tell_unset(unset, target, work.site, is_anybodys=is_anybodys)
    owners_list = "" if place is None else str(place)
    return CameOf(failed, met, unset.count, owners_list, removed, denied)


def find_removed(work: IntoFolder, target: Path, content: Content) -> CameOf:
    """Name what `work` would remove, and count it: before anybody is asked. Nothing is written."""
    looking = msgspec.structs.replace(
        work, dry_run=True, overwrite="never"
    )  # reads no file's bytes
    removed = 0
    for share in work.shares:
        result = _Order(looking, share, target, content).restore(SILENT)
        write_removed(result, dry_run=True)
        removed += result.deleted
    return CameOf(removed=removed)


def _may_be_entered(target: Path) -> bool:
    """Tell whether others may enter a folder; one that is made is closed to them."""
    try:
        return target.stat().st_mode & 0o077 != 0
    except FileNotFoundError:
        return False


class _Order:
    """One call of the engine."""

    def __init__(
        self,
        work: IntoFolder,
        share: Share,
        target: Path,
        content: Content,
        *,
        lends_nothing: bool = False,
    ) -> None:
        self._work, self._target, self._content = work, target, content
        self._lends_nothing = lends_nothing
        self._tree = bytes.fromhex(share.tree)
        if len(self._tree) != ID_LENGTH:
            raise ValueError(share.tree)
        self.include = all_of([compile_texts(it) for it in share.include])
        self._exclude = compile_texts(share.exclude)

    def refuse_beside(self) -> None:
        """Refuse what would lie beside the site's folder: there may be settings of a shell.

        Raises:
            OpsError: Such is served.
        """
        for it in _Trees(self._content).load(self._tree):
            if it.name != os.fsencode(self._work.site):
                raise OpsError(
                    "what the service gives is no backup of {site}: it holds {name}",
                    data="nothing was changed",
                    next_step="tell root: somebody may rule the service",
                    site=self._work.site,
                    name=show_path(it.name),
                )

    def measure(self) -> int:
        """Give the bytes that are to be written."""
        return self._restore(SILENT, dry_run=True).restored_bytes

    def restore(self, progress: Progress) -> RestoreResult:
        """Do it."""
        return self._restore(progress, dry_run=self._work.dry_run)

    def _restore(self, progress: Progress, *, dry_run: bool) -> RestoreResult:
        request = RestoreRequest(
            target=os.fsencode(self._target),
            include=self.include,
            exclude=self._exclude,
            verify=self._work.verify,
            overwrite=self._work.overwrite,
            delete=self._work.delete,
            dry_run=dry_run,
            sparse=True,
            closes_top=True,
            lends_nothing=self._lends_nothing,
        )
        return restore_content(self._content, self._tree, request, progress)

    def find_unset(self) -> Unset:
        """Look for what was not given; of files alone, all else is the service's."""
        if (is_root() and not self._lends_nothing) or self._work.dry_run:
            return Unset()
        include = all_of([self.include, compile_texts((f"/{self._work.site}/files/*",))])
        target, trees = os.fsencode(self._target), _Trees(self._content)
        try:
            return find_unset(trees, self._tree, target, include, self._exclude)
        except ContentGoneError:
            raise
        except BackupError:  # of a damaged tree the restore itself has told
            return Unset()


class _Trees:
    """Reads trees of a restore's content."""

    def __init__(self, content: Content) -> None:
        self._content = content

    def load(self, tree_id: bytes) -> list[Node]:
        """See `backup.snapshots.walk.Trees`."""
        return decode_tree(self._content.load_tree(tree_id), raise_lost)


class _Both:
    """Matches what each of two filters matches."""

    literals: tuple[bytes, ...] | None = None
    """What both match by themselves is told by neither alone."""

    def __init__(self, one: PathFilter, other: PathFilter) -> None:
        self._filters = one, other

    def match(self, path: bytes) -> bool:
        """See `PathFilter`."""
        return all(it.match(path) for it in self._filters)

    def child_match(self, path: bytes) -> bool:
        """See `PathFilter`."""
        return all(it.match(path) or it.child_match(path) for it in self._filters)


def all_of(filters: list[PathFilter | None]) -> PathFilter | None:
    """Give what matches as all of these do; None for everything."""
    found: PathFilter | None = None
    for it in filters:
        found = it if found is None else found if it is None else _Both(found, it)
    return found


def compile_texts(texts: tuple[str, ...]) -> Patterns | None:
    """Compile patterns; None for everything."""
    return compile_patterns(map(os.fsencode, texts)) if texts else None


def join_databases(path: Path, told: Mapping[str, dict[str, Any] | None]) -> None:
    """Have a restored manifest tell of the databases that were restored of other snapshots.

    Args:
        path: The manifest's file; it need not be there.
        told: As of `IntoFolder.databases`.
    """
    is_ours = path.is_file() and not (path.is_symlink() or path.parent.is_symlink())
    if not told or not is_ours:  # a snapshot may hold a link in its place
        return
    with suppress(ValueError, KeyError, TypeError):  # one that is not ours
        manifest: dict[str, Any] = json.loads(path.read_bytes())
        others = [it for it in manifest["databases"] if it["name"] not in told]
        manifest["databases"] = [*others, *(it for it in told.values() if it is not None)]
        joined = json.dumps(manifest, ensure_ascii=False, indent=1).encode()
        put_anew(path, joined, path.stat().st_mode & 0o777)


def write_removed(result: RestoreResult, *, dry_run: bool) -> None:
    """Count and name what `--delete` removed, or would; a folder counts once with all it holds."""
    if not result.deleted:
        return
    text = (
        ngettext(
            "  would remove {count} entry that the backup does not have:",
            "  would remove {count} entries that the backup does not have:",
            result.deleted,
        )
        if dry_run
        else ngettext(
            "  removed {count} entry that the backup does not have:",
            "  removed {count} entries that the backup does not have:",
            result.deleted,
        )
    )
    write_line(text, count=result.deleted)
    for path in result.removed:
        write_line(f"    {show_path(path)}")
    if result.deleted > len(result.removed):
        write_line(_("    and {count} more"), count=result.deleted - len(result.removed))


def _write_verified(result: RestoreResult) -> None:
    text = ngettext(
        "  read back and found right: {count} file",
        "  read back and found right: {count} files",
        result.verified,
    )
    write_line(text, count=result.verified)
    if result.unread:
        text = ngettext(
            "  kept as it was, and not compared with the backup: {count} file",
            "  kept as they were, and not compared with the backup: {count} files",
            result.unread,
        )
        write_line(text, count=result.unread)


def write_result(
    target: Path, result: RestoreResult, *, dry_run: bool, verify: bool = False
) -> None:
    """Tell what one call of the engine has restored and removed, and what it could not."""
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
        text,
        entries=result.restored,
        size=format_size(result.restored_bytes),
        target=target,
        skipped=result.skipped,
    )
    write_removed(result, dry_run=dry_run)
    if verify and not dry_run:
        _write_verified(result)
    write_failures(result)


def write_failures(result: RestoreResult) -> None:
    """Name the first entries that are not back."""
    for failure in result.failures[:_MOST_SHOWN]:
        path = show_path(failure.path)
        reason = fill(failure.error.what, failure.error.params)
        write_line("  " + _("not restored: {path}: {reason}"), path=path, reason=reason)
