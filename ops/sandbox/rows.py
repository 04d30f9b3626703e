"""Rows of one table that somebody wants back: as a table for people, and as statements to run.

The statements are exact; the table (CSV) shows nothing for NULL, bytes as hexadecimal digits, and
an apostrophe before what a spreadsheet would reckon.
"""

import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from psycopg import sql

from backup.sources.databases.mariadb_client import ask, quote_name, quote_text
from ops.csv_file import csv_writer
from ops.sandbox.databases import mariadb, postgresql, sqlite
from ops.sandbox.databases.databases import Databases
from ops.sandbox.isolation.new_root import WORKSHOP
from ops.sandbox.plan import RowsWanted
from ops.sandbox.result import Remark, Told

CSV, STATEMENTS, SUMMARY = "rows.csv", "rows.sql", "rows.json"
_BEGINNINGS: Mapping[str, str] = {
    "mariadb": "SET NAMES utf8mb4;\nSET SESSION sql_mode = 'NO_AUTO_VALUE_ON_ZERO';\n"
    "START TRANSACTION;\n",
    "postgresql": "SET client_encoding = 'UTF8';\nBEGIN;\n",
    "sqlite": "BEGIN;\n",
}
_BINARY = ("binary", "varbinary", "tinyblob", "blob", "mediumblob", "longblob", "bit", "geometry",
           "point", "linestring", "polygon", "multipoint", "multilinestring", "multipolygon",
           "geometrycollection")  # fmt: skip

_MARIADB_COLUMNS = """
SELECT column_name, data_type, COALESCE(generation_expression, '')
 FROM information_schema.columns WHERE table_schema = DATABASE() AND table_name = {table}
 ORDER BY ordinal_position;
"""


@dataclass(frozen=True, slots=True)
class Cell:
    """One value: as people read it (None for NULL), and as SQL writes it."""

    text: str | None
    literal: str


@dataclass(frozen=True, slots=True)
class Found:
    """A table, and its rows.

    Attributes:
        insert: How a statement begins, up to the values.
        columns: Their names; those that the database computes are left out.
        rows: One at a time.
    """

    insert: str
    columns: Sequence[str]
    rows: Iterable[Sequence[Cell]]


class NotThereError(Exception):
    """There is no such table or column; holds the code and its parameters."""

    def __init__(self, code: str, params: Mapping[str, Told]) -> None:
        self.code, self.params = code, params
        super().__init__(code)


def write_rows(them: Databases, wanted: RowsWanted) -> list[Remark]:
    """Find the rows in the plan's only database, and write them into the workshop."""
    plan = them.plan.databases[0]
    server = them.servers.get(plan.name)
    try:
        if isinstance(server, mariadb.Mariadb):
            return _write(_find_in_mariadb(server, plan.database, wanted), wanted, plan.engine)
        if isinstance(server, postgresql.Postgresql):
            return _write(_find_in_postgresql(server, plan.database, wanted), wanted, plan.engine)
        return _write(_find_in_sqlite(plan.database, wanted), wanted, plan.engine)
    except NotThereError as error:
        return [Remark("failed", error.code, error.params)]


def _write(found: Found, wanted: RowsWanted, engine: str) -> list[Remark]:
    folder, count, is_cut = Path(WORKSHOP), 0, False
    with (
        # The mark at its beginning has spreadsheets read it as UTF-8.
        (folder / CSV).open("w", encoding="utf-8-sig", newline="") as table,
        (folder / STATEMENTS).open("w", encoding="utf-8", newline="") as statements,
    ):
        write = csv_writer(table)
        write(found.columns)
        statements.write(_BEGINNINGS[engine])
        for row in found.rows:
            if count == wanted.most:
                is_cut = True
                break
            count += 1
            write([it.text for it in row])
            statements.write(f"{found.insert} ({', '.join(it.literal for it in row)});\n")
        statements.write("COMMIT;\n")
    (folder / SUMMARY).write_text(json.dumps({"rows": count, "is_cut": is_cut}), encoding="ascii")
    return []


def _check_columns(wanted: RowsWanted, columns: Sequence[str]) -> None:
    for name in wanted.where:
        if name not in columns:
            params: dict[str, Told] = {
                "table": wanted.table,
                "column": name,
                "columns": list(columns),
            }
            raise NotThereError("column_missing", params)


def _no_table(wanted: RowsWanted, tables: Sequence[str]) -> NotThereError:
    return NotThereError("table_missing", {"table": wanted.table, "tables": list(tables)})


# MariaDB --------------------------------------------------------------------------------------


def _find_in_mariadb(server: mariadb.Mariadb, database: str, wanted: RowsWanted) -> Found:
    connection = server.connect(database)
    rows = ask(connection, _MARIADB_COLUMNS.format(table=quote_text(wanted.table)))
    if not rows:
        tables = ask(
            connection,
            "SELECT table_name FROM information_schema.tables WHERE table_schema = DATABASE()"
            " AND table_type = 'BASE TABLE' ORDER BY 1;",
        )
        raise _no_table(wanted, [name for (name,) in tables])
    _check_columns(wanted, [name for name, _kind, _made in rows])
    chosen = [(name, kind in _BINARY) for name, kind, made in rows if not made]
    query = _mariadb_query(wanted, chosen)
    names = ", ".join(quote_name(name) for name, _is_binary in chosen)
    return Found(
        f"INSERT INTO {quote_name(wanted.table)} ({names}) VALUES",
        [name for name, _is_binary in chosen],
        (
            [_mariadb_cell(cell, is_binary=it[1]) for cell, it in zip(row, chosen, strict=True)]
            for row in ask(connection, query)
        ),
    )


def _mariadb_query(wanted: RowsWanted, columns: Sequence[tuple[str, bool]]) -> str:
    """Ask for every value with a mark before it, that tells NULL from the word."""
    shown = [
        f"IF({quote_name(name)} IS NULL, 'n', CONCAT('v', "
        + (f"HEX({quote_name(name)})" if is_binary else f"CAST({quote_name(name)} AS CHAR)")
        + "))"
        for name, is_binary in columns
    ]
    tests = [f"{quote_name(name)} = {quote_text(value)}" for name, value in wanted.where.items()]
    if wanted.contains:
        texts = [
            f"COALESCE(LOCATE({quote_text(wanted.contains)}, CAST({quote_name(name)} AS CHAR)), 0)"
            for name, is_binary in columns
            if not is_binary
        ]
        tests.append(f"({' + '.join(texts) or '0'}) > 0")
    where = f" WHERE {' AND '.join(tests)}" if tests else ""
    table, most = quote_name(wanted.table), wanted.most + 1
    return f"SELECT {', '.join(shown)} FROM {table}{where} LIMIT {most};"  # noqa: S608 -- quoted


def _mariadb_cell(shown: str, *, is_binary: bool) -> Cell:
    if shown == "n":
        return Cell(None, "NULL")
    text = shown[1:]
    if is_binary:
        return Cell(text, f"0x{text}" if text else "''")
    escaped = text.replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\n")
    return Cell(text, "'" + escaped.replace("\r", "\\r").replace("\0", "\\0") + "'")


# PostgreSQL -----------------------------------------------------------------------------------


def _find_in_postgresql(server: postgresql.Postgresql, database: str, wanted: RowsWanted) -> Found:
    schema, _dot, table = wanted.table.rpartition(".")
    with server.open(database) as connection:
        tables = connection.execute(
            "SELECT n.nspname, c.relname, c.oid FROM pg_class c JOIN pg_namespace n"
            " ON n.oid = c.relnamespace WHERE c.relkind IN ('r', 'p') AND n.nspname NOT IN"
            " ('pg_catalog', 'information_schema') ORDER BY n.nspname <> 'public', 1, 2"
        ).fetchall()
        found = next((it for it in tables if it[1] == table and schema in {it[0], ""}), None)
        if found is None:
            raise _no_table(wanted, [f"{it[0]}.{it[1]}" for it in tables])
        rows = connection.execute(
            "SELECT attname, attgenerated FROM pg_attribute WHERE attrelid = %s AND attnum > 0"
            " AND NOT attisdropped ORDER BY attnum",
            [found[2]],
        ).fetchall()
        _check_columns(wanted, [str(name) for name, _made in rows])
        columns = [str(name) for name, made in rows if not str(made).strip()]
        place = sql.Identifier(found[0], found[1])
        query, values = _postgresql_query(wanted, place, columns)
        listed = connection.execute(query, values).fetchall()
        names = sql.SQL(", ").join(map(sql.Identifier, columns))
        insert = sql.SQL("INSERT INTO {} ({}) OVERRIDING SYSTEM VALUE VALUES").format(place, names)
        begin = insert.as_string(connection)
    return Found(begin, columns, ([_postgresql_cell(text) for text in row] for row in listed))


def _postgresql_cell(text: str | None) -> Cell:
    """Write a value as SQL here: whoever has been in the database may have put its own quoting in.

    Such a "literal" would be run with an administrator's rights on the live database.
    """
    if text is None:
        return Cell(None, "NULL")
    quoted = "'" + text.replace("\\", "\\\\").replace("'", "''") + "'"
    return Cell(text, f"E{quoted}" if "\\" in text else quoted)


def _postgresql_query(
    wanted: RowsWanted, place: sql.Identifier, columns: Sequence[str]
) -> tuple[sql.Composed, list[str]]:
    names = list(map(sql.Identifier, columns))
    texts = [sql.SQL("{}::text").format(name) for name in names]
    tests = [sql.SQL("{}::text = %s").format(sql.Identifier(name)) for name in wanted.where]
    values = list(wanted.where.values())
    if wanted.contains:
        holds = [sql.SQL("position(lower(%s) in lower({})) > 0").format(it) for it in texts]
        tests.append(sql.SQL("({})").format(sql.SQL(" OR ").join(holds)))
        values += [wanted.contains] * len(holds)
    query = sql.SQL("SELECT {} FROM {} WHERE {} LIMIT {}").format(
        sql.SQL(", ").join(texts),
        place,
        sql.SQL(" AND ").join(tests) if tests else sql.SQL("true"),
        sql.Literal(wanted.most + 1),
    )
    return query, values


# SQLite ---------------------------------------------------------------------------------------


def _find_in_sqlite(path: str, wanted: RowsWanted) -> Found:
    with closing(sqlite.open_read_only(path)) as connection:
        rows = connection.execute(
            "SELECT name, hidden FROM pragma_table_xinfo(?) ORDER BY cid", [wanted.table]
        ).fetchall()
        if not rows:
            tables = connection.execute(
                "SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name"
            )
            raise _no_table(wanted, [name for (name,) in tables])
        _check_columns(wanted, [name for name, _hidden in rows])
        columns = [name for name, hidden in rows if not hidden]
        listed = list(_ask_sqlite(connection, wanted, columns))
    names = ", ".join(map(sqlite.quote, columns))
    return Found(f"INSERT INTO {sqlite.quote(wanted.table)} ({names}) VALUES", columns, listed)


def _ask_sqlite(
    connection: sqlite3.Connection, wanted: RowsWanted, columns: Sequence[str]
) -> Iterator[list[Cell]]:
    looked_for = wanted.contains.casefold()
    connection.create_function("holds", 1, lambda value: looked_for in str(value).casefold())
    names = [sqlite.quote(name) for name in columns]
    tests = [f"CAST({sqlite.quote(name)} AS TEXT) = ?" for name in wanted.where]
    if wanted.contains:
        tests.append(f"({' OR '.join(f'holds({name})' for name in names)})")
    where = f" WHERE {' AND '.join(tests)}" if tests else ""
    shown = ", ".join([*names, *(f"quote({name})" for name in names)])
    query = f"SELECT {shown} FROM {sqlite.quote(wanted.table)}{where} LIMIT {wanted.most + 1}"  # noqa: S608 -- quoted
    for row in connection.execute(query, list(wanted.where.values())):
        values, literals = row[: len(columns)], row[len(columns) :]
        yield [Cell(_show(value), literal) for value, literal in zip(values, literals, strict=True)]


def _show(value: object) -> str | None:
    if value is None:
        return None
    return value.hex().upper() if isinstance(value, bytes) else str(value)
