r"""A dump as a script of SQL alone, for a psql that carries out none of its own commands.

psql finds commands of its own between statements, `\! COMMAND` among them, and whoever has been in
a database may have written some into its dump. No reader of ours could tell where psql sees one:
that depends on what earlier statements have made of the session (encoding, quoting, variables), so
that even a dump without a backslash can have one: an error's own text, by `:LAST_ERROR_MESSAGE`.
psql can: after `\restrict KEY` it refuses every command until it is told the same key. Releases
since August 2025 know it; where errors end it, an older one ends there, before the dump begins.

The key is made anew each time, since the one that pg_dump writes is known to whoever wrote the
dump. pg_dump's own lines are therefore taken out, where it puts them; all others meet the refusal.

source: https://www.postgresql.org/support/security/CVE-2025-8714/
"""

import re
import secrets
from collections.abc import Iterable, Iterator

from backup.errors import SourceError
from backup.sources.databases.connection import Connection
from backup.sources.databases.postgresql_client import explain
from provisioning.hosts import Completed

_ENDS = 4096
"""Bytes at either end of a dump in which pg_dump's own lines are looked for."""

_BEGIN = re.compile(rb"\A((?:--[^\n]*\n|\n)*)\\restrict ([A-Za-z0-9]+)\n")
_END = re.compile(rb"^\\unrestrict ([A-Za-z0-9]+)\n(?=\s*\Z)", re.MULTILINE)
_OF_GLOBALS = re.compile(rb"^\\(?:restrict|unrestrict|connect) [^\n]*\n", re.MULTILINE)

_TOO_OLD = b"invalid command \\restrict"
_REFUSED = re.compile(r"backslash commands are restricted|\\unrestrict: wrong key")


PROOF = b"--command=\\restrict proof"
"""The word by which a psql is asked whether it can be restricted; it fails where it cannot."""


def restriction() -> bytes:
    """Give the line after which psql refuses commands of its own; errors must end it."""
    return f"\\restrict {secrets.token_hex(16)}\n".encode()


def dump_script(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Yield a dump that restricts psql, instead of by the key that is in it; errors must end psql.

    Args:
        pieces: The dump.
    """
    yield restriction()
    yield from dump_sql(pieces)


def dump_sql(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Yield a dump without the two lines by which pg_dump restricts psql.

    Args:
        pieces: The dump.
    """
    stream = iter(pieces)
    held = b""
    for piece in stream:
        held += piece
        if len(held) >= _ENDS:
            break
    held = _BEGIN.sub(rb"\1", held)
    for piece in stream:
        held += piece
        yield held[:-_ENDS]
        held = held[-_ENDS:]
    yield _END.sub(b"", held)


def globals_script(text: bytes) -> bytes:
    """Give accounts and roles that restrict psql, where it has been proven that it can be.

    The lines in which pg_dump connects to the database are taken out, too: what stands below them
    is about the database as a whole, and may be run from any other.
    """
    return restriction() + _OF_GLOBALS.sub(b"", text)


def find_refused(said: str) -> str:
    """Give the words in which psql has refused a command of its own; empty where it has not."""
    found = _REFUSED.search(said)
    return found[0] if found else ""


def find_refusal(connection: Connection, ended: Completed) -> SourceError | None:
    """Say that psql cannot be restricted, or that it refused a command; None if neither."""
    if _TOO_OLD in ended.stderr:
        return SourceError(
            "psql on {host} is too old to load a dump with it",
            why="it would carry out commands that somebody has put into a dump; releases since"
            " August 2025 can be told not to",
            data="nothing was loaded",
            next_step="bring the client there up to date: `apt-get install postgresql-client`",
            host=connection.host.name,
        )
    if refused := find_refused(ended.stderr.decode("utf-8", "replace")):
        return SourceError(
            "the dump for the database {database} holds a command for psql itself",
            why="pg_dump writes none there: somebody has changed the dump, or what is in the"
            " database ({reason})",
            data="the command was not carried out, and nothing of the dump was loaded",
            next_step="keep the snapshot for whoever looks into it, and load an older one",
            database=connection.database,
            reason=refused,
        )
    return None


def explain_script(connection: Connection, ended: Completed) -> SourceError:
    """Say why a psql that loads has failed."""
    return find_refusal(connection, ended) or explain(connection, ended)
