"""What the tables of the catalog share: column types, ids, and how rows are inserted and found."""

import re
import secrets
import time
import uuid
from datetime import UTC, datetime
from typing import Any, Literal, TypeVar, cast
from uuid import UUID

from sqlalchemy import DateTime, Dialect, Insert, Table, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import DeclarativeBase, Session
from sqlalchemy.types import TypeDecorator

from ops.errors import WrongUseError
from ops.language.formats import format_id

Kind = Literal["index", "record"]


class Base(DeclarativeBase):
    """The parent of every table of the catalog."""


def columns_of(row: Base) -> dict[str, Any]:
    """Give a row as a mapping of its columns."""
    return {it.key: getattr(row, it.key) for it in row.__table__.columns}


def table_info(kind: Kind) -> dict[str, dict[str, str]]:
    """Give the `__table_args__` entry that says whether a table is an index or a record."""
    return {"info": {"kind": kind}}


def one_of(column: str, values: tuple[str, ...]) -> str:
    """Give the condition of a check that a column holds one of these values."""
    listed = ", ".join(f"'{value}'" for value in values)
    return f"{column} IN ({listed})"


class UTCDateTime(TypeDecorator[datetime]):
    """An instant: aware in Python, UTC with microseconds in the database.

    SQLite keeps it as text `YYYY-MM-DD HH:MM:SS.ffffff`, which sorts as the instants do;
    PostgreSQL as `timestamptz`.
    """

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Turn an aware instant of any offset into UTC."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"a time without an offset cannot be stored: {value.isoformat()}")
        as_utc = value.astimezone(UTC)
        return as_utc.replace(tzinfo=None) if dialect.name == "sqlite" else as_utc

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Give back an aware instant in UTC."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if dialect.name == "sqlite" else value.astimezone(UTC)


def new_id() -> uuid.UUID:
    """Make a UUID of version 7: 48 bits of milliseconds since 1970, then chance.

    Source: RFC 9562, 5.7. Ids made later sort later, up to the millisecond.
    """
    milliseconds = time.time_ns() // 1_000_000
    value = (milliseconds & (1 << 48) - 1) << 80 | secrets.randbits(80)
    value = value & ~(0xF << 76) | 0x7 << 76
    value = value & ~(0x3 << 62) | 0x2 << 62
    return uuid.UUID(int=value)


def insert_missing(session: Session, table: type[Base]) -> Insert:
    """Begin an INSERT that leaves alone what another process, or an earlier look, has written."""
    if session.get_bind().dialect.name == "sqlite":
        return sqlite.insert(table).on_conflict_do_nothing()
    return postgresql.insert(table).on_conflict_do_nothing()


def insert_or_replace(session: Session, table: type[Base]) -> Insert:
    """Begin an INSERT of whole rows that takes the place of rows with the same primary key."""
    insert = sqlite.insert if session.get_bind().dialect.name == "sqlite" else postgresql.insert
    rows = cast("Table", table.__table__)  # not the mapped class: thousands of rows are no objects
    statement, keys = insert(rows), [it.name for it in rows.primary_key]
    newer = {it.name: it for it in statement.excluded if it.name not in keys}
    return statement.on_conflict_do_update(index_elements=keys, set_=newer)


_FEWEST_DIGITS = 4
_DIGITS = re.compile(r"[0-9a-f]{1,32}")
_MOST_NAMED = 5


Row = TypeVar("Row", bound=Base)


def find_by_id(session: Session, table: type[Row], wanted: str) -> Row | None:
    """Find a row by its id: all of it, or a beginning or end of it that no other has.

    A beginning is that of the whole id, or of the end that people see (`format_id`).

    Args:
        session: Any.
        table: With a column `id` of UUIDs.
        wanted: As typed; at least four digits, hyphens count nothing.

    Raises:
        WrongUseError: Several rows fit.
    """
    digits = wanted.strip().lower().replace("-", "")
    if not _DIGITS.fullmatch(digits) or len(digits) < _FEWEST_DIGITS:
        return None
    ids = session.execute(select(table.__table__.c.id)).scalars()
    found = [it for it in ids if is_called(it, digits)]
    if len(found) > 1:
        raise WrongUseError(
            'several ids begin or end with "{id}": {ids}',
            next_step="type one of them",
            id=wanted,
            ids=", ".join(map(format_id, found[:_MOST_NAMED])),
        )
    return session.get(table, found[0]) if found else None


def is_called(whole: UUID, digits: str) -> bool:
    """Say whether an id is called so: by a beginning, by an end, or as its shown end begins."""
    shown = format_id(whole)
    return whole.hex.startswith(digits) or whole.hex.endswith(digits) or shown.startswith(digits)
