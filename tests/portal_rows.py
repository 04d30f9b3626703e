"""Plain clients for the connectors' queries: rows of real databases, one at a time."""

import json
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
from psycopg.rows import dict_row

from archive.capture.captured import Captured, Connector, Portal, PortalFacts, Row
from tests.mariadb_server import MariadbServer

_SCRIPT = Path(__file__).with_name("portal_files") / "rows.php"
OFFICER = "Trần Thị Lưu (Văn thư)"


def portal_of(url: str = "https://tinh.example.vn", **more: Any) -> Portal:
    """Give a portal as the tests have it."""
    values: dict[str, Any] = {
        "site": "cong-chinh", "title": "Cổng thông tin điện tử tỉnh", "url": url,
        "officer": OFFICER, "moment": datetime(2026, 12, 1, tzinfo=UTC),
    }  # fmt: skip
    return Portal(**(values | more))


def text_of(captured: Captured, path: str = "body.html") -> bytes:
    """Give a part's own bytes."""
    content = captured.contents[path]
    assert isinstance(content, bytes)
    return content


def mariadb_facts(server: MariadbServer, database: str, **options: str) -> PortalFacts:
    tables: dict[str, list[str]] = {}
    listed = server.run(
        "SELECT table_name, column_name FROM information_schema.columns"  # noqa: S608 -- our own
        f" WHERE table_schema = '{database}' ORDER BY 1, ordinal_position"
    )
    for line in listed.splitlines():
        table, column = line.split("\t")
        tables.setdefault(table, []).append(column)
    return PortalFacts(engine="mariadb", tables=tables, options=options)


def mariadb_rows(
    server: MariadbServer, database: str, connector: Connector, facts: PortalFacts
) -> dict[str, Iterator[Row]]:
    return {it.name: _ask_mariadb(server, database, it.sql) for it in connector.queries(facts)}


def _ask_mariadb(server: MariadbServer, database: str, sql: str) -> Iterator[Row]:
    php = shutil.which("php")
    assert php is not None, "php is missing: apt-get install php-cli php-mysql"
    process = subprocess.Popen(
        [php, str(_SCRIPT), str(server.socket), database],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    with process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdin.write(sql.encode())
        process.stdin.close()
        for line in process.stdout:
            row: dict[str, Any] = json.loads(line)
            yield {
                name: bytes.fromhex(value[0]) if isinstance(value, list) else value
                for name, value in row.items()
            }
        told = process.stderr.read().decode()
    assert process.returncode == 0, f"{sql}\n{told}"


def postgresql_facts(connection: psycopg.Connection[Any], **options: str) -> PortalFacts:
    tables: dict[str, list[str]] = {}
    listed = connection.execute(
        "SELECT CASE table_schema WHEN 'public' THEN '' ELSE table_schema || '.' END"
        " || table_name, column_name FROM information_schema.columns"
        " WHERE table_schema NOT IN ('pg_catalog', 'information_schema') ORDER BY 1"
    )
    for table, column in listed:
        tables.setdefault(table, []).append(column)
    return PortalFacts(engine="postgresql", tables=tables, options=options)


def postgresql_rows(
    conninfo: str, connector: Connector, facts: PortalFacts
) -> dict[str, Iterator[Row]]:
    return {it.name: _ask_postgresql(conninfo, it.sql) for it in connector.queries(facts)}


def _ask_postgresql(conninfo: str, sql: str) -> Iterator[Row]:
    with (
        psycopg.connect(conninfo, row_factory=dict_row) as connection,
        connection.cursor(name="rows") as cursor,
    ):
        cursor.execute(sql.encode())
        yield from cursor


def sqlite_facts(path: Path, **options: str) -> PortalFacts:
    with closing(sqlite3.connect(path)) as database:
        names = [name for (name,) in database.execute("SELECT name FROM sqlite_schema"
                                                       " WHERE type = 'table'")]  # fmt: skip
        tables: Mapping[str, Sequence[str]] = {
            name: [it[1] for it in database.execute(f"PRAGMA table_info('{name}')")]
            for name in names
        }
    return PortalFacts(engine="sqlite", tables=tables, options=options)


def sqlite_rows(path: Path, connector: Connector, facts: PortalFacts) -> dict[str, Iterator[Row]]:
    return {it.name: _ask_sqlite(path, it.sql) for it in connector.queries(facts)}


def _ask_sqlite(path: Path, sql: str) -> Iterator[Row]:
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as database:
        database.row_factory = sqlite3.Row
        for row in database.execute(sql):
            yield dict(row)
