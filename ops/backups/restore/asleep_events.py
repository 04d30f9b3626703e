"""Which events of a MariaDB database the service has switched off; they get the live name enabled.

The journal keeps them, before they are switched off for good: `asleep`, names by database.
"""

from collections.abc import Sequence

from backup.sources.databases.connection import Connection
from backup.sources.databases.mariadb_definitions import wake_events
from ops.access.session import Bench
from ops.journal import journal
from ops.language.formats import format_number
from ops.language.text import _
from ops.terminal.output import write_line


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
        write_line(text.format(count=format_number(len(asleep))))
        return {}
    left = wake_events(admin, into, asleep)
    text = _("  events switched on: {count}")
    write_line(text.format(count=format_number(len(asleep) - len(left))))
    if left:
        text = _("  events that stay switched off, as their time has passed: {names}")
        write_line(text.format(names=", ".join(left)))
    return {"asleep": {into: []}}
