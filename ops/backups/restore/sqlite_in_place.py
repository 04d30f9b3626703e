"""Put an SQLite database back in its place, whatever has become of the live file.

1. Prove the copy.
2. Where the live file can be read as a database: copy into it through SQLite in one transaction.
   Readers see the old state or the new one, and no log of the old file can spoil the new. Done.
3. Where it is gone, or no database any more: write the copy beside it under a temporary name, with
   owner and mode, and sync it.
4. Give what is there a second name, `NAME.damaged-MOMENT`, and move its log files after it.
5. Rename the new file to the live name; sync the folder.

Whoever is killed between 3 and 5 runs the restore again. Nothing damaged is ever deleted.
"""

import os
import shutil
import sqlite3
import stat
import sys
import time
from contextlib import closing, suppress
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

from backup.restorer.partial_files import create_partial, remove_leftovers
from backup.sources.databases.sqlite_copy import COMPANIONS
from backup.sources.databases.sqlite_examination import examine
from ops.errors import OpsError
from ops.language.text import fill

_BUSY_SECONDS = 30.0
_COPY_BYTES = 1 << 20
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
    """
    live = Path(os.path.realpath(live))
    try:
        _prove(copy, live)
        if live.exists():
            with suppress(_UnreadableError):
                _overwrite(copy, live)
                return None
        return _replace(copy, live)
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
    return sqlite3.connect(f"file:{quote(os.fsencode(copy))}?mode=ro", uri=True)


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


def _overwrite(copy: Path, live: Path) -> None:
    deadline = time.monotonic() + _BUSY_SECONDS

    def give_up_when_locked(status: int, _remaining: int, _total: int) -> None:
        if status == sqlite3.SQLITE_BUSY and time.monotonic() > deadline:
            raise sqlite3.OperationalError("database is locked")

    try:
        with (
            closing(_open_copy(copy)) as source,
            closing(sqlite3.connect(live, timeout=_BUSY_SECONDS)) as target,
        ):
            source.backup(target, progress=give_up_when_locked)
    except sqlite3.DatabaseError as error:
        if getattr(error, "sqlite_errorcode", 0) & _PRIMARY_CODE in _UNREADABLE:
            raise _UnreadableError from error
        raise


def _replace(copy: Path, live: Path) -> Path | None:
    folder = os.open(live.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        remove_leftovers(folder, [os.fsencode(it.name) for it in live.parent.iterdir()])
        fresh, held = create_partial(folder, 0o600)
        try:
            _fill(held, copy, live)
            aside = _move_aside(live)
            os.replace(fresh, os.fsencode(live.name), src_dir_fd=folder, dst_dir_fd=folder)
            os.fsync(folder)
        except BaseException:
            with suppress(OSError):
                os.unlink(fresh, dir_fd=folder)
            raise
        finally:
            os.close(held)
        return aside
    finally:
        os.close(folder)


def _fill(descriptor: int, copy: Path, live: Path) -> None:
    """Write the copy, and give the file the live one's owner and mode, or its folder's owner."""
    with copy.open("rb") as source, os.fdopen(os.dup(descriptor), "wb") as target:
        shutil.copyfileobj(source, target, _COPY_BYTES)
    owner = live.stat() if live.exists() else live.parent.stat()
    mode = live.stat().st_mode if live.exists() else copy.stat().st_mode
    if os.geteuid() == 0:
        os.fchown(descriptor, owner.st_uid, owner.st_gid)
    os.fchmod(descriptor, stat.S_IMODE(mode))
    os.fsync(descriptor)


def _move_aside(live: Path) -> Path | None:
    """Keep what is there under another name; the file itself keeps its own until it is replaced."""
    aside = live.with_name(f"{live.name}.damaged-{datetime.now(UTC):%Y%m%dT%H%M%SZ}")
    found = [suffix for suffix in COMPANIONS if Path(f"{live}{suffix}").exists()]
    for suffix in found:
        old, kept = Path(f"{live}{suffix}"), Path(f"{aside}{suffix}")
        if suffix:
            old.rename(kept)
            continue
        try:
            kept.hardlink_to(old)
        except OSError:  # a file system without further names: there is no live file for a moment
            old.rename(kept)
    return aside if found else None


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
