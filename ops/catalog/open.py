"""The open catalog: brought up to this version under a lock, or held for a dry run and undone.

Order of a migration (`open_catalog`); a catalog of a newer version is refused:

1. Take the write lock (SQLite: BEGIN IMMEDIATE; PostgreSQL: an advisory lock).
2. Read the schema's revision again, under the lock.
3. Run the missing migrations and note the new revision, all in that transaction.
4. Commit. Whatever interrupts it before leaves the old schema whole.
"""

import tempfile
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from sqlalchemy import Connection, Engine, inspect, make_url, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from ops.catalog.engine import WRITES, create_catalog_engine, explain_failure
from ops.errors import OpsError
from ops.meanwhile import meanwhile
from ops.told_text import strike_passwords

SCHEMA = "0025"
"""Revision this version works with: the newest file in `migrations/versions`."""

_ADVISORY_LOCK = 0x6769_7563_6F6E_67  # "giucong"


@dataclass(frozen=True, slots=True)
class Catalog:
    """An open catalog; left as a context manager, it is closed.

    Attributes:
        readers: Engine for transactions that only read.
        writers: The same connections, for transactions that write.
    """

    readers: Engine
    writers: Engine

    def __enter__(self) -> Self:
        """Give it."""
        return self

    def __exit__(self, *_error: object) -> None:
        """Close it."""
        self.close()

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """Give a session over one consistent view; nothing in it is kept."""
        with self._explaining(), Session(self.readers, expire_on_commit=False) as session:
            yield session

    @contextmanager
    def writing(self) -> Iterator[Session]:
        """Give a session that is committed at the end, or undone when an error leaves it."""
        with (
            self._explaining(),
            Session(self.writers, expire_on_commit=False) as session,
            session.begin(),
        ):
            yield session

    @contextmanager
    def _explaining(self) -> Iterator[None]:
        """Tell what a full disk or damage has caused as what it is."""
        try:
            yield
        except DBAPIError as error:
            if explained := explain_failure(self.readers, error):
                raise explained from error
            raise

    @property
    def is_shared(self) -> bool:
        """Whether other machines may work with it; a file is of one machine, as its locks are."""
        return self.readers.dialect.name != "sqlite"

    def close(self) -> None:
        """Close every pooled connection."""
        self.readers.dispose()


@dataclass(frozen=True, slots=True)
class KeptCatalog(Catalog):
    """An open catalog that outlives who uses it: closing it is its keeper's.

    Attributes:
        url: Where it is.
    """

    url: str

    def close(self) -> None:
        """Leave it open."""


_KEPT: ContextVar[KeptCatalog | None] = ContextVar("kept_catalog", default=None)


def keeping_catalog(catalog: KeptCatalog) -> AbstractContextManager[None]:
    """Have `open_catalog` give this one to this thread, where it is asked for the same."""
    return meanwhile(_KEPT, catalog)


def open_catalog(url: str) -> Catalog:
    """Open the catalog at `url`, create it when there is none, and bring its schema up to date.

    Args:
        url: `sqlite:///FILE` or `postgresql+psycopg://…`, secrets resolved.

    Raises:
        OpsError: It cannot be reached, or a newer version of the software has changed it.
    """
    kept = _KEPT.get()
    if kept is not None and kept.url == url:
        return kept
    readers = create_catalog_engine(url)
    catalog = Catalog(readers=readers, writers=readers.execution_options(**{WRITES: True}))
    try:
        with readers.connect() as connection:
            is_current = _revision(connection) == SCHEMA
        if not is_current:
            _migrate(catalog.writers)
    except DBAPIError as error:
        catalog.close()
        raise explain_failure(readers, error) or _unreachable(readers, error) from error
    except OpsError:
        catalog.close()
        raise
    return catalog


def _revision(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()


def _migrate(writers: Engine) -> None:
    # Alembic takes a tenth of a second to import, and most starts find nothing to do.
    from alembic import command  # kept beside its reason
    from alembic.config import Config

    with writers.begin() as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _ADVISORY_LOCK})
        revision = _revision(connection)
        if revision is not None and revision > SCHEMA:
            raise OpsError(
                "the catalog has schema {found}, and this version knows up to {known}",
                why="a newer version of the software has used it",
                data="nothing was changed",
                next_step="install the newer version again, or restore the catalog from before",
                found=revision,
                known=SCHEMA,
            )
        config = Config()
        config.set_main_option("script_location", "ops.catalog:migrations")
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def _unreachable(engine: Engine, error: DBAPIError) -> OpsError:
    # The driver's text may repeat the connection string, so only its first line's kind is told.
    return OpsError(
        "the catalog at {place} cannot be opened",
        why="the database answered: {answer}",
        data="backups in the stores are untouched",
        next_step="check that the database runs and its folder is yours, then try again",
        place=strike_passwords(engine.url.render_as_string(hide_password=True)),
        answer=type(error.orig).__name__,
    )


@dataclass(frozen=True, slots=True)
class RehearsedCatalog(Catalog):
    """An open catalog whose writing is undone.

    What is written can be read back, and is gone at the end. Nothing is begun until something is
    written, so that a dry run that only reads keeps nobody waiting. From then on everything happens
    in one transaction, which is undone.

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
