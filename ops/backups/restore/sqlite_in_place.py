"""Put an SQLite database back in its place, whatever has become of the live file.

1. Prove the copy.
2. Where the live file can be read as a database: copy into it through SQLite in one transaction.
   Readers see the old state or the new one, and no log of the old file can spoil the new. Done.
3. Where it is gone, or no database any more: write the copy beside it under a temporary name, with
   owner and mode, and sync it.
4. Give what is there a second name, `NAME.damaged-MOMENT`, and move its log files after it.
5. Rename the new file to the live name; sync the folder.

Whoever is killed between 3 and 5 runs the restore again. Nothing damaged is ever deleted.

The folder is another user's, as a rule, and who runs this is root. Step 2 goes by names that this
user may swap for links, so it is done with the user's own rights; 3 to 5 go by the folder's
descriptor and single names.
"""

import errno
import os
import pwd
import shutil
import sqlite3
import stat
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

from backup.restorer.partial_files import create_partial, remove_leftovers
from backup.sources.databases.sqlite_copy import COMPANIONS
from backup.sources.databases.sqlite_examination import examine
from ops.entering import Entered, entered
from ops.errors import OpsError
from ops.language.text import _, fill

_BUSY_SECONDS = 30.0
_COPY_BYTES = 1 << 20
_RIGHTS = 0o777
_NOBODY = 65_534
_UNREADABLE = (sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT)
_PRIMARY_CODE = 0xFF  # source: https://sqlite.org/rescode.html, "Primary Versus Extended"


class _UnreadableError(Exception):
    """What has the live name is no database any more."""


def put_database_back(copy: Path, live: Path) -> Path | None:
    """Give a database the content of a copy.

    Args:
        copy: The database as restored; its mode is that of a live file that is gone.
        live: Where it belongs; its folder is there.

    Returns:
        The name under which what could not be read was kept; None where nothing was moved.

    Raises:
        OpsError: The copy is damaged, the live file cannot be written, or somebody has it locked.
        StrangeLinkError: The path leads over a link that others could have put there.
    """
    try:
        _prove(copy, live)
        with entered(live) as place:
            found = place.look()
            if found is not None:
                with suppress(_UnreadableError):
                    _overwrite(copy, place, found)
                    return None
            return _replace(copy, place, found)
    except (sqlite3.Error, OSError) as error:
        raise OpsError(
            "the database {path} could not be put back",
            why="{reason}",
            data="it is as it was",
            next_step="stop the site, so that nobody has it open, then try again",
            path=live,
            reason=getattr(error, "strerror", None) or str(error),
        ) from error


def _open_copy(copy: Path) -> sqlite3.Connection:
    """Open it once and for all: nothing beside it is looked for later, by whoever we are then."""
    uri = f"file:{quote(os.fsencode(copy))}?mode=ro&immutable=1"
    return sqlite3.connect(uri, uri=True)


@contextmanager
def _with_rights_over(place: Entered, found: os.stat_result) -> Iterator[None]:
    """Have the rights of who may swap names on the way, where that is not root alone.

    SQLite opens the file, and logs beside it, by their names. The folder's owner comes first, then
    the file's; where both are root's and a group writes there, nobody in that group.
    """
    if os.geteuid() != 0 or place.is_steady:
        yield
        return
    folder = os.fstat(place.folder)
    owner = next((it for it in (folder, found) if it.st_uid), None)
    user, group = (owner.st_uid, owner.st_gid) if owner else (_NOBODY, folder.st_gid)
    groups, before = os.getgroups(), os.getegid()
    try:
        os.setgroups(_groups_of(user, group))
        os.setegid(group)
        os.seteuid(user)
        yield
    finally:
        os.seteuid(0)
        os.setegid(before)
        os.setgroups(groups)


def _groups_of(user: int, group: int) -> list[int]:
    with suppress(KeyError):  # an owner need not be in the table of users
        return os.getgrouplist(pwd.getpwuid(user).pw_name, group)
    return [group]


def _prove(copy: Path, live: Path) -> None:
    """Refuse a copy that is damaged: it was stored like that, and no other try makes it whole."""
    problems = examine(copy, "integrity_check").problems
    if problems:
        raise OpsError(
            "the database {path} is damaged in this snapshot",
            why="{reason}",
            data="the live database is as it was",
            next_step="choose an earlier one: `{program} backup.list --site NAME` lists them",
            path=live,
            reason=problems[0],
        )


def _overwrite(copy: Path, place: Entered, found: os.stat_result) -> None:
    if not stat.S_ISREG(found.st_mode):
        raise FileExistsError(errno.EEXIST, _("something else than a file is there"))
    deadline = time.monotonic() + _BUSY_SECONDS

    def give_up_when_locked(status: int, _remaining: int, _total: int) -> None:
        if status == sqlite3.SQLITE_BUSY and time.monotonic() > deadline:
            raise sqlite3.OperationalError("database is locked")

    try:
        with (
            closing(_open_copy(copy)) as source,
            _with_rights_over(place, found),
            closing(sqlite3.connect(place.path, timeout=_BUSY_SECONDS)) as target,
        ):
            source.backup(target, progress=give_up_when_locked)
    except sqlite3.DatabaseError as error:
        if getattr(error, "sqlite_errorcode", 0) & _PRIMARY_CODE in _UNREADABLE:
            raise _UnreadableError from error
        raise


def _replace(copy: Path, place: Entered, found: os.stat_result | None) -> Path | None:
    folder = place.folder
    names = os.listdir(folder)  # noqa: PTH208 -- of a descriptor
    remove_leftovers(folder, [os.fsencode(it) for it in names])
    fresh, held = create_partial(folder, 0o600)
    try:
        _fill(held, copy, found or os.fstat(folder), found or copy.stat())
        aside = _move_aside(place)
        os.replace(fresh, os.fsencode(place.name), src_dir_fd=folder, dst_dir_fd=folder)
        os.fsync(folder)
    except BaseException:
        with suppress(OSError):
            os.unlink(fresh, dir_fd=folder)
        raise
    finally:
        os.close(held)
    return aside


def _fill(descriptor: int, copy: Path, owner: os.stat_result, mode: os.stat_result) -> None:
    """Write the copy, and give the file the live one's owner and mode, or its folder's owner."""
    with copy.open("rb") as source, os.fdopen(os.dup(descriptor), "wb") as target:
        shutil.copyfileobj(source, target, _COPY_BYTES)
    if os.geteuid() == 0:
        os.fchown(descriptor, owner.st_uid, owner.st_gid)
    os.fchmod(descriptor, mode.st_mode & _RIGHTS)
    os.fsync(descriptor)


def _move_aside(place: Entered) -> Path | None:
    """Keep what is there under another name; the file itself keeps its own until it is replaced."""
    aside, folder = f"{place.name}.damaged-{datetime.now(UTC):%Y%m%dT%H%M%SZ}", place.folder
    names = {f"{place.name}{it}": f"{aside}{it}" for it in COMPANIONS}
    found = {old: kept for old, kept in names.items() if replace(place, name=old).look()}
    for old, kept in found.items():
        with suppress(OSError):  # a file system without further names: no live file for a moment
            if old == place.name:
                os.link(old, kept, src_dir_fd=folder, dst_dir_fd=folder, follow_symlinks=False)
                continue
        os.rename(old, kept, src_dir_fd=folder, dst_dir_fd=folder)
    return replace(place, name=aside).path if found else None


def main(copy: str, live: str) -> int:
    """Put one back for a process of another account; prints the name of what was kept."""
    try:
        kept = put_database_back(Path(copy), Path(live))
    except OpsError as error:
        sys.stderr.write(f"{fill(error.what, error.params)}: {fill(error.why, error.params)}\n")
        return 1
    sys.stdout.buffer.write(b"" if kept is None else os.fsencode(kept) + b"\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
