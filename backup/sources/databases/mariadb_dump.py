"""A MariaDB or MySQL database as a stream of SQL, consistent while others go on writing.

1. Ask the server who it is, how it is set, what tables there are, and what the account may read:
   a right that is missing would make the dump silently small, so it is refused.
2. Open a transaction that counts the rows, and begin the dump once it sees its moment.
3. Dump in one transaction (or with every table locked, where that is asked for) and stream it.
   Tables without transactions may be torn otherwise; they are named.
4. Count the rows again as of a moment after the dump's own, which cannot be counted, but lies
   between the two. Both counts go on beside the dump (`backup.sources.databases.mariadb_counts`);
   where there are tables without transactions, before it begins and after its end.
5. Prove that the client ended well and that its last line is there.

Text is written as utf8mb4, binary columns as hexadecimal digits. The dump bears no date, so that an
unchanged database gives the same bytes.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial

from backup.errors import SourceError
from backup.sources.databases.client_stream import DumpReader, open_dump, run_client
from backup.sources.databases.connection import Connection, DumpFacts, failed
from backup.sources.databases.mariadb_client import (
    DUMPERS,
    ask,
    client_command,
    explain,
    quote_name,
    secret_line,
)
from backup.sources.databases.mariadb_counts import (
    Counts,
    TwoCounts,
    counting_sql,
    open_two_counts,
    read_counts,
)
from backup.sources.databases.mariadb_rights import ROUTINES, find_missing_rights
from backup.sources.host_errors import UNTOUCHED
from backup.sources.source import Reader, StreamSource
from provisioning.hosts import Command

MODE = 0o600

_END = re.compile(rb"\n-- Dump completed[^\n]*\n\Z")
_DUMP = (b"--quick", b"--hex-blob", b"--routines", b"--events",
         b"--triggers", b"--no-tablespaces", b"--skip-dump-date", b"--max-allowed-packet=1G",
         b"--default-character-set=utf8mb4")  # fmt: skip
_LOOSE = (b"--loose-set-gtid-purged=OFF", b"--loose-column-statistics=0")  # of MySQL's alone
_BEFORE_TRANSACTION = 1 << 16
"""Far more bytes than a dumper prints before its transaction begins."""

# Of tables that keep their own history that is dumped, too. Programs from before 10.11 cannot, and
# no program can where a table's history is told by transactions, not times: it fails at that table.
_HISTORY = b"--loose-dump-history"
_FIRST_WITH_HISTORY = (10, 11)
_TRANSACTIONAL = frozenset({"INNODB", "ROCKSDB", "TOKUDB"})
_STATELESS = frozenset({"MEMORY", "BLACKHOLE", "SEQUENCE", "PERFORMANCE_SCHEMA"})
_LOOK = """
SELECT 'server', VERSION();
SELECT 'sql_mode', @@GLOBAL.sql_mode;
SELECT 'time_zone', @@GLOBAL.time_zone;
SELECT 'character_set', default_character_set_name FROM information_schema.schemata
 WHERE schema_name = DATABASE();
SELECT 'collation', default_collation_name FROM information_schema.schemata
 WHERE schema_name = DATABASE();
SELECT 'comment', '' FROM DUAL WHERE FALSE /*M!100502 UNION
SELECT 'comment', schema_comment FROM information_schema.schemata
 WHERE schema_name = DATABASE() AND schema_comment <> ''*/;
SELECT 'text', character_set_name FROM information_schema.columns
 WHERE table_schema = DATABASE() AND character_set_name IS NOT NULL
 GROUP BY character_set_name ORDER BY character_set_name;
SELECT 'table', table_name, engine FROM information_schema.tables
 WHERE table_schema = DATABASE() AND table_type IN ('BASE TABLE', 'SYSTEM VERSIONED')
 ORDER BY table_name;
SELECT 'versioned', table_name FROM information_schema.tables
 WHERE table_schema = DATABASE() AND table_type = 'SYSTEM VERSIONED' ORDER BY table_name;
SELECT 'by_transaction', 'none' FROM DUAL WHERE FALSE /*M!100300 UNION
SELECT 'by_transaction', table_name FROM information_schema.columns
 WHERE table_schema = DATABASE() AND generation_expression = 'ROW START' AND data_type = 'bigint'*/;
SELECT 'size', COALESCE(SUM(data_length), 0) FROM information_schema.tables
 WHERE table_schema = DATABASE() AND table_type IN ('BASE TABLE', 'SYSTEM VERSIONED');
SHOW GRANTS;
"""


@dataclass(frozen=True, slots=True)
class MariadbState:
    """What the server says before a dump.

    Attributes:
        server: Its product and version.
        settings: Of server and database, as `DumpFacts`.
        engines: Storage engine by table, names ascending.
        size_bytes: Of the data, as the server reckons.
        grants: What the account may do, as `SHOW GRANTS` prints it.
        versioned: Tables that keep their own history, names ascending.
        is_by_transaction: Whether the history of some is told by transactions, not times.
    """

    server: str
    settings: Mapping[str, str]
    engines: Mapping[str, str]
    size_bytes: int
    grants: tuple[str, ...]
    versioned: tuple[str, ...] = ()
    is_by_transaction: bool = False

    @property
    def unsafe_tables(self) -> tuple[str, ...]:
        """Tables whose engine knows no transactions."""
        safe = _TRANSACTIONAL | _STATELESS
        return tuple(name for name, engine in self.engines.items() if engine.upper() not in safe)

    def tables_without_history(self, program: str) -> tuple[str, ...]:
        """Decide of which tables only the present rows can be dumped, without those of the past.

        Args:
            program: The dumper's version, as `mariadb_dumper_version` gives it.
        """
        found = re.search(r"(\d+)\.(\d+)\.\d+-MariaDB", program)
        is_able = found is not None and (int(found[1]), int(found[2])) >= _FIRST_WITH_HISTORY
        return () if is_able and not self.is_by_transaction else self.versioned


def mariadb_source(
    connection: Connection, *, on_facts: Callable[[DumpFacts], None], lock_tables: bool = False
) -> StreamSource:
    """Make a source of a live database.

    Args:
        connection: The way to it.
        on_facts: Told of the dump when it has been read to its end.
        lock_tables: Keep writers waiting meanwhile, so that every table is consistent.
    """
    opened = partial(open_mariadb, connection, on_facts=on_facts, lock_tables=lock_tables)
    return StreamSource(opened, MODE)


@contextmanager
def open_mariadb(
    connection: Connection, *, on_facts: Callable[[DumpFacts], None], lock_tables: bool = False
) -> Iterator[Reader]:
    """Dump a database and give the dump to be read.

    Raises:
        SourceError: It cannot be dumped as a whole.
    """
    state = look_at_mariadb(connection)
    refuse_missing_rights(connection, state, lock_tables=lock_tables)
    program = mariadb_dumper_version(connection)
    command = dump_command(
        connection, lock_tables=lock_tables, with_history=not state.is_by_transaction
    )
    stdin = secret_line(connection)
    with open_two_counts(connection, tuple(state.engines)) as counts:
        if state.unsafe_tables:
            counts.await_first()
        moment = datetime.now(UTC)
        with open_dump(connection, command, stdin=stdin, end=_END, explain=explain) as reader:
            yield reader if state.unsafe_tables else _Watched(reader, counts)
        copied_at = datetime.now(UTC)
        before, after = counts.finish()
    on_facts(
        DumpFacts(
            consistent_at=moment,
            copied_at=copied_at,
            size_bytes=reader.size_bytes,
            server=state.server,
            program=program,
            settings=state.settings,
            tables=before,
            tables_after=after,
            unsafe_tables=() if lock_tables else state.unsafe_tables,
            without_history=state.tables_without_history(program),
        )
    )


class _Watched:
    """Reads a dump, and has the rows counted again once it surely sees its moment."""

    def __init__(self, reader: DumpReader, counts: TwoCounts) -> None:
        self._reader = reader
        self._counts = counts

    def readinto(self, buffer: memoryview, /) -> int:
        """See `Reader`."""
        size = self._reader.readinto(buffer)
        if self._reader.size_bytes > _BEFORE_TRANSACTION:
            self._counts.count_again()
        return size


def dump_command(
    connection: Connection, *, lock_tables: bool = False, with_history: bool = True
) -> Command:
    """Give the command that dumps; the same every time."""
    how = b"--lock-tables" if lock_tables else b"--single-transaction"
    history = [_HISTORY] if with_history else []
    arguments = [how, *_DUMP, *history, *_LOOSE, b"--", connection.database.encode()]
    return client_command(connection, DUMPERS, arguments)


def version_command(connection: Connection) -> Command:
    """Give the command that prints the dumper's version."""
    return client_command(connection, DUMPERS, [b"--version"])


def look_at_mariadb(connection: Connection) -> MariadbState:
    """Log in and ask the server; nothing is written.

    Raises:
        SourceError: It cannot be reached, or does not let the account in.
    """
    single: dict[str, str] = {}
    engines: dict[str, str] = {}
    texts: list[str] = []
    grants: list[str] = []
    versioned: list[str] = []
    is_by_transaction = False
    for row in ask(connection, _LOOK):
        match row:
            case ["table", name, engine]:
                engines[name] = engine
            case ["versioned", name]:
                versioned.append(name)
            case ["by_transaction", _]:
                is_by_transaction = True
            case ["text", name]:
                texts.append(name)
            case [grant] if grant.startswith("GRANT "):
                grants.append(grant)
            case [key, value]:
                single[key] = value
    server, size = single.pop("server", ""), single.pop("size", "0")
    product = "MariaDB" if "MariaDB" in server else "MySQL"
    settings = {**single, "text_character_sets": ", ".join(texts)}
    return MariadbState(
        f"{product} {server}",
        settings,
        engines,
        int(size),
        tuple(grants),
        tuple(versioned),
        is_by_transaction,
    )


def refuse_missing_rights(
    connection: Connection, state: MariadbState, *, lock_tables: bool = False
) -> None:
    """Refuse an account that would see only a part of the database.

    Raises:
        SourceError: It lacks rights; says which, and how they are granted.
    """
    missing = find_missing_rights(state.grants, connection.database, locks=lock_tables)
    if not missing:
        return
    on_database = ", ".join(right for right in missing if right != ROUTINES)
    grants = [f"GRANT {on_database} ON {quote_name(connection.database)}.*"] if on_database else []
    if ROUTINES in missing:
        grants.append(_grant_routines(connection, state))
    raise SourceError(
        "the account {user} may not read all of the database {database} on {host}",
        why="it lacks {rights}; what it may not see would be missing from the dump without a word",
        data=UNTOUCHED,
        next_step="grant it in the database: `{grants}`",
        user=connection.user or "-",
        database=connection.database,
        host=connection.host.name,
        rights=", ".join(missing),
        grants="; ".join(f"{it} TO …" for it in grants),
    )


def _grant_routines(connection: Connection, state: MariadbState) -> str:
    """Give the narrowest grant that shows routines on such a server."""
    found = re.search(r"(\d+)\.(\d+)", state.server)
    version = (int(found[1]), int(found[2])) if found else (0, 0)
    if state.server.startswith("MySQL"):
        return "GRANT SELECT ON *.*"
    # source: https://mariadb.com/kb/en/grant/, SHOW CREATE ROUTINE since 11.3
    if version >= (11, 3):
        return f"GRANT {ROUTINES} ON {quote_name(connection.database)}.*"
    return "GRANT SELECT ON mysql.proc"


def mariadb_dumper_version(connection: Connection) -> str:
    """Give product and version of the program that dumps.

    Raises:
        SourceError: It is missing, or the host does not answer.
    """
    command, stdin = version_command(connection), secret_line(connection)
    told = run_client(connection, command, stdin=stdin, explain=explain)
    return re.sub(r"^\S*/", "", told.decode("utf-8", "replace").strip())


def count_rows(connection: Connection, state: MariadbState) -> Counts:
    """Count every table in one transaction; a table that was dropped meanwhile is not counted."""
    if not state.engines:
        return {}
    rows = ask(connection, counting_sql(state.engines), goes_on=True)
    found = read_counts(tuple(state.engines), rows)
    if not found:
        raise failed(connection, "the rows could not be counted")
    return found[0]
