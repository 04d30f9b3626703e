"""A private PostgreSQL inside the sandbox: made anew, where production's listens, then asked.

Everybody may log in without a password: how production lets people in (`pg_hba.conf`) is no part of
a database, and passwords of roles are in a backup only where its account may read them. Roles and
their rights are those of the backup.
"""

import socket
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from backup.sources.databases.connection import Connection
from backup.sources.databases.postgresql_dump import look_at_postgresql
from backup.sources.databases.postgresql_scripts import (
    PROOF,
    dump_script,
    find_refused,
    globals_script,
)
from backup.sources.databases.postgresql_session import open_session
from ops.sandbox.isolation.accounts import find_account, give
from ops.sandbox.isolation.new_root import WORKSHOP
from ops.sandbox.make_plan import Endpoint
from ops.sandbox.newest_row import FIRST, Believed, MomentColumn, choose_newest, kind_of
from ops.sandbox.plan import DatabasePlan
from ops.sandbox.processes import Bench, ProgramError
from provisioning.local_host import LocalHost

ADMIN = "giucong_drill"
_ACCOUNT = find_account(("postgres",))
_USUAL_FOLDER = "/run/postgresql"
_PIECE = 1 << 20
_LETS_IN = "local all all trust\nhost all all all trust\n"
# Nothing in it has to outlive a power cut, and nothing may happen in it by itself.
_SETTINGS = (
    "fsync=off",
    "full_page_writes=off",
    "synchronous_commit=off",
    "wal_level=minimal",
    "max_wal_senders=0",
    "max_wal_size=8GB",
    "checkpoint_timeout=1h",
    "autovacuum=off",
    "shared_buffers=128MB",
    "maintenance_work_mem=128MB",
    "logging_collector=off",
)
# source: https://www.postgresql.org/docs/current/catalog-pg-type.html: date, timestamp, timestamptz
_DATE, _ZONED = 1082, 1184
_COLUMNS = """
SELECT n.nspname, c.relname, a.attname, a.atttypid::int
 FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_class c ON c.oid = a.attrelid
 JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
 WHERE c.relkind = 'r' AND a.attnum > 0 AND NOT a.attisdropped
 AND a.atttypid IN (1082, 1114, 1184)
 AND n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname !~ '^pg_(toast|temp)'
 ORDER BY 1, 2, a.attnum
"""


@dataclass(frozen=True, slots=True)
class Postgresql:
    """A running server.

    Attributes:
        bench: Where it runs.
        programs: Folder of its programs.
        folder: Of its socket.
        port: As its socket is named.
    """

    bench: Bench
    programs: Path
    folder: str
    port: int

    def connect(self, database: str = "postgres") -> Connection:
        """Give the administrator's way to a database."""
        return Connection(
            host=LocalHost(), database=database, socket=self.folder, port=self.port, user=ADMIN
        )

    def open(self, database: str) -> psycopg.Connection[tuple[Any, ...]]:
        """Log in as the administrator, to read."""
        connection = psycopg.connect(
            host=self.folder, port=self.port, user=ADMIN, dbname=database, autocommit=True
        )
        connection.execute("SET TIME ZONE 'UTC'")
        connection.execute("SET datestyle = 'ISO, YMD'")
        return connection

    @property
    def version(self) -> str:
        """Product and version."""
        return look_at_postgresql(self.connect()).server


def start_postgresql(programs: Path, bench: Bench, endpoint: Endpoint) -> Postgresql:
    """Make a server and start it.

    Args:
        programs: Folder of the programs of its version.
        bench: Where it is to run.
        endpoint: Where it is to listen.
    """
    folder = Path(WORKSHOP) / endpoint.name
    place = _socket_folder(endpoint.socket) or _USUAL_FOLDER
    places = [place] if endpoint.number > 1 else list(dict.fromkeys((place, _USUAL_FOLDER)))
    for it in (str(folder), *places):
        Path(it).mkdir(parents=True, exist_ok=True)
        give(Path(it), _ACCOUNT, bench.way)
    data = folder / "data"
    initdb = [
        f"{programs}/initdb",
        f"--pgdata={data}",
        f"--username={ADMIN}",
        "--auth=trust",
        "--no-sync",
        "--encoding=UTF8",
        "--locale=C.UTF-8",
        "--no-instructions",
    ]
    bench.run(initdb, _ACCOUNT, log=f"{endpoint.name}-made")
    (data / "pg_hba.conf").write_text(_LETS_IN, encoding="ascii")
    settings = [
        *_SETTINGS,
        f"unix_socket_directories={','.join(places)}",
        f"port={endpoint.port}",
        f"listen_addresses={','.join(endpoint.listens)}",
    ]
    words = [word for setting in settings for word in ("-c", setting)]
    bench.serve([f"{programs}/postgres", "-D", str(data), *words], _ACCOUNT, log=endpoint.name)
    server = Postgresql(bench, programs, place, endpoint.port)
    bench.await_up(endpoint.name, lambda: _answers(server))
    return server


def _socket_folder(path: str) -> str:
    """Give the folder where the socket itself may be named."""
    folder, _slash, name = path.rpartition("/")
    return folder if name.startswith(".s.PGSQL.") else path


def _answers(server: Postgresql) -> bool:
    with socket.socket(socket.AF_UNIX) as line:
        try:
            line.connect(f"{server.folder}/.s.PGSQL.{server.port}")
        except OSError:
            return False
    try:
        server.open("postgres").close()
    except psycopg.OperationalError:  # it is still starting up
        return False
    return True


def load_postgresql(server: Postgresql, plan: DatabasePlan) -> None:
    """Load roles that are not there already, and the dump, in SQL or PostgreSQL's form."""
    log = f"load-{plan.name}"
    where = [
        f"--host={server.folder}",
        f"--port={server.port}",
        f"--username={ADMIN}",
        "--no-password",
    ]
    psql = [f"{server.programs}/psql", "--no-psqlrc", "--quiet", *where]
    strict = [*psql, "--set=ON_ERROR_STOP=1"]
    if plan.globals:
        server.bench.run([*strict, PROOF.decode(), "--dbname=postgres"], _ACCOUNT, log=log)
        roles = globals_script(Path(plan.globals).read_bytes())
        said = server.bench.run(
            [*psql, "--dbname=postgres"], _ACCOUNT, log=log, stdin=roles, accepts=(0, 1, 3)
        )
        if refused := find_refused(said):
            raise ProgramError(refused)
    _make_database(server, plan)
    name = plan.database.replace("\\", "\\\\").replace("'", "\\'")
    into = f"--dbname=dbname='{name}'"
    with Path(plan.dump).open("rb", buffering=0) as dump:  # a client goes on where we stop
        is_sql = dump.read(5) != b"PGDMP"
        dump.seek(0)
        if not is_sql:
            words = [
                f"{server.programs}/pg_restore",
                *where,
                "--exit-on-error",
                "--single-transaction",
                into,
            ]
            server.bench.run(words, _ACCOUNT, log=log, stdin=dump)
            return
        words = [*strict, "--single-transaction", "--file=-", into]
        pieces = iter(partial(dump.read, _PIECE), b"")
        server.bench.run(words, _ACCOUNT, log=log, stdin=dump_script(pieces))


def _make_database(server: Postgresql, plan: DatabasePlan) -> None:
    """Make the database where its own file could not: without it, or with a locale not here."""
    encoding = plan.settings.get("encoding") or "UTF8"
    with server.open("postgres") as connection:
        asked = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [plan.database])
        if asked.fetchone() is not None:
            return
        locale = "C.UTF-8" if encoding == "UTF8" else "C"
        made = sql.SQL("CREATE DATABASE {} TEMPLATE template0 ENCODING {} LOCALE {}")
        try:
            connection.execute(
                made.format(
                    sql.Identifier(plan.database), sql.Literal(encoding), sql.Literal(locale)
                )
            )
        except psycopg.Error as error:
            raise ProgramError(str(error).splitlines()[0]) from error


def count_postgresql(server: Postgresql, database: str) -> dict[str, int | None]:
    """Count the rows of every table, as at backup time; None for one that is not to be counted."""
    with open_session(server.connect(database), counts=True) as session:
        session.look()
        return session.count()


def find_newest_in_postgresql(
    server: Postgresql, database: str, window: Believed
) -> tuple[datetime | None, str]:
    """Find the newest moment in any row, and where it stands."""
    with server.open(database) as connection:
        return choose_newest(
            (column, _find_newest(connection, schema, column, window))
            for schema, column in list(_list_columns(connection))
        )


def _list_columns(
    connection: psycopg.Connection[tuple[Any, ...]],
) -> Iterator[tuple[str, MomentColumn]]:
    for schema, table, column, kind in connection.execute(_COLUMNS).fetchall():
        meaning = kind_of(column, is_zoned=kind == _ZONED, is_date=kind == _DATE)
        yield schema, MomentColumn(table, column, meaning)


def _find_newest(
    connection: psycopg.Connection[tuple[Any, ...]], schema: str, it: MomentColumn, window: Believed
) -> datetime | None:
    asked = sql.SQL("SELECT max({0})::text FROM ONLY {1} WHERE {0} BETWEEN {2} AND {3}").format(
        sql.Identifier(it.column), sql.Identifier(schema, it.table), FIRST, window.limit(it.kind)
    )
    row = connection.execute(asked).fetchone()
    return window.read(row[0], it.kind) if row and row[0] else None
