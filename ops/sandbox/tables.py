"""Rows of many tables, as a connector of the archive asks for them: one file of JSON lines a query.

Runs in the sandbox, on a private server that holds the restored database. Each line is an object,
column → number, text, null, or `{"bytes": base64}` for what is not UTF-8; moments are texts in ISO
form. A value longer than `LARGEST_VALUE` is left out with `{"too_long": bytes}`.
"""

from __future__ import annotations

import base64
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from decimal import Decimal
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any

import msgspec
import psycopg
import pymysql
from psycopg.types.string import TextLoader
from pymysql.constants import FIELD_TYPE
from pymysql.converters import encoders
from pymysql.cursors import SSCursor

from archive.capture.captured import PortalFacts
from archive.capture.connectors import find_connector
from archive.errors import ArchiveError
from ops.sandbox.databases import mariadb, postgresql, sqlite
from ops.sandbox.databases.databases import Databases
from ops.sandbox.isolation.new_root import WORKSHOP
from ops.sandbox.plan import TablesWanted
from ops.sandbox.result import Remark

LARGEST_VALUE = 32 << 20
_ENDING, _NAMES = ".jsonl", "names.json"
_AT_ONCE = 500

Rows = Iterable[Sequence[Any]]
Answer = tuple[Sequence[str], Rows]
Ask = Callable[[str], Answer]
"""Gives the columns and the rows of a statement; one answer is read before the next is asked."""

_MOMENTS = ("date", "time", "timetz", "timestamp", "timestamptz", "interval")
_MARIADB_VALUES: dict[Any, Any] = {
    **encoders,  # without them the driver cannot even say which character set it wants
    **dict.fromkeys((FIELD_TYPE.TINY, FIELD_TYPE.SHORT, FIELD_TYPE.INT24, FIELD_TYPE.LONG,
                     FIELD_TYPE.LONGLONG, FIELD_TYPE.YEAR), int),
    **dict.fromkeys((FIELD_TYPE.FLOAT, FIELD_TYPE.DOUBLE, FIELD_TYPE.DECIMAL,
                     FIELD_TYPE.NEWDECIMAL), float),
}  # fmt: skip

_MARIADB_TABLES = (
    "SELECT table_name, column_name FROM information_schema.columns"
    " WHERE table_schema = DATABASE() ORDER BY table_name, ordinal_position"
)
_POSTGRESQL_TABLES = (
    "SELECT CASE WHEN table_schema = 'public' THEN table_name"
    " ELSE table_schema || '.' || table_name END, column_name FROM information_schema.columns"
    " WHERE table_schema NOT IN ('pg_catalog', 'information_schema')"
    " ORDER BY 1, ordinal_position"
)
_SQLITE_TABLES = (
    "SELECT m.name, c.name FROM sqlite_master m, pragma_table_info(m.name) c"
    " WHERE m.type IN ('table', 'view') ORDER BY m.name, c.cid"
)


def write_tables(them: Databases, wanted: TablesWanted) -> list[Remark]:
    """Ask the plan's only database what the connector wants, and write it into the workshop."""
    plan = them.plan.databases[0]
    connector = find_connector(wanted.connector, wanted.mapping)
    with _opened(them) as ask:
        tables: dict[str, list[str]] = {}
        listing = {"mariadb": _MARIADB_TABLES, "postgresql": _POSTGRESQL_TABLES}
        for row in ask(listing.get(plan.engine, _SQLITE_TABLES))[1]:
            table, column = map(_plain, row)
            tables.setdefault(str(table), []).append(str(column))
        facts = PortalFacts(engine=plan.engine, tables=tables, options=dict(wanted.options))
        try:
            queries = connector.queries(facts)
        except ArchiveError as error:  # a table that every portal of this kind has is not there
            return [Remark("failed", "not_this_portal", {"why": str(error)})]
        names = {f"{number:04}{_ENDING}": it.name for number, it in enumerate(queries)}
        (Path(WORKSHOP) / _NAMES).write_bytes(msgspec.json.encode(names))
        for file, query in zip(names, queries, strict=True):
            try:
                _write(file, *ask(query.sql))
            except pymysql.Error as error:
                params = {"database": plan.name, "why": f"{query.name}: {error.args[-1]}"}
                return [Remark("failed", "not_readable", params)]
    return []


def read_rows(folder: Path) -> dict[str, Iterator[dict[str, Any]]]:
    """Give what was written, by name of the query; each is read as it is asked for."""
    names = msgspec.json.decode((folder / _NAMES).read_bytes(), type=dict[str, str])
    return {name: _read(folder / PurePosixPath(file).name) for file, name in names.items()}


def _read(path: Path) -> Iterator[dict[str, Any]]:
    decode = msgspec.json.Decoder(dict[str, Any]).decode
    with path.open("rb") as file:
        for line in file:
            yield {name: _value_of(value) for name, value in decode(line).items()}


def _value_of(value: Any) -> Any:
    if isinstance(value, dict):
        return base64.b64decode(value["bytes"]) if "bytes" in value else None
    return value


def _write(name: str, columns: Sequence[str], rows: Rows) -> None:
    encode = msgspec.json.Encoder().encode
    with (Path(WORKSHOP) / name).open("wb") as file:
        for row in rows:
            values = {name: _plain(value) for name, value in zip(columns, row, strict=True)}
            file.write(encode(values) + b"\n")


def _plain(value: Any) -> Any:
    """Give a value as JSON has it."""
    if isinstance(value, bytes | bytearray | memoryview):
        return _text_or_bytes(bytes(value))
    if isinstance(value, str) and len(value) > LARGEST_VALUE:
        return {"too_long": len(value)}
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    return value if value is None or isinstance(value, bool | int | float | str) else str(value)


def _text_or_bytes(data: bytes) -> Any:
    if len(data) > LARGEST_VALUE:
        return {"too_long": len(data)}
    try:
        return data.decode()
    except UnicodeDecodeError:
        return {"bytes": base64.b64encode(data).decode()}


@contextmanager
def _opened(them: Databases) -> Iterator[Ask]:
    """Give what asks a question of the plan's only database."""
    plan = them.plan.databases[0]
    server = them.servers.get(plan.name)
    if isinstance(server, mariadb.Mariadb):
        with closing(_open_mariadb(server, plan.database)) as line:
            yield partial(_ask_mariadb, line)
    elif isinstance(server, postgresql.Postgresql):
        with server.open(plan.database) as connection:
            for kind in _MOMENTS:  # as texts: PostgreSQL knows moments that Python does not
                connection.adapters.register_loader(kind, TextLoader)
            yield partial(_ask_postgresql, connection)
    else:
        with closing(sqlite.open_read_only(plan.database)) as file:
            file.text_factory = bytes
            yield partial(_ask_sqlite, file)


def _open_mariadb(server: mariadb.Mariadb, database: str) -> pymysql.Connection[SSCursor]:
    """Log in as the administrator; moments stay texts, since 0000-00-00 is one there."""
    return pymysql.connect(
        unix_socket=str(server.socket),
        user=mariadb.ADMIN,
        database=database,
        charset="utf8mb4",
        conv=_MARIADB_VALUES,
        cursorclass=SSCursor,
    )


def _ask_mariadb(line: pymysql.Connection[SSCursor], statement: str) -> Answer:
    cursor = line.cursor()
    cursor.execute(statement)
    return [it[0] for it in cursor.description or ()], cursor


def _ask_postgresql(connection: psycopg.Connection[Any], statement: str) -> Answer:
    cursor = connection.cursor(name="rows", withhold=True)
    cursor.itersize = _AT_ONCE
    cursor.execute(statement.encode())
    return [it.name for it in cursor.description or ()], _closing_after(cursor)


def _closing_after(cursor: psycopg.ServerCursor[Any]) -> Iterator[Sequence[Any]]:
    with cursor:
        yield from cursor


def _ask_sqlite(file: sqlite3.Connection, statement: str) -> Answer:
    cursor = file.execute(statement)
    return [it[0] for it in cursor.description], cursor
