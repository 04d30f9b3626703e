"""A catalog for dry runs: what is written in it can be read back, and is gone at the end.

Nothing is begun until something is written, so that a dry run that only reads keeps nobody
waiting. From then on everything happens in one transaction, which is undone.
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field

from sqlalchemy import Connection, Engine
from sqlalchemy.orm import Session

from ops.catalog.opening import Catalog


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
        with self._telling_full(), _session(bind) as session:
            yield session

    @contextmanager
    def writing(self) -> Iterator[Session]:
        """Give a session that is kept until the end of the rehearsal, and then undone."""
        with self._telling_full(), _session(self._connection()) as session, session.begin():
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


def _session(bind: Connection | Engine) -> Session:
    return Session(bind, expire_on_commit=False, join_transaction_mode="create_savepoint")
