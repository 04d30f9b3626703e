"""Open the catalog: migrate it up under a lock, refuse one from a newer version.

Order of a migration:
1. Take the write lock (SQLite: BEGIN IMMEDIATE; PostgreSQL: an advisory lock).
2. Read the schema's revision again, under the lock.
3. Run the missing migrations and note the new revision, all in that transaction.
4. Commit. Whatever interrupts it before leaves the old schema whole.
"""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Self

from sqlalchemy import Connection, Engine, inspect, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from ops.canonical import strike_passwords
from ops.catalog.engine import WRITES, create_catalog_engine, explain_failure
from ops.errors import OpsError
from ops.meanwhile import meanwhile

SCHEMA = "0023"
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
