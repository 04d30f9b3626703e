"""PostgreSQL's clients on a host: called without a secret in sight, their errors told."""

import re
from collections.abc import Sequence

from backup.errors import SourceError
from backup.sources.databases.connection import (
    Connection,
    failed,
    login_refused,
    not_reached,
    not_started,
    not_there,
)
from backup.sources.host_errors import UNTOUCHED
from provisioning.hosts import Completed

DUMPER = b"pg_dump"
CLUSTER_DUMPER = b"pg_dumpall"
CLIENT = b"psql"
_PACKAGE = "postgresql-client"

# The password and the name of a snapshot stand on stdin, each on a line of its own, so that a
# database's commands are the same every time and can be allowed word for word. `read` takes no byte
# more than the line, so that the client finds the rest. The password goes on as a password file,
# which has no name any more when it is written; clients take a regular file only, so no pipe does.
_SCRIPT = b"""
unset PGCLIENTENCODING PGOPTIONS PGSERVICE
command -v "$1" >/dev/null || exit 127
IFS= read -r secret
IFS= read -r snapshot
if [ -n "$snapshot" ]; then set -- "$@" "--snapshot=$snapshot"; fi
if [ -n "$secret" ]; then
unset PGPASSWORD
file=$(mktemp /dev/shm/giucong.XXXXXX 2>/dev/null || mktemp) || exit 1
exec 3<>"$file"
rm -f "$file"
printf '*:*:*:*:%s\\n' "$secret" >&3
PGPASSFILE=/dev/fd/3
export PGPASSFILE
fi
unset secret snapshot
exec "$@"
"""
# psql is told its statements in the command itself, and then waits until our stdin is closed. It
# reads nothing that we send: it knows a command that starts a shell.
_SESSION = b"""
exec 4<&0
printf '%s\\n' "$statements" '\\! cat <&4 >/dev/null' | "$@"
"""
_PSQL = (b"--no-psqlrc", b"--quiet", b"--no-align", b"--tuples-only", b"--set=ON_ERROR_STOP=1")
_REFUSED = re.compile(
    rb"authentication failed|no pg_hba\.conf entry|no password supplied|role \"[^\"]*\" does not"
    rb" exist|not permitted to log in"
)
_UNREACHED = re.compile(
    rb"could not connect|Connection refused|could not translate host|timeout expired|No such file"
    rb" or directory|server closed the connection|terminating connection|connection to server was"
    rb" lost|starting up|shutting down|too many clients|in recovery mode"
)
_UNKNOWN = re.compile(
    rb"FATAL:  (?:database \"[^\"]*\" does not exist|permission denied for database)"
)
_TOO_OLD = re.compile(rb"server version mismatch")


def client_command(
    connection: Connection, program: bytes, arguments: Sequence[bytes]
) -> tuple[bytes, ...]:
    """Give the command that runs a client."""
    words = (b"sh", b"-c", _SCRIPT, b"sh", program, b"--no-password", *_where(connection))
    return (*words, *arguments)


def version_command() -> tuple[bytes, ...]:
    """Give the command that prints pg_dump's version; it wants no other word beside that."""
    return (b"sh", b"-c", _SCRIPT, b"sh", DUMPER, b"--version")


def psql_command(connection: Connection, statements: bytes) -> tuple[bytes, ...]:
    """Give the command that runs statements, prints bare rows, and stays until stdin is closed."""
    script = b"statements=$1; shift\n" + _SCRIPT.replace(b'exec "$@"', _SESSION)
    words = (CLIENT, b"--no-password", *_where(connection), *_PSQL, *database_option(connection))
    return (b"sh", b"-c", script, b"sh", statements, *words)


def database_option(connection: Connection) -> tuple[bytes, ...]:
    """Give the words that name the database; one that looks like options stays a name."""
    escaped = connection.database.replace("\\", "\\\\").replace("'", "\\'")
    return (f"--dbname=dbname='{escaped}'".encode(),)


def secret_lines(connection: Connection, *, snapshot: str = "") -> bytes:
    """Give what the script has to read first.

    Args:
        connection: The way to the database.
        snapshot: The exported moment that pg_dump is to see.

    Raises:
        SourceError: The password cannot be handed over: it has a newline.
    """
    secret = connection.password or ""
    if "\n" in secret:
        raise SourceError(
            "the password of the database {database} spans several lines",
            why="PostgreSQL's clients take one line",
            data=UNTOUCHED,
            next_step="give the account {user} another password",
            database=connection.database,
            user=connection.user or "-",
        )
    escaped = secret.replace("\\", "\\\\").replace(":", "\\:")  # as a password file wants it
    return f"{escaped}\n{snapshot}\n".encode()


def explain(connection: Connection, ended: Completed) -> SourceError:
    """Say why a client failed."""
    refusal = not_started(connection, ended, program=DUMPER, package=_PACKAGE)
    if refusal is not None:
        return refusal
    reason = _reason(connection, ended)
    if _TOO_OLD.search(ended.stderr):
        lines = ended.stderr.decode("utf-8", "replace").splitlines()
        return SourceError(
            "the server of the database {database} is newer than pg_dump on {host}",
            why="{reason}",
            data=UNTOUCHED,
            next_step="install the client of the server's version there, e.g. `apt-get install"
            " postgresql-client-NN`",
            database=connection.database,
            host=connection.host.name,
            reason=connection.scrub(" · ".join(lines[:2])),
        )
    if _REFUSED.search(ended.stderr):
        return login_refused(connection, reason)
    if _UNKNOWN.search(ended.stderr):
        return not_there(connection, reason)
    if _UNREACHED.search(ended.stderr):
        return not_reached(connection, reason)
    return failed(connection, reason)


def _reason(connection: Connection, ended: Completed) -> str:
    """Give the first line that tells of an error; the last ones are hints and statements."""
    lines = ended.stderr.decode("utf-8", "replace").splitlines()
    for mark in ("FATAL:", "ERROR:", "error:"):
        told = next((line for line in lines if mark in line), None)
        if told is not None:
            return connection.scrub(told.strip())
    return connection.last_words(ended)


def _where(connection: Connection) -> list[bytes]:
    words = []
    if connection.socket or connection.address:
        words += [f"--host={_socket_folder(connection.socket) or connection.address}"]
    if connection.port is not None:
        words += [f"--port={connection.port}"]
        if not connection.address and not connection.socket:
            words += ["--host=127.0.0.1"]
    if connection.user:
        words += [f"--username={connection.user}"]
    return [word.encode() for word in words]


def _socket_folder(socket: str) -> str:
    """Give the folder that clients want where the socket itself may be named."""
    folder, _slash, name = socket.rpartition("/")
    return folder if name.startswith(".s.PGSQL.") else socket
