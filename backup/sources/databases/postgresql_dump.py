"""A PostgreSQL database as a stream of SQL, consistent while others go on writing.

1. Log in, look at server and database, and pin a moment: export a snapshot.
2. Have the rows counted in that transaction; meanwhile dump from the same snapshot.
3. Prove that pg_dump ended well and that its last line is there.
4. Take the counts: they are those of the dump's own moment.

Text keeps the database's encoding. Roles, and the database's own settings and rights, go into a
file beside it.

What of a PostgreSQL database lies outside it: roles, and the database's own settings and rights.

Passwords of roles are among them where the account may read them; else a comment tells.
"""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial

from backup.errors import SourceError
from backup.sources.databases.client_stream import open_dump, run_client
from backup.sources.databases.connection import Connection, DumpFacts, cut_off
from backup.sources.databases.postgresql_client import (
    CLUSTER_DUMPER,
    DUMPER,
    client_command,
    database_option,
    explain,
    secret_lines,
    version_command,
)
from backup.sources.databases.postgresql_session import Session, open_session
from backup.sources.host_errors import UNTOUCHED
from backup.sources.source import Reader, StreamSource
from provisioning.hosts import Command

MODE = 0o600

# Releases since August 2025 end with a line \unrestrict and a random key.
_END = re.compile(
    rb"\n-- PostgreSQL database dump complete\n--\n\n(?:\\unrestrict [A-Za-z0-9]+\n\n?)?\Z"
)


@dataclass(frozen=True, slots=True)
class PostgresqlState:
    """What the server says before a dump.

    Attributes:
        server: Its product and version.
        settings: Of the database, as `DumpFacts`.
        size_bytes: Of the database on the server's disk.
        unreadable: Tables that the account may not read, the first of them.
        snapshot: Name of the moment that the session has pinned; gone when that ends.
        reads_passwords: Whether the account may read the (hashed) passwords of roles.
    """

    server: str
    settings: dict[str, str]
    size_bytes: int
    unreadable: tuple[str, ...]
    snapshot: str
    reads_passwords: bool


def postgresql_source(
    connection: Connection, *, on_facts: Callable[[DumpFacts], None]
) -> StreamSource:
    """Make a source of a live database.

    Args:
        connection: The way to it.
        on_facts: Told of the dump when it has been read to its end.
    """
    return StreamSource(partial(open_postgresql, connection, on_facts=on_facts), MODE)


@contextmanager
def open_postgresql(
    connection: Connection, *, on_facts: Callable[[DumpFacts], None]
) -> Iterator[Reader]:
    """Dump a database and give the dump to be read.

    Raises:
        SourceError: It cannot be dumped as a whole.
    """
    program = postgresql_dumper_version(connection)
    with open_session(connection, counts=True) as session:
        begun = datetime.now(UTC)
        state = read_state(session)
        refuse_unreadable(connection, state)
        command = dump_command(connection)
        stdin = secret_lines(connection, snapshot=state.snapshot)
        with open_dump(connection, command, stdin=stdin, end=_END, explain=explain) as reader:
            yield reader
        copied_at = datetime.now(UTC)
        tables = session.count()
    on_facts(
        DumpFacts(
            consistent_at=begun,
            copied_at=copied_at,
            size_bytes=reader.size_bytes,
            server=state.server,
            program=program,
            settings=state.settings,
            tables=tables,
        )
    )


def dump_command(connection: Connection) -> Command:
    """Give the command that dumps; the same every time."""
    return client_command(connection, DUMPER, database_option(connection))


def look_at_postgresql(connection: Connection) -> PostgresqlState:
    """Log in and ask the server; nothing is written.

    Raises:
        SourceError: It cannot be reached, or does not let the account in.
    """
    with open_session(connection) as session:
        return read_state(session)


def refuse_unreadable(connection: Connection, state: PostgresqlState) -> None:
    """Refuse an account that may not read every table.

    Raises:
        SourceError: It may not; says which, and how that is granted.
    """
    if not state.unreadable:
        return
    raise SourceError(
        "the account {user} may not read all of the database {database} on {host}",
        why="it may not read the tables {tables}",
        data=UNTOUCHED,
        next_step="grant it in the database: `{grants}`",
        user=connection.user or "-",
        database=connection.database,
        host=connection.host.name,
        tables=", ".join(state.unreadable),
        # source: https://www.postgresql.org/docs/14/predefined-roles.html; older: table by table
        grants="GRANT pg_read_all_data TO …",
    )


def read_state(session: Session) -> PostgresqlState:
    """Take what a session says first."""
    single: dict[str, str] = {}
    extensions: list[str] = []
    unreadable: list[str] = []
    for row in session.look():
        match [str(cell) for cell in row]:
            case ["extension", name, version]:
                extensions.append(f"{name} {version}")
            case ["unreadable", name]:
                unreadable.append(name)
            case [key, value]:
                single[key] = value
    server = " ".join(single.pop("server", "").split()[:2])
    size = int(single.pop("size", "0"))
    snapshot = single.pop("snapshot", "")
    reads_passwords = single.pop("reads_passwords", "") == "True"
    settings = {**single, "extensions": ", ".join(extensions)}
    return PostgresqlState(server, settings, size, tuple(unreadable), snapshot, reads_passwords)


def postgresql_dumper_version(connection: Connection) -> str:
    """Give product and version of the program that dumps.

    Raises:
        SourceError: It is missing, or the host does not answer.
    """
    stdin = secret_lines(connection)
    told = run_client(connection, version_command(), stdin=stdin, explain=explain)
    return told.decode("utf-8", "replace").strip()


_SECONDS = 600.0
_ROLES_END = re.compile(rb"\n-- PostgreSQL database cluster dump complete\n--\n\s*\Z")
_DATABASE_END = re.compile(rb"\n-- PostgreSQL database dump complete\n--\n[^\n]*\n?[^\n]*\n?\s*\Z")
_WITHOUT_PASSWORDS = b"""\
-- The account that made this may not read the passwords of roles: set them anew after a restore.
"""


def make_postgresql_globals(connection: Connection) -> bytes:
    """Give SQL that makes the roles and the empty database anew; run by an administrator.

    Raises:
        SourceError: The server could not be asked.
    """
    reads_passwords = look_at_postgresql(connection).reads_passwords
    roles_command, database_command = globals_commands(connection, passwords=reads_passwords)
    roles = _run(connection, roles_command, _ROLES_END)
    database = _run(connection, database_command, _DATABASE_END)
    return (b"" if reads_passwords else _WITHOUT_PASSWORDS) + roles + database


def globals_commands(connection: Connection, *, passwords: bool) -> tuple[Command, Command]:
    """Give the commands that print the roles, and the empty database; the same every time.

    Args:
        connection: The way to the database.
        passwords: Whether the account may read those of roles.
    """
    roles = [b"--globals-only", b"--no-tablespaces", f"--database={connection.database}".encode()]
    if not passwords:
        roles.append(b"--no-role-passwords")
    empty = [b"--create", b"--schema-only", b"--exclude-schema=*", *database_option(connection)]
    return (
        client_command(connection, CLUSTER_DUMPER, roles),
        client_command(connection, DUMPER, empty),
    )


def _run(connection: Connection, command: Command, end: re.Pattern[bytes]) -> bytes:
    stdin = secret_lines(connection)
    told = run_client(connection, command, stdin=stdin, explain=explain, timeout=_SECONDS)
    if end.search(told) is None:
        raise cut_off(connection, len(told))
    return told
