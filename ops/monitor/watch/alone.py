"""One watch at a time: of a state folder by a lock file, of a PostgreSQL catalog by its lock.

Two services may share a catalog, each on a machine of its own. What both would say of "this
machine" is of two machines, and what one sees and the other does not would change all the time: so
one watches and the other waits for its end.
"""

import fcntl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import Connection, text

from ops.catalog.open import Catalog
from ops.monitor.watch.beat import WAITS, Beat, write_beat

_EVERY_SECONDS = 5.0
_ADVISORY_LOCK = 0x6769_7563_7761_74  # "giucwat"
_KEEPALIVES = {"idle": 60, "interval": 10, "count": 3}
"""So that the server notices within two minutes that the other machine has lost its power."""


@dataclass(frozen=True, slots=True)
class Turn:
    """Our turn to watch; lost with its connection."""

    connection: Connection | None = None

    def hold(self) -> None:
        """Ask whether it is ours still.

        Raises:
            DBAPIError: The connection is gone, and the turn with it.
        """
        if self.connection is not None:
            self.connection.execute(text("SELECT 1"))


@contextmanager
def take_turn(catalog: Catalog, state: Path, stop: threading.Event) -> Iterator[Turn | None]:
    """Wait until no other watch of this folder or catalog runs; None where `stop` came before.

    Raises:
        DBAPIError, OSError: The catalog does not answer, or the folder cannot be written.
    """
    with _hold_folder(state / "locks", stop), _connect(catalog) as connection:
        while not stop.is_set() and not _take(connection):
            write_beat(state, Beat({WAITS: datetime.now(UTC)}))
            stop.wait(_EVERY_SECONDS)
        yield None if stop.is_set() else Turn(connection)


@contextmanager
def _hold_folder(folder: Path, stop: threading.Event) -> Iterator[None]:
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "watch.lock").open("a") as file:
        while not stop.is_set():
            with suppress(BlockingIOError):
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            stop.wait(_EVERY_SECONDS)
        yield


@contextmanager
def _connect(catalog: Catalog) -> Iterator[Connection | None]:
    """Give a connection of its own, in no transaction; None for SQLite, which has one machine."""
    if catalog.readers.dialect.name != "postgresql":
        yield None
        return
    engine = catalog.readers.execution_options(isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        try:
            for name, value in _KEEPALIVES.items():
                connection.execute(text(f"SET tcp_keepalives_{name} = {value}"))
            yield connection
        finally:
            connection.invalidate()  # closed, not given back: the lock is the session's


def _take(connection: Connection | None) -> bool:
    if connection is None:
        return True
    query = text("SELECT pg_try_advisory_lock(:key)")
    return bool(connection.execute(query, {"key": _ADVISORY_LOCK}).scalar())
