"""A site's parts as sources: folders here and on hosts, outputs, deliveries, databases."""

import os
import shlex
import stat
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path, PurePosixPath

from backup.sources.databases.allowed_commands import mariadb_commands, postgresql_commands
from backup.sources.databases.connection import Connection, DumpFacts
from backup.sources.databases.mariadb_accounts import make_mariadb_globals
from backup.sources.databases.mariadb_dump import mariadb_source
from backup.sources.databases.postgresql_dump import make_postgresql_globals, postgresql_source
from backup.sources.databases.sqlite_copy import SqliteFacts, sqlite_source
from backup.sources.remote.command_output import open_command_output
from backup.sources.remote.open import RemoteSource, open_remote_tree
from backup.sources.remote.sftp_tree import open_sftp_tree
from backup.sources.remote.tree import RemoteTree
from backup.sources.source import FolderSource, Reader, Source, StreamSource, TextSource
from ops.estate.model.estate import Estate
from ops.estate.model.references import reveal
from ops.estate.model.sites import DatabasePart, FilesPart
from ops.hosts.connect import open_host, open_ssh_host
from provisioning.hosts import Command

COMMAND_SECONDS = 3600.0
"""A command whose output is saved may run so long."""

IsExcluded = Callable[[bytes, os.stat_result], bool]


def is_folder_here(part: FilesPart) -> bool:
    """Whether a part is a folder of this machine, read and put back as it lies."""
    return part.host is None and part.source in {"files", "delivered"}


def files_path(part: FilesPart) -> str:
    """Give the path of a part in the snapshot, without the site."""
    if part.source == "command":
        return f"other/{part.name}/{PurePosixPath(part.path).name or 'output'}"
    room = "other" if part.source == "delivered" else "files"
    return f"{room}/{part.name}"


def keeps_to_one_file_system(part: FilesPart) -> bool:
    """Whether what is mounted below is left alone: on a host yes, unless the estate says no."""
    is_silent = "one_file_system" not in part.model_fields_set
    return part.one_file_system or (part.host is not None and is_silent)


def remote_source(
    estate: Estate,
    part: FilesPart,
    *,
    is_excluded: IsExcluded,
    options_key: str,
    on_lost: Callable[[tuple[str, ...]], None],
    on_size: Callable[[int], None],
) -> RemoteSource | StreamSource:
    """Give the source behind a part that is no folder of this machine; nothing is connected.

    Args:
        estate: Names the host.
        part: Which.
        is_excluded: What to leave out, asked about paths that begin with the part's own.
        options_key: Changes when that decides otherwise.
        on_lost: Told what cannot be kept.
        on_size: Told how many bytes a command has printed.
    """
    if part.source == "command":
        return StreamSource(partial(open_output, estate, part, on_size))
    folder = FolderSource(
        path=os.fsencode(part.path).rstrip(b"/") or b"/",
        is_excluded=is_excluded,
        keeps_excluded_folders=True,
        one_file_system=keeps_to_one_file_system(part),
        options_key=options_key,
    )
    host = part.host or "localhost"
    return RemoteSource(host, folder, partial(open_tree, estate, part), on_lost)


def open_tree(estate: Estate, part: FilesPart) -> AbstractContextManager[RemoteTree]:
    """Open a folder of a host.

    Raises:
        SecretError: The key to the host cannot be a file.
        SourceError: The host does not answer, or the path is not there; on entering.
    """
    path = os.fsencode(part.path)
    if part.source == "sftp" and part.host is not None:
        return open_sftp_tree(open_ssh_host(estate, part.host), path)
    one_file_system, host = keeps_to_one_file_system(part), open_host(estate, part.host)
    return open_remote_tree(host, path, one_file_system=one_file_system)


def open_output(
    estate: Estate, part: FilesPart, on_size: Callable[[int], None] = lambda _size: None
) -> AbstractContextManager[Reader]:
    """Read what a command prints.

    Raises:
        SecretError: The key to the host cannot be a file.
        SourceError: It cannot be run, failed, or printed nothing.
    """
    host = open_host(estate, part.host)
    command = words_of(estate, part)
    return open_command_output(host, command, on_size=on_size, timeout=COMMAND_SECONDS)


def words_of(estate: Estate, part: FilesPart) -> list[bytes]:
    """Give the words of a part's command; a device without a shell gets it in one piece."""
    if part.host is not None and not estate.host(part.host).shell:
        return [os.fsencode(part.command)]
    return [os.fsencode(word) for word in shlex.split(part.command)]


def commands_of_files(estate: Estate, host: str) -> tuple[Command, ...]:
    """Give the commands on a host whose output is saved, for the account that may run no others."""
    return tuple(
        words_of(estate, part)
        for site in estate.sites
        for part in site.files
        if part.host == host and part.source == "command"
    )


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
