"""Every command that a dump sends to a host, for an account there that may run no other."""

from collections.abc import Iterator

from backup.sources.dumps import mariadb, postgresql
from backup.sources.dumps.connection import Connection
from backup.sources.dumps.mariadb_client import question_command
from backup.sources.dumps.postgresql_client import version_command
from backup.sources.dumps.postgresql_globals import globals_commands
from backup.sources.dumps.postgresql_session import session_command
from provisioning.hosts import Command


def mariadb_commands(connection: Connection, *, lock_tables: bool = False) -> Iterator[Command]:
    """Yield the commands that a dump of a MariaDB database needs; none holds a secret."""
    yield question_command(connection)
    yield question_command(connection, goes_on=True)
    yield mariadb.version_command(connection)
    for with_history in (True, False):
        yield mariadb.dump_command(connection, lock_tables=lock_tables, with_history=with_history)


def postgresql_commands(connection: Connection) -> Iterator[Command]:
    """Yield the commands that a dump of a PostgreSQL database needs; none holds a secret."""
    yield version_command()
    yield session_command(connection)
    yield session_command(connection, counts=True)
    yield postgresql.dump_command(connection)
    yield from globals_commands(connection, passwords=True)
    yield globals_commands(connection, passwords=False)[0]
