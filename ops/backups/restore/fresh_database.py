"""What a load and a switch share: names that are taken or too long, keys from outside, events.

Events of a MariaDB database that a load has switched off are enabled once it has the live name. The
journal keeps them, before they are switched off for good: `asleep`, names by database.
"""

from collections.abc import Sequence
from dataclasses import replace

from backup.sources.databases import load
from backup.sources.databases.administrator import LONGEST_NAMES
from backup.sources.databases.connection import Connection
from backup.sources.databases.load import Engine
from backup.sources.databases.mariadb_client import ask, quote_text
from backup.sources.databases.mariadb_definitions import wake_events
from ops.access.session import Bench
from ops.errors import OpsError
from ops.journal import journal
from ops.language.text import _
from ops.terminal.output import write_line


class LoadRefusedError(OpsError):
    """Something is in the way of a load or of a switch."""


def name_aside(fresh: str) -> str:
    """Give the name under which the live database is kept when a fresh one takes its own."""
    return f"{fresh}_truoc"


def refuse_names(engine: Engine, admin: Connection, longest: str, aside: str) -> None:
    """Refuse names that the server would cut off, and one for the old database that is taken.

    Args:
        engine: The server's.
        admin: The way to it.
        longest: Of the names.
        aside: Name that the live database is to be kept under; empty for none.

    Raises:
        LoadRefusedError: One cannot be had.
    """
    most = LONGEST_NAMES[engine]
    if len(longest.encode() if engine == "postgresql" else longest) > most:
        raise LoadRefusedError(
            "the name {name} would be too long",
            why="this database server takes {most} characters",
            data="nothing was changed",
            next_step="name a shorter one with `--into NAME`",
            name=longest,
            most=most,
        )
    if aside and load.is_there(engine, admin, aside):
        raise LoadRefusedError(
            "there is a database {name} on the server already",
            why="the live one would be kept under that name",
            data="nothing was changed",
            next_step="drop it if nobody needs it any more, or load into another name",
            name=aside,
        )


def refuse_keys_from_outside(admin: Connection, live: str) -> None:
    """Refuse a switch after which tables of other MariaDB databases would name the old one's.

    Their foreign keys follow the tables that are renamed, not the name.

    Raises:
        LoadRefusedError: There are such tables; names some.
    """
    name = quote_text(live)
    rows = ask(
        replace(admin, database="information_schema"),
        "SELECT DISTINCT constraint_schema, table_name FROM referential_constraints"  # noqa: S608 -- quoted
        f" WHERE unique_constraint_schema = {name} AND constraint_schema <> {name} LIMIT 5;",
    )
    if rows:
        raise LoadRefusedError(
            "foreign keys of other databases lead into {name}: {tables}",
            why="they would follow the old tables, which are kept under another name",
            data="nothing was changed",
            next_step="drop these keys, switch, then add them again",
            name=live,
            tables=", ".join(".".join(it) for it in rows),
        )


def find_asleep(bench: Bench, site: str, host: str, database: str) -> Sequence[str]:
    """Give the names of the events that the last load or switch has switched off in a database.

    Args:
        bench: With the catalog.
        site: Whose it is.
        host: Where it is; empty for this machine.
        database: Its name on the server.
    """
    with bench.catalog.reading() as session:
        for told in journal.read_details(session, site, "backup.load", "backup.switch"):
            if told.get("host", "") == host and database in told.get("asleep", {}):
                names: list[str] = told["asleep"][database]
                return names
    return ()


def wake(admin: Connection, into: str, asleep: Sequence[str], *, live: str) -> dict[str, object]:
    """Enable events that a load has switched off, if the database has the live name; or tell.

    Args:
        admin: The way to the server.
        into: Name of the database.
        asleep: Names of its events.
        live: The name that the site uses.

    Returns:
        What the journal keeps of it.

    Raises:
        SourceError: The server cannot be asked.
    """
    if not asleep:
        return {}
    if into != live:
        text = _("  events switched off until a switch gives it the live name: {count}")
        write_line(text, count=len(asleep))
        return {}
    left = wake_events(admin, into, asleep)
    write_line(_("  events switched on: {count}"), count=len(asleep) - len(left))
    if left:
        text = _("  events that stay switched off, as their time has passed: {names}")
        write_line(text, names=", ".join(left))
    return {"asleep": {into: []}}
