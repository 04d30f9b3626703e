"""A copy of an SQLite database inside the sandbox: at the place where the site looks for it."""

import re
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

from backup.sources.databases.sqlite_examination import count_rows, distrust
from ops.sandbox.isolation import system_calls as calls
from ops.sandbox.isolation.accounts import Account, give
from ops.sandbox.isolation.new_root import WORKSHOP
from ops.sandbox.newest_row import Believed, MomentColumn, choose_newest, kind_of
from ops.sandbox.plan import DatabasePlan
from ops.sandbox.processes import Bench, ProgramError

_ISO = "[12][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]*"
_SAYS_MOMENT = re.compile(r"date|time", re.IGNORECASE)
_MOST_LENGTH = 40  # longer texts that begin so are articles
_SECONDS_BELOW = 10**11  # larger numbers count milliseconds


def put_sqlite(plan: DatabasePlan, bench: Bench, owner: Account) -> None:
    """Put a copy of the copy where the site looks for it; it and its folder belong to the site."""
    copy = Path(WORKSHOP) / f"{plan.name}.sqlite"
    shutil.copyfile(plan.dump, copy)
    copy.chmod(0o600)
    give(copy, owner, bench.way)
    live = Path(plan.database)
    if not live.parent.is_dir():
        live.parent.mkdir(parents=True)
        give(live.parent, owner, bench.way)
    live.touch()
    calls.bind(str(copy), str(live))


def check_sqlite(plan: DatabasePlan) -> None:
    """Have SQLite look whether the copy is whole."""
    try:
        with closing(open_read_only(plan.database)) as connection:
            found = connection.execute("PRAGMA integrity_check(1)").fetchone()[0]
    except sqlite3.Error as error:
        raise ProgramError(str(error)) from error
    if found != "ok":
        raise ProgramError(str(found).splitlines()[-1])


def count_sqlite(path: str) -> dict[str, int | None]:
    """Count the rows of every table, as at backup time; None for one that is not to be counted."""
    with closing(open_read_only(path)) as connection:
        return count_rows(connection)


def find_newest_in_sqlite(path: str, window: Believed) -> tuple[datetime | None, str]:
    """Find the newest moment in any row, and where it stands.

    Looked at are columns whose declared type speaks of date or time (texts, and numbers that count
    seconds or milliseconds since 1970), and texts of any column that are an ISO date or moment.
    """
    with closing(open_read_only(path)) as connection:
        return choose_newest(
            (column, _find_newest(connection, column, declared, window))
            for column, declared in list(_list_columns(connection))
        )


def open_read_only(path: str) -> sqlite3.Connection:
    """Open a database; nothing can be written through it, and it is not trusted."""
    connection = sqlite3.connect(f"{Path(path).as_uri()}?mode=ro&immutable=1", uri=True)
    distrust(connection)
    return connection


def _list_columns(connection: sqlite3.Connection) -> Iterator[tuple[MomentColumn, str]]:
    tables = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%'"
    for (table,) in connection.execute(f"{tables} ESCAPE '\\' ORDER BY name").fetchall():
        asked = "SELECT name, type FROM pragma_table_info(?) ORDER BY cid"
        try:
            columns = connection.execute(asked, [table]).fetchall()
        except sqlite3.OperationalError:  # a module that this machine lacks; not countable either
            continue
        for column, declared in columns:
            is_date = declared.lower() == "date"
            kind = kind_of(column, is_zoned=False, is_date=is_date)
            yield MomentColumn(table, column, kind), declared


def _find_newest(
    connection: sqlite3.Connection, it: MomentColumn, declared: str, window: Believed
) -> datetime | None:
    """Have every value read, once: texts with and without a zone do not sort together."""

    class Newest:
        def __init__(self) -> None:
            self.found: datetime | None = None

        def step(self, value: str | float) -> None:
            read = _read(value, it, window)
            if read is not None and (self.found is None or read > self.found):
                self.found = read

        def finalize(self) -> str | None:
            return self.found.isoformat() if self.found else None

    connection.create_aggregate("newest_moment", 1, Newest)  # type: ignore[arg-type]  # the protocol says int
    column, table = quote(it.column), quote(it.table)
    counted = f"typeof({column}) = 'text' AND length({column}) <= {_MOST_LENGTH}"
    counted = f"({counted} AND {column} GLOB '{_ISO}')"
    if _SAYS_MOMENT.search(declared):
        counted += f" OR typeof({column}) IN ('integer', 'real')"
    row = connection.execute(f"SELECT newest_moment({column}) FROM {table} WHERE {counted}")  # noqa: S608 -- quoted
    text = row.fetchone()[0]
    return datetime.fromisoformat(text) if text else None


def _read(value: str | float, it: MomentColumn, window: Believed) -> datetime | None:
    if isinstance(value, str):
        return window.read(value, it.kind)
    seconds = value if abs(value) < _SECONDS_BELOW else value / 1000
    try:
        return window.read(datetime.fromtimestamp(seconds, UTC).isoformat(), "zoned")
    except (OverflowError, ValueError, OSError):
        return None


def quote(name: str) -> str:
    """Give a name as SQL writes it."""
    return '"' + name.replace('"', '""') + '"'
