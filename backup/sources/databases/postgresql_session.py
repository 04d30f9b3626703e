"""A session that holds one moment of a PostgreSQL database: the dump and the counts both see it.

All its statements are known beforehand, so that a host need allow but one command, word for word.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager

from backup.sources.databases.client_stream import COUNT_SECONDS, send
from backup.sources.databases.connection import Connection
from backup.sources.databases.postgresql_client import explain, psql_command, secret_lines
from backup.sources.host_errors import translated
from provisioning.hosts import Command, HostProcess

_READ_BYTES = 1 << 16

_BEGIN = b"""
\\encoding UTF8
SET search_path = pg_catalog;
SET statement_timeout = 0;
SET lock_timeout = 0;
SET idle_in_transaction_session_timeout = 0;
SET row_security = off;
BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;
"""
_LOOK = b"""
SELECT json_build_array('server', version());
SELECT unnest(ARRAY[json_build_array('encoding', pg_encoding_to_char(encoding)),
 json_build_array('collate', datcollate), json_build_array('ctype', datctype),
 json_build_array('owner', pg_get_userbyid(datdba)), json_build_array('limit', datconnlimit),
 json_build_array('comment', coalesce(shobj_description(oid, 'pg_database'), '')),
 json_build_array('provider', coalesce(to_jsonb(d) ->> 'datlocprovider', '')),
 json_build_array('locale', coalesce(to_jsonb(d) ->> 'datlocale', to_jsonb(d) ->> 'daticulocale',
 '')), json_build_array('rules', coalesce(to_jsonb(d) ->> 'daticurules', ''))])
 FROM pg_database d WHERE datname = current_database();
SELECT json_build_array('reads_passwords', has_table_privilege('pg_authid', 'SELECT'));
SELECT json_build_array('size', pg_database_size(current_database()));
SELECT json_build_array('extension', extname, extversion) FROM pg_extension ORDER BY extname;
"""
_EXPORT = b"SELECT json_build_array('snapshot', pg_export_snapshot());\n"
# Tables that belong to an extension come with it; what pg_dump writes of them is the extension's.
_TABLES = """
 FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE c.relkind = 'r' AND n.nspname NOT IN ('pg_catalog', 'information_schema')
 AND n.nspname !~ '^pg_(toast|temp)' AND c.relpersistence <> 't'
 AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass
 AND d.objid = c.oid AND d.deptype = 'e')
"""
_COUNT = f"""
SELECT format('SELECT json_build_array(''table'', %L, count(*)) FROM ONLY %I.%I',
 n.nspname || '.' || c.relname, n.nspname, c.relname)
{_TABLES} ORDER BY n.nspname, c.relname \\gexec
""".encode()  # noqa: S608 -- our own words
_UNREADABLE = f"""
SELECT json_build_array('unreadable', n.nspname || '.' || c.relname)
{_TABLES} AND NOT has_table_privilege(c.oid, 'SELECT') ORDER BY n.nspname, c.relname LIMIT 20;
""".encode()
_DONE = b"SELECT json_build_array('done');\n"
_LOOKING = _BEGIN + _LOOK + _UNREADABLE + _EXPORT + _DONE
_COUNTING = _LOOKING + _COUNT + _DONE

Row = list[str | int | bool]


class Session:
    """A client that answers as long as its stdin is open."""

    def __init__(self, connection: Connection, process: HostProcess) -> None:
        self._connection = connection
        self._process = process
        self._received = b""

    def look(self) -> list[Row]:
        """Take what is known of server and database, and the name of the pinned moment."""
        return list(self._rows())

    def count(self) -> dict[str, int | None]:
        """Wait for the counts, in a session that counts: rows by table with its schema."""
        return {str(row[1]): int(row[2]) for row in self._rows() if row[0] == "table"}

    def _rows(self) -> Iterator[Row]:
        while True:
            line, newline, rest = self._received.partition(b"\n")
            if not newline:
                data = self._process.read(_READ_BYTES)
                if not data:
                    raise explain(self._connection, self._process.finish())
                self._received += data
                continue
            self._received = rest
            row: Row = json.loads(line)
            if row == ["done"]:
                return
            yield row


def session_command(connection: Connection, *, counts: bool = False) -> Command:
    """Give the command of a session; the same every time."""
    return psql_command(connection, _COUNTING if counts else _LOOKING)


@contextmanager
def open_session(connection: Connection, *, counts: bool = False) -> Iterator[Session]:
    """Log in and begin a transaction that sees one moment and writes nothing.

    Args:
        connection: The way to the database.
        counts: Count every table of that moment, too.

    Raises:
        SourceError: The server cannot be reached, or does not let the account in.
    """
    command = session_command(connection, counts=counts)
    with translated(), connection.host.start(command) as process:
        process.bear_silence(COUNT_SECONDS)
        send(process, secret_lines(connection))
        yield Session(connection, process)
        process.close_input()
        ended = process.finish()
        if ended.status != 0:
            raise explain(connection, ended)
