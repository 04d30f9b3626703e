"""What of a PostgreSQL database lies outside it: roles, and the database's own settings and rights.

Passwords of roles are among them where the account may read them; else a comment tells.
"""

import re

from backup.sources.dumps.connection import Connection, cut_off
from backup.sources.dumps.postgresql import look_at_postgresql
from backup.sources.dumps.postgresql_client import (
    CLUSTER_DUMPER,
    DUMPER,
    client_command,
    database_option,
    explain,
    secret_lines,
)
from backup.sources.dumps.streaming import run_client
from provisioning.hosts import Command

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
