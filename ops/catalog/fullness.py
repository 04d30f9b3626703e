"""Tell a full disk from a broken catalog.

SQLite says so itself where writing fails (SQLITE_FULL). Where it cannot even make the files beside
the catalog, it only says that something failed; then the room left on the disk decides.
"""

import os
import sqlite3
from pathlib import Path

from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError

from ops.errors import OpsError

_NEEDED_BYTES = 65_536
_UNCLEAR = frozenset({sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN})
_PRIMARY = 0xFF  # the low byte of SQLite's extended result codes


class CatalogFullError(OpsError):
    """The disk of the catalog has no room left."""


def find_full_disk(engine: Engine, error: DBAPIError) -> CatalogFullError | None:
    """Give the explanation of an error that comes from a full disk; None for any other."""
    place = engine.url.database or ""
    if engine.dialect.name != "sqlite":
        return None
    code = getattr(error.orig, "sqlite_errorcode", 0) & _PRIMARY
    folder = Path(place).parent
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
