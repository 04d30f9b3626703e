"""An SQLite database as a stream: a consistent copy, checked, while others go on writing.

1. Look how large it is, and whether the scratch folder has room for a copy.
2. Copy it there page by page through SQLite's own backup interface. Where the database is in WAL
   mode, one read transaction pins what is copied and writers go on; otherwise the copy starts
   over when somebody writes, and at the fourth time it keeps writers waiting until it is done.
3. Check the copy, and count its rows, in a process with bounds (`sqlite_examination`): the file may
   be a trap. Up to here nothing that it brings along is read.
4. Stream the copy. It is removed in all cases.

A database in WAL mode that nobody has open is read as an immutable file instead, and its file
compared before and after: opening it as usual would leave files of ours beside it, and the site's
own account might then be unable to write.

A writer that was killed leaves a rollback journal, and whoever opens the database next has to undo
the half transaction in the file itself. We do not write there: file and journal are copied into the
scratch folder, again if they change meanwhile, and SQLite undoes the transaction in the copy.
"""

import os
import shutil
import sqlite3
import struct
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TypedDict, cast
from urllib.parse import quote

from backup.errors import SourceError
from backup.sources.databases.sqlite_examination import Check, examine
from backup.sources.databases.sqlite_files import (
    COMPANIONS,
    JOURNAL,
    copy_with_journal,
    is_cut_off,
)
from backup.sources.source import Reader, StreamSource

__all__ = ["COMPANIONS", "SqliteFacts", "open_copy", "sqlite_source"]

LARGEST_WHOLE_CHECK = 2 << 30
"""Copies above so many bytes are checked without comparing indexes with their tables."""

_STEP_PAGES = 2_000
_STEP_PAUSE_SECONDS = 0.001
_LOCK_WAIT_SECONDS = 30.0
_MOST_RESTARTS = 3
_IMMUTABLE_TRIES = 3
_RECOVERY_TRIES = 3
_SPARE_BYTES = 16 << 20
# source: https://sqlite.org/fileformat2.html, 1.3
_HEADER_BYTES = 100
_WAL_VERSION = 2
_ENCODINGS = {1: "UTF-8", 2: "UTF-16le", 3: "UTF-16be"}
_ROLLBACK = "delete"  # what a file without a log is read in; others are of a connection
_TOUCH = "PRAGMA schema_version"  # reads the header, and nothing that the file brings along
_BUSY = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)


@dataclass(frozen=True, slots=True)
class SqliteFacts:
    """What is known of a copy.

    Attributes:
        consistent_at: The moment whose state the copy holds, at the latest; aware UTC.
        copied_at: When the copy was finished; aware UTC.
        size_bytes: Of the copy.
        sqlite_version: Of the library that made it.
        page_size, encoding, user_version, journal_mode: As in the live database.
        check: `integrity_check`, or `quick_check` for a large copy.
        problems: What the check found, a few lines at most; empty for a sound copy.
        tables: Rows by table, names ascending; None where the rows cannot be counted here.
    """

    consistent_at: datetime
    copied_at: datetime
    size_bytes: int
    sqlite_version: str
    page_size: int
    encoding: str
    user_version: int
    journal_mode: str
    check: str
    problems: tuple[str, ...]
    tables: Mapping[str, int | None]


class _Header(TypedDict):
    """What a file says of itself."""

    page_size: int
    encoding: str
    user_version: int


class _RestartedError(Exception):
    """Somebody wrote while we copied, more often than we put up with."""


class _RestlessError(Exception):
    """A database with a transaction to undo changed during each try to copy it."""


def sqlite_source(
    path: Path, scratch: Path, *, on_facts: Callable[[SqliteFacts], None], mode: int = 0o600
) -> StreamSource:
    """Make a source of a live database.

    Args:
        path: The database's file.
        scratch: Folder for the copy; made if it is missing.
        on_facts: Told of the copy before it is streamed.
        mode: Permission bits of the copy in the snapshot.
    """
    return StreamSource(partial(open_copy, path, scratch, on_facts=on_facts), mode)


@contextmanager
def open_copy(
    path: Path, scratch: Path, *, on_facts: Callable[[SqliteFacts], None] = lambda _facts: None
) -> Iterator[Reader]:
    """Copy a database, check the copy and give it to be read.

    Raises:
        SourceError: It is no database, stays locked, cannot be opened, or there is no room.
    """
    with _scratch_folder(path, scratch) as folder:
        copy = folder / "copy.sqlite"
        with _explained(path):
            facts = _take_copy(path, copy)
        on_facts(facts)
        with copy.open("rb", buffering=0) as stream:
            yield cast("Reader", stream)


@contextmanager
def _scratch_folder(path: Path, scratch: Path) -> Iterator[Path]:
    try:
        needed = sum(_size_of(path, suffix) for suffix in ("", "-wal", JOURNAL)) + _SPARE_BYTES
        scratch.mkdir(parents=True, exist_ok=True)
        free = shutil.disk_usage(scratch).free
        if free < needed:
            raise _no_room(path, scratch, needed, free)
        folder = Path(tempfile.mkdtemp(prefix="sqlite-", dir=scratch))
    except OSError as error:
        raise _unusable(path, error.strerror or type(error).__name__) from error
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _size_of(path: Path, suffix: str) -> int:
    with suppress(FileNotFoundError):
        return os.stat(f"{path}{suffix}").st_size  # follows links, as SQLite does
    if suffix:
        return 0
    raise FileNotFoundError(2, os.strerror(2))


def _take_copy(path: Path, copy: Path) -> SqliteFacts:
    journal_mode, consistent_at = _copy(path, copy)
    copied_at = datetime.now(UTC)
    size = copy.stat().st_size
    check: Check = "integrity_check" if size <= LARGEST_WHOLE_CHECK else "quick_check"
    found = examine(copy, check)
    return SqliteFacts(
        consistent_at=consistent_at,
        copied_at=copied_at,
        size_bytes=size,
        sqlite_version=sqlite3.sqlite_version,
        journal_mode=journal_mode,
        check=check,
        problems=found.problems,
        tables=found.tables,
        **_read_header(copy),
    )


def _copy(path: Path, copy: Path) -> tuple[str, datetime]:
    """Copy it; gives its journal mode, and the moment whose state was copied, at the latest."""
    if _is_idle_wal(path):
        for _try in range(_IMMUTABLE_TRIES):
            before = _fingerprint(path)
            moment = _copy_through(path, copy, "immutable=1")
            if _fingerprint(path) == before:
                return "wal", moment
            copy.unlink()
    for _try in range(_RECOVERY_TRIES):
        try:
            mode = "wal" if _is_wal(path) else _ROLLBACK
            return mode, _copy_through(path, copy, "mode=ro")
        except sqlite3.OperationalError as error:
            if not is_cut_off(path, error):
                raise
        moment = datetime.now(UTC)
        if copy_with_journal(path, copy):
            _undo(copy)
            return _ROLLBACK, moment
    raise _RestlessError


def _undo(copy: Path) -> None:
    """Have SQLite undo the half transaction in a copy."""
    with closing(_connect(f"file:{quote(os.fsencode(copy))}")) as target:
        target.execute(_TOUCH)  # the first read undoes it


def _is_idle_wal(path: Path) -> bool:
    """Tell whether a database is in WAL mode and has no log, so that nobody has it open."""
    has_log = Path(f"{path}-wal").exists() or _size_of(path, JOURNAL) > 0
    return _is_wal(path) and not has_log


def _is_wal(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(20)[18:] == bytes((_WAL_VERSION, _WAL_VERSION))


def _fingerprint(path: Path) -> tuple[int, int, int, bool]:
    status = path.stat()
    has_log = Path(f"{path}-wal").exists()
    return status.st_ino, status.st_size, status.st_mtime_ns, has_log


def _copy_through(path: Path, copy: Path, how: str) -> datetime:
    with (
        closing(_connect(f"file:{quote(os.fsencode(path.absolute()))}?{how}")) as live,
        closing(_connect(f"file:{quote(os.fsencode(copy))}")) as target,
    ):
        target.execute("PRAGMA synchronous = OFF")  # the copy lives for minutes
        return _copy_pages(live, target, holds=_is_wal(path))


def _read_header(copy: Path) -> _Header:
    with copy.open("rb") as file:
        header = file.read(_HEADER_BYTES).ljust(_HEADER_BYTES, b"\0")
    page_size, encoding, user_version = struct.unpack_from(">16xH38xIi", header)
    return {
        "page_size": 65_536 if page_size == 1 else page_size,
        "encoding": _ENCODINGS.get(encoding, ""),
        "user_version": user_version,
    }


def _connect(url: str) -> sqlite3.Connection:
    return sqlite3.connect(url, uri=True, isolation_level=None, timeout=_LOCK_WAIT_SECONDS)


def _copy_pages(live: sqlite3.Connection, target: sqlite3.Connection, *, holds: bool) -> datetime:
    """Copy all pages; gives the moment whose state was copied, at the latest."""
    if not holds:
        with suppress(_RestartedError):
            live.execute(_TOUCH)  # waits for whoever has it locked
            _step_through(live, target, most_restarts=_MOST_RESTARTS)
            return datetime.now(UTC)
    live.execute("BEGIN")
    live.execute(_TOUCH)  # only a read begins the transaction
    moment = datetime.now(UTC)
    _step_through(live, target, most_restarts=0)
    live.execute("COMMIT")
    return moment


def _step_through(
    live: sqlite3.Connection, target: sqlite3.Connection, *, most_restarts: int
) -> None:
    restarts = 0
    before: int | None = None
    deadline = time.monotonic() + _LOCK_WAIT_SECONDS

    def look(status: int, remaining: int, _total: int) -> None:
        nonlocal before, restarts, deadline
        if status in _BUSY:
            if time.monotonic() > deadline:
                raise sqlite3.OperationalError("database is locked")
            return
        deadline = time.monotonic() + _LOCK_WAIT_SECONDS
        if before is not None and remaining >= before and remaining:
            restarts += 1
            if restarts > most_restarts:
                raise _RestartedError
        before = remaining

    live.backup(target, pages=_STEP_PAGES, progress=look, sleep=_STEP_PAUSE_SECONDS)


# Errors --------------------------------------------------------------------------------------


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        raise _explain(path, error) from error
    except _RestlessError as error:
        raise SourceError(
            "the SQLite database {path} changed each time it was copied",
            why="a writer was killed and left {path}-journal, and somebody is at work on the file",
            data="no snapshot was made; earlier ones are untouched",
            next_step="find out who has it open: `fuser -v {path}`, then try again",
            path=path,
        ) from error
    except OSError as error:
        raise _unusable(path, error.strerror or type(error).__name__) from error


def _explain(path: Path, error: sqlite3.Error) -> SourceError:
    code = getattr(error, "sqlite_errorname", "")
    if code.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")) or "locked" in str(error):
        return SourceError(
            "the SQLite database {path} stays locked",
            why="another program has kept it locked for {seconds} seconds",
            data="no snapshot was made; earlier ones are untouched",
            next_step="find out who holds it: `fuser -v {path}`",
            path=path,
            seconds=round(_LOCK_WAIT_SECONDS),
        )
    if code == "SQLITE_NOTADB":
        return SourceError(
            "{path} is not an SQLite database",
            why="its first bytes are not those of one; it may be encrypted or damaged",
            data="no snapshot was made; earlier ones are untouched",
            next_step="check the path of the database in the estate file",
            path=path,
        )
    if code == "SQLITE_FULL":
        return SourceError(
            "the copy of {path} does not fit into the scratch folder",
            data="no snapshot was made; earlier ones are untouched",
            next_step="make room there, or name another folder in [service] scratch",
            path=path,
        )
    return _unusable(path, str(error))


def _unusable(path: Path, reason: str) -> SourceError:
    return SourceError(
        "the SQLite database {path} cannot be copied",
        why="{reason}",
        data="no snapshot was made; earlier ones are untouched",
        next_step="check that it exists and that this user may read it and its folder: "
        "`ls -l {path}*`",
        path=path,
        reason=reason,
    )


def _no_room(path: Path, scratch: Path, needed: int, free: int) -> SourceError:
    return SourceError(
        "there is no room for a copy of {path} in {scratch}",
        why="it needs {needed} bytes, and {free} are free",
        data="no snapshot was made; earlier ones are untouched",
        next_step="make room there, or name another folder in [service] scratch",
        path=path,
        scratch=scratch,
        needed=needed,
        free=free,
    )
