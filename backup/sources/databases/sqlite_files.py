"""The files of an SQLite database, and how they are copied when a writer was killed.

1. Note what file and rollback journal look like.
2. Copy both, as bytes; the live ones are only read.
3. Look again: what has changed meanwhile is no copy, and goes.

SQLite finds the journal beside the copy and undoes the half transaction there. The journal of a
transaction on several databases names a file of the live ones, which is where it looks for it too.
"""

import os
import shutil
import sqlite3
from contextlib import suppress
from pathlib import Path

COMPANIONS = ("", "-wal", "-shm", "-journal")
"""What is added to a database's path to name the files that only make sense together."""

JOURNAL = "-journal"


def is_cut_off(path: Path, error: sqlite3.OperationalError) -> bool:
    """Tell whether a database cannot be read because a transaction has to be undone first.

    Args:
        path: The database's file.
        error: What reading it has raised.
    """
    is_refused = getattr(error, "sqlite_errorname", "").startswith("SQLITE_READONLY")
    journal = _look(path, JOURNAL)
    return is_refused and journal is not None and journal[1] > 0


def copy_with_journal(path: Path, copy: Path) -> bool:
    """Copy a database's file and its journal; gives whether they stayed the same meanwhile.

    Raises:
        OSError: They cannot be read, or the copies not written.
    """
    remove_copy(copy)
    before = _look(path, ""), _look(path, JOURNAL)
    for suffix in ("", JOURNAL):
        with suppress(FileNotFoundError):
            shutil.copyfile(f"{path}{suffix}", f"{copy}{suffix}")
    if (_look(path, ""), _look(path, JOURNAL)) == before:
        return True
    remove_copy(copy)
    return False


def remove_copy(copy: Path) -> None:
    """Remove a copy with everything beside it."""
    for suffix in COMPANIONS:
        Path(f"{copy}{suffix}").unlink(missing_ok=True)


def _look(path: Path, suffix: str) -> tuple[int, int, int] | None:
    """Give inode, size and time of change; None for what is not there."""
    with suppress(FileNotFoundError):
        status = os.stat(f"{path}{suffix}")
        return status.st_ino, status.st_size, status.st_mtime_ns
    return None
