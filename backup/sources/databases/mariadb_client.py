"""MariaDB's and MySQL's clients on a host: called without a secret in sight, their errors told."""

import re
from collections.abc import Iterable, Sequence

from backup.errors import SourceError
from backup.sources.databases.client_stream import run_client
from backup.sources.databases.connection import (
    Connection,
    failed,
    login_refused,
    not_reached,
    not_started,
    not_there,
)
from backup.sources.host_errors import translated
from provisioning.hosts import Command, Completed

DUMPERS = (b"mariadb-dump", b"mysqldump")
CLIENTS = (b"mariadb", b"mysql")
_PACKAGE = "mariadb-client"
_QUERY_SECONDS = 3600.0

# The first line on stdin is the password, which goes to the client as an option file through a pipe
# of its own; nothing else that we send can become an option or a command of a shell. Clients read
# an option file in pieces of 4 KiB, each a line to them: so a longer line is refused. `read` takes
# no byte more than the line, so that the client finds the rest.
_SCRIPT = b"""
tool=$(command -v "$1") || tool=$(command -v "$2") || exit 127
shift 2
options=
IFS= read -r secret
if [ ${#secret} -gt 1000 ]; then echo 'the password is too long' >&2; exit 1; fi
if [ -n "$secret" ]; then options="[client]
password=\\"$secret\\"
"; fi
exec 4<&0
printf %s "$options" | "$tool" --defaults-extra-file=/dev/fd/3 "$@" 3<&0 0<&4 4<&-
"""
_NEAR = re.compile(r" to use near .*")
_ERROR_NUMBER = re.compile(rb"(?:Got error: |ERROR |Error |\()(\d{4})\b")
# source: https://mariadb.com/kb/en/mariadb-error-code-reference/ and the client errors from 2000 on
_REFUSED = frozenset({1045, 1251, 1698, 1396, 1820, 4151})
_UNREACHED = frozenset({1040, 1053, 1129, 1130, 2002, 2003, 2005, 2006, 2013, 2026})
_UNKNOWN = frozenset({1044, 1049})


def client_command(
    connection: Connection, programs: tuple[bytes, bytes], arguments: Sequence[bytes]
) -> tuple[bytes, ...]:
    """Give the command that runs the first of two programs that is there."""
    # With a password of ours, a ~/.my.cnf there must not put another in its place.
    home = (b"env", b"HOME=/nonexistent") if connection.password is not None else ()
    return (*home, b"sh", b"-c", _SCRIPT, b"sh", *programs, *_where(connection), *arguments)


def secret_line(connection: Connection) -> bytes:
    """Give what a client has to read first: the password as an option file quotes it."""
    if connection.password is None:
        return b"\n"
    escaped = connection.password.replace("\\", "\\\\").replace('"', '\\"')
    escaped = escaped.replace("\n", "\\n").replace("\r", "\\r")
    return f"{escaped}\n".encode()


def question_command(connection: Connection, *, goes_on: bool = False) -> Command:
    """Give the command that runs the statements on its stdin; the same every time.

    Args:
        connection: The way to the database.
        goes_on: Pass over statements that the server refuses.
    """
    force = [b"--force"] if goes_on else []
    # In binary mode the client has no commands of its own, such as one that starts a shell.
    arguments = [*force, b"--batch", b"--binary-mode", b"--local-infile=0", b"--skip-column-names",
                 b"--default-character-set=utf8mb4", b"--",
                 connection.database.encode()]  # fmt: skip
    return client_command(connection, CLIENTS, arguments)


def ask(connection: Connection, sql: str, *, goes_on: bool = False) -> list[list[str]]:
    """Run statements and give all rows they print, without telling the results apart.

    Args:
        connection: The way to the database.
        sql: The statements.
        goes_on: Pass over statements that the server refuses.

    Raises:
        SourceError: The server could not be asked, or refuses.
    """
    command = question_command(connection, goes_on=goes_on)
    stdin = secret_line(connection) + sql.encode("utf-8", "surrogateescape")
    told = run_client(connection, command, stdin=stdin, explain=explain, timeout=_QUERY_SECONDS)
    return split_rows(told)


def ask_each(connection: Connection, statements: Iterable[str]) -> list[str]:
    """Run statements, each on its own; gives the server's words for every one that it refuses.

    Raises:
        SourceError: The server could not be asked.
    """
    sql = "".join(f"{it}\n" for it in statements).encode("utf-8", "surrogateescape")
    if not sql:
        return []
    command, stdin = question_command(connection, goes_on=True), secret_line(connection) + sql
    with translated():
        ended = connection.host.run(command, stdin=stdin, timeout=_QUERY_SECONDS)
    if ended.status != 0:
        raise explain(connection, ended)
    told = connection.scrub(ended.stderr.decode("utf-8", "replace")).splitlines()
    # What stands near a wrong word may be a password's hash.
    return [_NEAR.sub("", it) for it in told if it.startswith("ERROR ")]


def comment_statements(database: str, text: str) -> list[str]:
    """Give the statements that set a database's comment, whatever the server's mode."""
    quoted = text.replace("'", "''")
    return ["SET SESSION sql_mode = 'NO_BACKSLASH_ESCAPES'",
            f"ALTER DATABASE {quote_name(database)} COMMENT '{quoted}'"]  # fmt: skip


def split_rows(told: bytes) -> list[list[str]]:
    """Give the rows that a client printed."""
    lines = told.decode("utf-8", "surrogateescape").split("\n")[:-1]
    return [[_unescape(cell) for cell in line.split("\t")] for line in lines]


def explain(connection: Connection, ended: Completed) -> SourceError:
    """Say why a client failed."""
    refusal = not_started(connection, ended, program=DUMPERS[0], package=_PACKAGE)
    if refusal is not None:
        return refusal
    reason = connection.last_words(ended)
    found = _ERROR_NUMBER.search(ended.stderr)
    number = int(found[1]) if found else 0
    if number in _REFUSED:
        return login_refused(connection, reason)
    if number in _UNREACHED:
        return not_reached(connection, reason)
    if number in _UNKNOWN:
        return not_there(connection, reason)
    return failed(connection, reason)


def quote_name(name: str) -> str:
    """Give a name as SQL writes it."""
    return "`" + name.replace("`", "``") + "`"


def quote_text(text: str) -> str:
    """Give a text as SQL writes it, whatever the server's mode says of backslashes."""
    return f"_utf8mb4 0x{text.encode().hex()}" if text else "''"


def _where(connection: Connection) -> list[bytes]:
    words = []
    if connection.socket:
        words += [f"--socket={connection.socket}"]
    if connection.address:
        words += [f"--host={connection.address}", "--protocol=tcp"]
    # Beside a socket a port would make the client go by TCP: the port is for those who look there.
    if connection.port is not None and (connection.address or not connection.socket):
        words += [f"--port={connection.port}"]
        if not connection.address:
            words += ["--host=127.0.0.1", "--protocol=tcp"]
    if connection.user:
        words += [f"--user={connection.user}"]
    return [word.encode() for word in words]


_ESCAPED = re.compile(r"\\([\\tn0])")
_MEANINGS = {"\\": "\\", "t": "\t", "n": "\n", "0": "\0"}


def _unescape(cell: str) -> str:
    return _ESCAPED.sub(lambda found: _MEANINGS[found[1]], cell)
