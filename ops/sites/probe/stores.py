"""Trials of what a site is made of elsewhere: a host's files, a database server, a store, pages."""

import os
import secrets
import shutil
import stat
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from backup.errors import BackupError, SourceError
from backup.sources.databases.mariadb_dump import (
    look_at_mariadb,
    mariadb_dumper_version,
    refuse_missing_rights,
)
from backup.sources.databases.postgresql_dump import (
    look_at_postgresql,
    postgresql_dumper_version,
    refuse_unreadable,
)
from backup.sources.remote.tree import ListedFolder, Pause, RemoteTree, Unlisted
from ops.backups.pages.notes import PageNote, rules_of, tell_problem
from ops.backups.pages.noting import PagesOrder, noting_beside
from ops.backups.pages.verdict import tell_moving
from ops.backups.repositories.open import RepositoryMissingError, find_missing_keys, open_repository
from ops.backups.repositories.stores import open_store_of
from ops.backups.sources.parts import connect, open_output, open_tree
from ops.backups.sources.site import compile_excludes
from ops.errors import OpsError, SecretError
from ops.estate.model.estate import Estate
from ops.estate.model.references import reveal
from ops.estate.model.sites import DatabasePart, FilesPart, Site
from ops.estate.model.stores import Store
from ops.language.formats import format_number, format_size
from ops.language.text import N_, _, fill, ngettext
from ops.sites.probe.first_copy import Extent, Trial, failed, measured

_PIECE = 1 << 16
_MOST_NAMED = 5


def try_elsewhere(estate: Estate, site: Site, key: str, part: FilesPart, extent: Extent) -> Trial:
    """List a folder of a host, or run the command whose output is saved.

    Args:
        estate: Knows the hosts.
        site: Whose part it is.
        key: The part's key in the estate.
        part: Which.
        extent: Takes in what there is to copy.
    """
    seen = Extent()
    try:
        if part.source == "command":
            _run(estate, part, seen)
        else:
            _list(estate, site, part, seen)
    except (SourceError, OpsError) as error:
        return failed(key, error)
    extent.add(seen)
    if seen.unreadable:
        text = _("{count} folders may not be listed by the account on the host, e.g. {first}")
        first = seen.first_unreadable[0].decode("utf-8", "backslashreplace")
        told = text.format(count=seen.unreadable, first=first)
        return Trial(key, "failed", told, _("let that account read them, or leave them out"))
    return measured(key, seen)


def _run(estate: Estate, part: FilesPart, seen: Extent) -> None:
    buffer = memoryview(bytearray(_PIECE))
    with open_output(estate, part) as reader:
        while count := reader.readinto(buffer):
            seen.size_bytes += count
    seen.files = 1


def _list(estate: Estate, site: Site, part: FilesPart, seen: Extent) -> None:
    top = os.fsencode(part.path).rstrip(b"/")
    patterns = compile_excludes((*site.exclude, *part.exclude), top)
    with open_tree(estate, part) as tree:
        _measure(tree, lambda it: bool(patterns) and patterns.match(b"/" + it), seen)
        tree.finish()


def _measure(tree: RemoteTree, is_excluded: Callable[[bytes], bool], seen: Extent) -> None:
    """Count what is listed and not left out; a folder that is left out hides those in it."""
    left_out: set[bytes] = set()
    for item in tree.list_all():
        if isinstance(item, Pause):
            continue
        if item.path and item.path.rpartition(b"/")[0] in left_out:
            left_out.add(item.path)
        if item.path in left_out:
            continue
        if isinstance(item, Unlisted):
            seen.note_unreadable(item.path or tree.root.path)
        else:
            left_out.update(_count(item, is_excluded, seen))
    if stat.S_ISREG(tree.root.status.st_mode):
        seen.files, seen.size_bytes = 1, tree.root.status.st_size


def _count(
    folder: ListedFolder, is_excluded: Callable[[bytes], bool], seen: Extent
) -> Iterator[bytes]:
    """Count a folder's files; yields what is left out."""
    prefix = folder.path + b"/" if folder.path else b""
    for name, status in zip(folder.names, folder.stats, strict=True):
        if is_excluded(prefix + name):
            yield prefix + name
        elif stat.S_ISREG(status.st_mode):
            seen.files += 1
            seen.size_bytes += status.st_size


def try_server(estate: Estate, key: str, part: DatabasePart, extent: Extent) -> Trial:
    """Log in and look; nothing is dumped.

    Does it answer, does the account get in, may it read everything?

    Args:
        estate: Knows the hosts.
        key: The part's key in the estate.
        part: Which.
        extent: Takes in what there is to copy.
    """
    try:
        connection = connect(estate, part)
        if part.engine == "mariadb":
            program = mariadb_dumper_version(connection)
            state = look_at_mariadb(connection)
            refuse_missing_rights(connection, state, lock_tables=part.lock_tables)
            server, size = state.server, state.size_bytes
            torn = () if part.lock_tables else state.unsafe_tables
            without_history = state.tables_without_history(program)
        else:
            postgresql_dumper_version(connection)
            found = look_at_postgresql(connection)
            refuse_unreadable(connection, found)
            server, size = found.server, found.size_bytes
            torn, without_history = (), ()
    except (SourceError, OpsError) as error:
        return failed(key, error)
    extent.files += 1
    extent.size_bytes += size
    told = _("it answers and may be read in full: {server}, {size}").format(
        server=server, size=format_size(size)
    )
    if without_history:
        text = _("{told}; the history that the tables {tables} keep is not copied")
        told = text.format(told=told, tables=name_few(without_history))
    if not torn:
        return Trial(key, "ok", told)
    text = _("{told}; not consistent: the tables {tables} know no transactions")
    fix = _("turn them into InnoDB, or let them be locked: `lock_tables = true`")
    return Trial(key, "ok", text.format(told=told, tables=name_few(torn)), fix)


def name_few(names: Sequence[str]) -> str:
    """Name the first few; how many others there are."""
    shown = ", ".join(names[:_MOST_NAMED])
    rest = len(names) - _MOST_NAMED
    if rest <= 0:
        return shown
    text = ngettext("{shown} and {count} other", "{shown} and {count} others", rest)
    return text.format(shown=shown, count=rest)


_PROBE = b"giucong probe\n"


def try_store(estate: Estate, site: Site, store: Store, needed_bytes: int) -> Iterator[Trial]:
    """Try a store, the site's repository in it, and whether there is room for the first copy."""
    key = f"stores[{store.name}]"
    try:
        url = reveal(store.url)
    except SecretError as error:
        yield failed(key, error)
        return
    yield _probe(estate, site, store, url)
    yield _try_repository(estate, site, store)
    if store.role == "primary" and url.startswith("/"):
        yield try_room(key, Path(url), needed_bytes)


def _probe(estate: Estate, site: Site, store: Store, url: str) -> Trial:
    """Write, read and remove a small object in the store, beside the repositories."""
    key = f"stores[{store.name}]"
    if url.startswith("/") and not Path(url).is_dir():
        told = _("the folder {path} does not exist yet").format(path=url)
        fix = N_("mount the disk; only if it is new: {command}")
        return Trial(key, "not_checked", told, fill(fix, {"command": _how_to_make(site, store)}))
    try:
        opened = open_store_of(estate, store, url)
    except (BackupError, SecretError) as error:
        return failed(key, error)
    name = f"giucong-probe-{secrets.token_hex(8)}"
    try:
        opened.write(name, _PROBE)
        try:
            same = opened.read(name) == _PROBE
        finally:
            opened.delete(name)
    except BackupError as error:
        return failed(key, error)
    if not same:
        return Trial(key, "failed", _("the store gave back other bytes"), _("do not use it"))
    return Trial(key, "ok", _("a probe was written, read and removed"))


def _try_repository(estate: Estate, site: Site, store: Store) -> Trial:
    key = f"stores[{store.name}]/{site.name}"
    make = _how_to_make(site, store)
    try:
        open_repository(estate, site.name, store)
    except RepositoryMissingError:
        return Trial(key, "not_checked", _("there is no repository yet"), make)
    except (BackupError, OpsError) as error:
        if estate.repository_key(store) in {f"file:{it}" for it in find_missing_keys(estate)}:
            return Trial(key, "not_checked", _("there is no repository key yet"), make)
        return failed(key, error)
    return Trial(key, "ok", _("the repository opens with the key"))


def _how_to_make(site: Site, store: Store) -> str:
    """Name the task that makes a store's repository; a mirror's is written with its bytes."""
    text = (
        N_("`{program} backup.copy --site {site} --to {store}`")
        if store.role == "mirror"
        else N_("`{program} backup.init --site {site}`")
    )
    return fill(text, {"site": site.name, "store": store.name})


def try_room(key: str, folder: Path, needed_bytes: int) -> Trial:
    """Compare the free space under a folder, which need not exist yet, with what is needed."""
    nearest = next(it for it in (folder, *folder.parents) if it.exists())
    part = _("free space: {part}").format(part=_(key))
    free = shutil.disk_usage(nearest).free
    told = _("{free} free, {needed} needed at most").format(
        free=format_size(free), needed=format_size(needed_bytes)
    )
    if free >= needed_bytes:
        return Trial(part, "ok", told)
    return Trial(part, "failed", told, _("make room, or move it to a larger disk"))


def try_pages(site: Site) -> Iterator[Trial]:
    """Fetch each page as a backup would; yields what was seen, and better ones for what moves.

    A backup does not need them, so one that fails is not checked.
    """
    order = PagesOrder(url=site.url, pages=site.pages, rules=rules_of(site), proposes=True)
    with noting_beside(order) as take:
        notes = take()
    better = [it.page.removeprefix(site.url) for it in notes[len(site.pages) :]]
    for note in notes[: len(site.pages)]:
        yield _tell(f"sites[{site.name}].pages[{note.page}]", note, better)


def _tell(part: str, note: PageNote, better: Sequence[str]) -> Trial:
    if note.problem:
        told = tell_problem(note.problem, note.address, note.detail)
        fix = _("a backup tells of it and goes on; correct `url` or `pages`, or mend the site")
        return Trial(part, "not_checked", told, fix)
    if note.moves_much:
        return Trial(part, "not_checked", *tell_moving(note.stays, better))
    told = _('it answers: "{title}", {length} characters to read, {stays} % of them stay')
    return Trial(
        part,
        "ok",
        told.format(
            title=note.title, length=format_number(note.length), stays=int(100 * note.stays)
        ),
    )
