"""What an administrator asks of a PostgreSQL server, or has it do, by a psql that is restricted."""

from backup.sources.databases.client_stream import run_client
from backup.sources.databases.connection import Connection
from backup.sources.databases.postgresql_client import (
    CLIENT,
    client_command,
    database_option,
    secret_lines,
)
from backup.sources.databases.postgresql_scripts import (
    PROOF,
    explain_script,
    globals_script,
    restriction,
)

_SECONDS = 3_600.0
_STOPS = b"--set=ON_ERROR_STOP=1"
_ALL_OR_NONE = [_STOPS, b"--single-transaction", b"--output=/dev/null", b"--file=-"]


def require_restriction(home: Connection) -> None:
    """Refuse a psql that would carry out commands of a dump.

    Raises:
        SourceError: It would.
    """
    _run(home, [_STOPS, PROOF])


def ask_psql(connection: Connection, sql: str) -> str:
    """Run a statement and give what it prints: a row a line, `|` between columns.

    Raises:
        SourceError: The server cannot be asked, or refuses.
    """
    words = [b"--no-align", b"--tuples-only", _STOPS, b"--command", sql.encode()]
    return _run(connection, words).decode("utf-8", "replace")


def run_script(connection: Connection, sql: bytes) -> None:
    """Run statements that come from a dump: all of them, or none.

    Raises:
        SourceError: The server refuses one.
    """
    require_restriction(connection)
    _run(connection, _ALL_OR_NONE, globals_script(sql))


def run_statements(connection: Connection, sql: bytes) -> None:
    """Run statements as they are, none of them in sight of others: all, or none.

    Raises:
        SourceError: The server refuses one.
    """
    _run(connection, _ALL_OR_NONE, restriction() + sql)


def _run(connection: Connection, arguments: list[bytes], script: bytes = b"") -> bytes:
    words = [b"--no-psqlrc", b"--quiet", *arguments, *database_option(connection)]
    return run_client(
        connection,
        client_command(connection, CLIENT, words),
        stdin=secret_lines(connection) + script,
        explain=explain_script,
        timeout=_SECONDS,
    )


def identifier(name: str) -> str:
    """Give a name as SQL writes it."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """Give a text as SQL writes it."""
    return "'" + text.replace("'", "''") + "'"
