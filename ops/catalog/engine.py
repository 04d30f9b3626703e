"""Engines for the catalog: SQLite and PostgreSQL set to behave alike, and why one fails.

On SQLite a transaction that writes begins with BEGIN IMMEDIATE: a reader that turns writer half-way
would be refused at once instead of waiting for its turn. WAL with synchronous=FULL makes each
commit durable before it returns. Nobody but its owner reads the file; SQLite gives its log and its
index the same mode.
"""

import os
import sqlite3
from contextlib import suppress
from pathlib import Path
from sqlite3 import Connection as SQLiteConnection

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.pool import ConnectionPoolEntry

from ops.errors import OpsError

BUSY_TIMEOUT_SECONDS = 30
WRITES = "catalog_writes"
"""Execution option of an engine whose transactions write."""


def create_catalog_engine(url: str) -> Engine:
    """Make an engine for `sqlite:///FILE` or `postgresql+psycopg://…`; nothing is opened yet.

    Raises:
        OpsError: The URL is of another kind or cannot be read.
    """
    parsed = _parse(url)
    if parsed.get_backend_name() == "sqlite":
        return _sqlite_engine(parsed)
    return create_engine(parsed, pool_pre_ping=True, connect_args={"connect_timeout": 10})


def _parse(url: str) -> URL:
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        raise _unusable("") from error
    if parsed.drivername not in {"sqlite", "sqlite+pysqlite", "postgresql+psycopg"}:
        raise _unusable(parsed.drivername)
    return parsed


def _unusable(kind: str) -> OpsError:
    return OpsError(
        'the catalog cannot be opened: its URL begins with "{kind}"',
        why="only sqlite:///FILE and postgresql+psycopg://… are known",
        next_step="set [catalog] url in the estate file, then run `{program} estate.check`",
        kind=kind,
    )


def _sqlite_engine(url: URL) -> Engine:
    if url.database:
        Path(url.database).parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    engine = create_engine(url, connect_args={"timeout": BUSY_TIMEOUT_SECONDS})
    event.listen(engine, "do_connect", _close_to_others)
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _close_to_others(_dialect: object, _entry: object, words: list[str], _more: object) -> None:
    """Make the file before SQLite does, which would let others read it; close an older one."""
    path = words[0] if words else ":memory:"
    if path == ":memory:" or path.startswith("file:"):
        return
    # Never by a descriptor: closing one would drop the locks that SQLite holds in this process.
    with suppress(OSError):  # what is wrong with the place SQLite says better
        try:
            os.mknod(path, 0o600)
        except FileExistsError:
            if Path(path).stat().st_mode & 0o077:
                Path(path).chmod(0o600)


def _prepare_sqlite(connection: SQLiteConnection, _entry: ConnectionPoolEntry) -> None:
    # The driver must not begin transactions by itself; `_begin_sqlite` does.
    connection.isolation_level = None
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}").close()


def _begin_sqlite(connection: Connection) -> None:
    writes = connection.get_execution_options().get(WRITES, False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


_NEEDED_BYTES = 65_536
_UNCLEAR = frozenset({sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN})
_DAMAGED = frozenset({sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT})
_PRIMARY = 0xFF  # the low byte of SQLite's extended result codes


class CatalogDamagedError(OpsError):
    """The file of the catalog is damaged."""


def explain_failure(engine: Engine, error: DBAPIError) -> OpsError | None:
    """Give the explanation of a full disk, damage or a held catalog; None for other errors.

    SQLite says so itself where writing fails (SQLITE_FULL). Where it cannot even make the files
    beside the catalog, it only says that something failed; then the room left on the disk decides.
    A file that holds no database any more, or a broken one, is told by SQLITE_NOTADB and
    SQLITE_CORRUPT.
    """
    if engine.dialect.name != "sqlite":
        return None
    place = engine.url.database or ""
    code = getattr(error.orig, "sqlite_errorcode", 0) & _PRIMARY
    if code == sqlite3.SQLITE_BUSY:
        return OpsError(
            "the catalog {place} is held by another process",
            why="it was waited for, and not let go",
            data="nothing of this was recorded; what was recorded before is whole",
            next_step="try again in a minute; if it stays so, see which process has the file open",
            place=place,
        )
    return _find_damage(place, code) or _find_full_disk(Path(place).parent, code)


def _find_damage(place: str, code: int) -> CatalogDamagedError | None:
    if code not in _DAMAGED:
        return None
    return CatalogDamagedError(
        "the catalog {place} is damaged",
        why="it is not a whole SQLite database any more",
        data="backups in the stores are untouched, and so is the newest backup of the catalog",
        next_step="stop the service, move the file and what begins like it aside, and take the"
        " newest backup: `{program} service.recover --repo STORE --password-file KEY`; a restore"
        " needs no catalog: `python -m backup -r STORE/SITE --password-file KEY --no-lock"
        " restore latest --target FOLDER`",
        place=place,
    )


def _find_full_disk(folder: Path, code: int) -> OpsError | None:
    if code != sqlite3.SQLITE_FULL and not (code in _UNCLEAR and _is_full(folder)):
        return None
    return OpsError(
        "the disk is full: the catalog in {folder} cannot be written",
        why="no room left on the device, or the quota is used up",
        data="what was recorded before is whole; backups in the stores are untouched",
        next_step="free room on that disk: old logs, the scratch and cache folders, never the"
        " stores or {folder} itself; a restore needs no catalog: `python -m backup"
        " -r STORE/SITE --password-file KEY --no-lock restore latest --target FOLDER`",
        folder=folder,
    )


def _is_full(folder: Path) -> bool:
    try:
        room = os.statvfs(folder)
    except OSError:
        return False
    return room.f_bavail * room.f_frsize < _NEEDED_BYTES or room.f_favail == 0 < room.f_files
