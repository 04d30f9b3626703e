"""What of a PostgreSQL database lies outside it: roles, and the database's own settings and rights.

Passwords of roles are among them where the account may read them; else a comment tells.
"""

import re
from collections.abc import Sequence

from backup.sources.dumps.connection import Connection, cut_off
from backup.sources.dumps.postgresql_client import (
    CLUSTER_DUMPER,
    DUMPER,
    client_command,
    database_option,
    explain,
    secret_line,
)
from backup.sources.dumps.postgresql_session import open_session

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
    with open_session(connection) as session:
        reads_passwords = session.reads_passwords()
    roles_only = [b"--globals-only", b"--no-tablespaces",
                  f"--database={connection.database}".encode()]  # fmt: skip
    if not reads_passwords:
        roles_only.append(b"--no-role-passwords")
    database_only = [b"--create", b"--schema-only", b"--exclude-schema=*",
                     *database_option(connection)]  # fmt: skip
    roles = _run(connection, CLUSTER_DUMPER, roles_only, _ROLES_END)
    database = _run(connection, DUMPER, database_only, _DATABASE_END)
    return (b"" if reads_passwords else _WITHOUT_PASSWORDS) + roles + database


def _run(
    connection: Connection, program: bytes, arguments: Sequence[bytes], end: re.Pattern[bytes]
) -> bytes:
    command = client_command(connection, program, arguments)
    with connection.translated():
        ended = connection.host.run(command, stdin=secret_line(connection), timeout=_SECONDS)
    if ended.status != 0:
        raise explain(connection, ended)
    if end.search(ended.stdout) is None:
        raise cut_off(connection, len(ended.stdout))
    return ended.stdout
