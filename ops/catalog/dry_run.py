"""A catalog for dry runs: what is written in it can be read back, and is gone at the end.

Nothing is begun until something is written, so that a dry run that only reads keeps nobody
waiting. From then on everything happens in one transaction, which is undone.
"""

import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import Connection, Engine, make_url
from sqlalchemy.orm import Session

from ops.catalog.open import Catalog, open_catalog


@dataclass(frozen=True, slots=True)
class RehearsedCatalog(Catalog):
    """An open catalog whose writing is undone.

    Attributes:
        held: What is undone and closed at the end.
        connections: The one that has written; empty before.
    """

    held: ExitStack
    connections: list[Connection] = field(default_factory=list)

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """Give a session that sees what was written so far."""
        bind = self.connections[0] if self.connections else self.readers
        with self._explaining(), _session(bind) as session:
            yield session

    @contextmanager
    def writing(self) -> Iterator[Session]:
        """Give a session that is kept until the end of the rehearsal, and then undone."""
        with self._explaining(), _session(self._connection()) as session, session.begin():
            yield session

    def _connection(self) -> Connection:
        if not self.connections:
            connection = self.held.enter_context(self.writers.connect())
            self.held.callback(connection.begin().rollback)
            self.connections.append(connection)
        return self.connections[0]


@contextmanager
def rehearse(catalog: Catalog) -> Iterator[Catalog]:
    """Give a catalog that undoes at the end of the block whatever was written in it."""
    with ExitStack() as held:
        yield RehearsedCatalog(catalog.readers, catalog.writers, held)


@contextmanager
def open_for_rehearsal(url: str) -> Iterator[Catalog]:
    """Open a catalog for a dry run; one that is still to be made stays unmade.

    Args:
        url: As for `open_catalog`; where its SQLite file is missing, an empty one is used that is
            removed in the end.

    Raises:
        OpsError: It cannot be reached, or a newer version of the software has changed it.
    """
    with ExitStack() as held:
        parsed = make_url(url)
        if parsed.get_backend_name() == "sqlite" and not Path(parsed.database or "").exists():
            folder = held.enter_context(tempfile.TemporaryDirectory(prefix="giucong-rehearsal-"))
            url = f"sqlite:///{folder}/catalog.db"
        catalog = open_catalog(url)
        held.callback(catalog.close)
        yield held.enter_context(rehearse(catalog))


def _session(bind: Connection | Engine) -> Session:
    return Session(bind, expire_on_commit=False, join_transaction_mode="create_savepoint")
