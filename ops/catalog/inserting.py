"""The INSERT that leaves alone what is there already, as each of the two databases says it."""

from sqlalchemy import Insert
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from ops.catalog.columns import Base


def insert_missing(session: Session, table: type[Base]) -> Insert:
    """Begin an INSERT that leaves alone what another process, or an earlier look, has written."""
    if session.get_bind().dialect.name == "sqlite":
        return sqlite.insert(table).on_conflict_do_nothing()
    return postgresql.insert(table).on_conflict_do_nothing()
