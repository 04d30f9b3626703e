"""A site's databases as sources: what each engine's copy is called, and how it is reached."""

import stat
from collections.abc import Callable, Iterator
from pathlib import Path

from backup.sources.databases.allowed_commands import mariadb_commands, postgresql_commands
from backup.sources.databases.connection import Connection, DumpFacts
from backup.sources.databases.mariadb_accounts import make_mariadb_globals
from backup.sources.databases.mariadb_dump import mariadb_source
from backup.sources.databases.postgresql_dump import make_postgresql_globals, postgresql_source
from backup.sources.databases.sqlite_copy import SqliteFacts, sqlite_source
from backup.sources.source import Source, TextSource
from ops.estate.model.estate import Estate
from ops.estate.model.references import reveal
from ops.estate.model.sites import DatabasePart
from ops.hosts.connect import open_host
from provisioning.hosts import Command

DatabaseFacts = SqliteFacts | DumpFacts
GLOBALS_MODE = 0o600
"""Of files with accounts: hashes of their passwords are among them."""


def copy_path(part: DatabasePart) -> str:
    """Give the path of a database's copy in the snapshot, without the site."""
    return f"databases/{part.name}.{'sqlite' if part.engine == 'sqlite' else 'sql'}"


def globals_path(part: DatabasePart) -> str:
    """Give the path of the accounts and roles of a database on a server, without the site."""
    return f"databases/{part.name}.globals.sql"


def connect(estate: Estate, part: DatabasePart) -> Connection:
    """Give the way to a database on a server; nothing is opened.

    Args:
        estate: Knows the hosts.
        part: Which.

    Raises:
        SecretError: The reference to its password, or to the host's key, leads nowhere.
    """
    return _connect(estate, part, None if part.password is None else reveal(part.password))


def _connect(estate: Estate, part: DatabasePart, password: str | None) -> Connection:
    return Connection(
        host=open_host(estate, part.host),
        database=part.database,
        address=part.address,
        port=part.port,
        socket=part.socket,
        user=part.user,
        password=password,
    )


def commands_on(estate: Estate, host: str) -> tuple[Command, ...]:
    """Give every command that the databases read through a host need there; no secret is looked at.

    Args:
        estate: Knows the sites.
        host: Name of the host.
    """
    commands: list[Command] = []
    for part in (part for site in estate.sites for part in site.databases if part.host == host):
        # Only whether there is a password makes a difference.
        way = _connect(estate, part, None if part.password is None else "-")
        if part.engine == "mariadb":
            commands += mariadb_commands(way, lock_tables=part.lock_tables)
        elif part.engine == "postgresql":
            commands += postgresql_commands(way)
    return tuple(commands)


def database_sources(
    estate: Estate, part: DatabasePart, scratch: Path, on_facts: Callable[[DatabaseFacts], None]
) -> Iterator[tuple[str, Source]]:
    """Yield what is read of a database, each with its path in the snapshot, without the site.

    Args:
        estate: Knows the hosts.
        part: Which.
        scratch: Folder for copies that need one.
        on_facts: Told of the copy when it is made.

    Raises:
        SecretError: The reference to its password leads nowhere.
        OSError: The file of an SQLite database is not there.
    """
    at = copy_path(part)
    if part.engine == "sqlite":
        path = Path(part.database).resolve()
        mode = stat.S_IMODE(path.stat().st_mode)
        yield at, sqlite_source(path, scratch, on_facts=on_facts, mode=mode)
        return
    connection = connect(estate, part)
    if part.engine == "mariadb":
        yield at, mariadb_source(connection, on_facts=on_facts, lock_tables=part.lock_tables)
        make_globals = make_mariadb_globals
    else:
        yield at, postgresql_source(connection, on_facts=on_facts)
        make_globals = make_postgresql_globals
    yield globals_path(part), TextSource(lambda: make_globals(connection), GLOBALS_MODE)
