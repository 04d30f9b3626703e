"""What is in the way of a load or of a switch: names that are taken, or too long."""

from backup.sources.databases import load
from backup.sources.databases.administrator import LONGEST_NAMES
from backup.sources.databases.connection import Connection
from backup.sources.databases.load import Engine
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
