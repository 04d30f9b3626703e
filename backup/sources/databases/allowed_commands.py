"""Every command that a dump sends to a host, for an account there that may run no other."""

from collections.abc import Iterator

from backup.sources.databases import mariadb_dump, postgresql_dump
from backup.sources.databases.connection import Connection
from backup.sources.databases.mariadb_client import question_command
from backup.sources.databases.postgresql_client import version_command
from backup.sources.databases.postgresql_dump import globals_commands
from backup.sources.databases.postgresql_session import session_command
from provisioning.hosts import Command


def mariadb_commands(connection: Connection, *, lock_tables: bool = False) -> Iterator[Command]:
    """Yield the commands that a dump of a MariaDB database needs; none holds a secret."""
    yield question_command(connection)
    yield question_command(connection, goes_on=True)
    yield mariadb_dump.version_command(connection)
    for with_history in (True, False):
        yield mariadb_dump.dump_command(
            connection, lock_tables=lock_tables, with_history=with_history
        )


def postgresql_commands(connection: Connection) -> Iterator[Command]:
    """Yield the commands that a dump of a PostgreSQL database needs; none holds a secret."""
    yield version_command()
    yield session_command(connection)
    yield session_command(connection, counts=True)
    yield postgresql_dump.dump_command(connection)
    yield from globals_commands(connection, passwords=True)
    yield globals_commands(connection, passwords=False)[0]
