"""Try files that are not of this machine: does the host answer, may everything be listed?

Try a database on a server: does it answer, does the account get in, may it read everything?
"""

import os
import stat
from collections.abc import Callable, Iterator, Sequence

from backup.errors import SourceError
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
from ops.backups.sources.databases import connect
from ops.backups.sources.files import open_output, open_tree
from ops.backups.sources.site import compile_excludes
from ops.errors import OpsError
from ops.estate.model.estate import Estate
from ops.estate.model.sites import DatabasePart, FilesPart, Site
from ops.language.formats import format_size
from ops.language.text import _, ngettext
from ops.sites.probe.first_copy import Extent
from ops.sites.probe.trial import Trial, failed, measured

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
