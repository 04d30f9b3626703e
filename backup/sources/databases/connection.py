"""The way to a database: which host runs the client, where the server listens, who logs in.

The password goes through the client's stdin and is never on a command line: others on that host
could read it there.

What is known of a dump of a database.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from backup.errors import BackupError, SourceError
from backup.sources.host_errors import UNTOUCHED, refused_by_gate
from provisioning.hosts import Completed, Host

_NOT_FOUND = 127  # exit status of a shell that cannot find a program


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """The way to one database.

    Attributes:
        host: Runs the client.
        database: Its name.
        address: Of the server as seen from that host; empty for its socket there.
        port: TCP port; None for the usual one.
        socket: Path of the socket (PostgreSQL: or its folder); empty for the usual one.
        user: Account in the database; empty for that of the same name as the login there.
        password: None where that host needs or knows none.
        given: Whether a person gave the account for this run: errors speak of that, not of a dump.
    """

    host: Host
    database: str
    address: str = ""
    port: int | None = None
    socket: str = ""
    user: str = ""
    password: str | None = field(default=None, repr=False)
    given: bool = False

    def scrub(self, text: str) -> str:
        """Give a text without the password."""
        return text.replace(self.password, "***") if self.password else text

    def last_words(self, ended: Completed) -> str:
        """Give what a client said last, fit for people."""
        lines = [line for line in ended.stderr.decode("utf-8", "replace").splitlines() if line]
        if lines:
            return self.scrub(lines[-1].strip())
        return f"exit status {ended.status}"


def not_started(
    connection: Connection, ended: Completed, *, program: bytes, package: str
) -> SourceError | None:
    """Say that the host's gate or a missing program kept a client from running; None if neither."""
    if ended.is_refused_by_gate:
        return refused_by_gate(connection.host.name, connection.last_words(ended), is_dump=True)
    if ended.status != _NOT_FOUND:
        return None
    return SourceError(
        "the program {program} is missing on {host}",
        why="it reads the database {database}",
        data=UNTOUCHED,
        next_step="install it there: `apt-get install {package}`",
        program=program.decode(),
        package=package,
        host=connection.host.name,
        database=connection.database,
    )


def login_refused(connection: Connection, reason: str) -> SourceError:
    """Say that the server does not know the account or its password."""
    return SourceError(
        "the database server does not let the account {user} in on {host}",
        why="{reason}",
        data=UNTOUCHED,
        next_step="check `--user`, and the password in `--password-file`"
        if connection.given
        else "check `user` and `password` of the database {database} in the estate file",
        user=connection.user or "-",
        host=connection.host.name,
        database=connection.database,
        reason=reason,
    )


def not_reached(connection: Connection, reason: str) -> SourceError:
    """Say that no server answers, or has ended while it was asked."""
    return SourceError(
        "the server of the database {database} does not answer on {host}",
        why="{reason}",
        data=UNTOUCHED,
        next_step="does it run? Else check `host`, `address`, `port` and `socket` of the database",
        database=connection.database,
        host=connection.host.name,
        reason=reason,
    )


def not_there(connection: Connection, reason: str) -> SourceError:
    """Say that the server has no such database, or hides it."""
    return SourceError(
        "there is no database {database} on {host}, or the account may not see it",
        why="{reason}",
        data=UNTOUCHED,
        next_step="correct `database` in the estate file, or grant the account {user} access",
        database=connection.database,
        host=connection.host.name,
        user=connection.user or "-",
        reason=reason,
    )


def failed(connection: Connection, reason: str) -> SourceError:
    """Say that a dump could not be made, in the client's own words; or a statement be run."""
    if connection.given:
        return SourceError(
            "the database server on {host} refuses a statement of this command",
            why="{reason}",
            data="no database but the one that this command makes was touched",
            next_step="put right what the server complains about, then type the same command again",
            host=connection.host.name,
            reason=reason,
        )
    return SourceError(
        "the database {database} on {host} could not be dumped",
        why="{reason}",
        data=UNTOUCHED,
        next_step="put right what the server complains about, then run the backup again",
        database=connection.database,
        host=connection.host.name,
        reason=reason,
    )


class LoadError(BackupError):
    """A dump could not be loaded."""


def not_loaded(connection: Connection, error: SourceError) -> LoadError:
    """Say that a server refused a statement of a dump, or one that its load needs."""
    return LoadError(
        "the dump could not be loaded into {database} on {host}",
        why="{reason}",
        data="no other database was touched; this one is half loaded and is made anew next time",
        next_step="put right what the server complains about, then type the same command again",
        database=connection.database,
        host=connection.host.name,
        reason=str(error.params.get("reason") or error),
    )


def cut_off(connection: Connection, size: int) -> SourceError:
    """Say that a dump ended too soon."""
    return SourceError(
        "the dump of the database {database} on {host} is not whole",
        why="it ended after {size} bytes without the line that ends a dump",
        data=UNTOUCHED,
        next_step="run the backup again; if it happens again, look at the server's own log",
        database=connection.database,
        host=connection.host.name,
        size=size,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class DumpFacts:
    """What is known of a dump that was read to its end.

    Attributes:
        consistent_at: The moment whose state the dump holds, at the earliest; aware UTC.
        copied_at: When its last byte was read; aware UTC.
        size_bytes: Of the dump.
        server: Product and version of the server.
        program: Product and version of the program that wrote the dump.
        settings: What of the database a restore needs to know: character set, collation, mode.
        tables: Rows by table, names ascending; None where they could not be counted.
        tables_after: The same counted again after the dump, where the dump's own snapshot cannot
            be counted; the dump's rows lie between the two. None where `tables` is exact.
        unsafe_tables: Tables whose engine knows no transactions and that were not locked: what
            was written to them during the dump may be half in it.
        without_history: Tables that keep their own history, of which only the present rows are in
            the dump.
        problems: What a check of the dump found; dumps are either whole or refused.
    """

    consistent_at: datetime
    copied_at: datetime
    size_bytes: int
    server: str
    program: str
    settings: Mapping[str, str]
    tables: Mapping[str, int | None]
    tables_after: Mapping[str, int | None] | None = None
    unsafe_tables: tuple[str, ...] = ()
    without_history: tuple[str, ...] = ()
    problems: tuple[str, ...] = field(default=())

    @property
    def is_consistent(self) -> bool:
        """Whether all of it is of one moment."""
        return not self.unsafe_tables
