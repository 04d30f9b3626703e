"""Rows of every table, counted twice beside a dump: as of moments before and after the dump's own.

One client counts, one thing after the other, so that a server has at most two readers:

1. It opens a transaction that sees one moment, and tells; only then is the dump begun.
2. It counts every table as of that moment while the dump is made, and ends the transaction.
3. Once the dump sees its own moment, it does the same again.

Tables without transactions are seen as they are when they are counted. Where there are some, the
dump waits until the first count is made, and the second until the dump is.
"""

import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress

from backup.sources.databases.client_stream import COUNT_SECONDS, send
from backup.sources.databases.connection import Connection
from backup.sources.databases.mariadb_client import (
    explain,
    question_command,
    quote_name,
    quote_text,
    secret_line,
    split_rows,
)
from backup.sources.host_errors import translated
from provisioning.errors import ProvisioningError
from provisioning.hosts import HostProcess

# Clients keep 4 KiB back before they print, so that a mark of twice that comes through at once.
_BEGUN = "SELECT REPEAT('-', 8192);"
_MADE, _MADE_ROW = "SELECT REPEAT('=', 8192);", "=" * 8192
# The client waits until the dump has seen its moment: a server would hang up after 8 hours.
_STAY = "SET SESSION wait_timeout = 31536000;"
_START = "START TRANSACTION WITH CONSISTENT SNAPSHOT;"

_READ_BYTES = 1 << 16

Counts = dict[str, int | None]
"""Rows by table, names ascending; None where a table was dropped meanwhile."""


def counting_sql(tables: Iterable[str]) -> str:
    """Give the statements that count tables in one transaction, between marks."""
    counting = [
        f"SELECT {quote_text(name)}, COUNT(*) FROM {quote_name(name)};"  # noqa: S608 -- quoted
        for name in tables
    ]
    return "\n".join([_START, _BEGUN, *counting, _MADE, "COMMIT;", ""])


def read_counts(tables: Sequence[str], rows: Iterable[Sequence[str]]) -> list[Counts]:
    """Give the counts between marks.

    Args:
        tables: Which were to be counted.
        rows: What a client printed of the statements of `counting_sql`.
    """
    found: list[Counts] = []
    for row in rows:
        if len(row) > 1:
            found[-1][row[0]] = int(row[1])
        elif row[0] != _MADE_ROW:
            found.append(dict.fromkeys(tables))
    return found


class TwoCounts:
    """A client that counts before and after the moment of a dump."""

    def __init__(self, connection: Connection, tables: Sequence[str], process: HostProcess) -> None:
        """Have it open its first transaction; comes back when that sees its moment."""
        self._connection = connection
        self._tables = tables
        self._process = process
        self._may_go_on = threading.Event()
        self._is_over = False
        self._feeder = threading.Thread(target=self._feed, daemon=True)
        self._feeder.start()
        self._told = process.read(1)

    def await_first(self) -> None:
        """Wait until the first count is made."""
        begin = _MADE_ROW[:1024].encode()  # of the mark's end some stays in the client
        while begin not in self._told and (more := self._process.read(_READ_BYTES)):
            self._told += more

    def count_again(self) -> None:
        """Count as of now, once the first count is made; may be called more than once."""
        self._may_go_on.set()

    def finish(self) -> tuple[Counts, Counts]:
        """Wait for both counts.

        Raises:
            SourceError: The client failed.
        """
        self.count_again()
        self._told += self._process.read()
        ended = self._process.finish()
        found = read_counts(self._tables, split_rows(self._told))
        if ended.status != 0 or len(found) != 2:  # noqa: PLR2004 -- before and after
            raise explain(self._connection, ended)
        return found[0], found[1]

    def give_up(self) -> None:
        """Send it nothing more."""
        self._is_over = True
        self._may_go_on.set()

    def _feed(self) -> None:
        """Write in a thread: a client that counts reads nothing, and a pipe holds little."""
        sql = counting_sql(self._tables).encode()
        with suppress(ProvisioningError):
            send(self._process, secret_line(self._connection) + _STAY.encode() + sql)
            self._may_go_on.wait()
            if not self._is_over:
                send(self._process, sql)
            self._process.close_input()


@contextmanager
def open_two_counts(connection: Connection, tables: Sequence[str]) -> Iterator[TwoCounts]:
    """Start counting; what is still counted when the block ends is given up.

    Raises:
        SourceError: The client cannot be started, or the line was cut.
    """
    command = question_command(connection, goes_on=True)
    with translated(), connection.host.start(command) as process:
        process.bear_silence(COUNT_SECONDS)
        counts = TwoCounts(connection, tables, process)
        try:
            yield counts
        finally:
            counts.give_up()
