"""Tell a full disk and a damaged catalog from a database that does not answer.

SQLite says so itself where writing fails (SQLITE_FULL). Where it cannot even make the files beside
the catalog, it only says that something failed; then the room left on the disk decides. A file that
holds no database any more, or a broken one, is told by SQLITE_NOTADB and SQLITE_CORRUPT.
"""

import os
import sqlite3
from pathlib import Path

from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError

from ops.errors import OpsError

_NEEDED_BYTES = 65_536
_UNCLEAR = frozenset({sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN})
_DAMAGED = frozenset({sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT})
_PRIMARY = 0xFF  # the low byte of SQLite's extended result codes


class CatalogFullError(OpsError):
    """The disk of the catalog has no room left."""


class CatalogDamagedError(OpsError):
    """The file of the catalog is damaged."""


def explain_failure(engine: Engine, error: DBAPIError) -> OpsError | None:
    """Give the explanation of an error that comes from a full disk or damage; None for others."""
    if engine.dialect.name != "sqlite":
        return None
    place = engine.url.database or ""
    code = getattr(error.orig, "sqlite_errorcode", 0) & _PRIMARY
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


def _find_full_disk(folder: Path, code: int) -> CatalogFullError | None:
    if code != sqlite3.SQLITE_FULL and not (code in _UNCLEAR and _is_full(folder)):
        return None
    return CatalogFullError(
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
