"""What is in the way of a load or of a switch: names taken or too long, keys from outside."""

from dataclasses import replace

from backup.sources.databases import load
from backup.sources.databases.administrator import LONGEST_NAMES
from backup.sources.databases.connection import Connection
from backup.sources.databases.load import Engine
from backup.sources.databases.mariadb_client import ask, quote_text
from ops.errors import OpsError


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
