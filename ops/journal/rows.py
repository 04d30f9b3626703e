"""Read the journal's rows as texts, also where somebody has put something else into them."""

from collections.abc import Generator, Iterator, Sequence

from sqlalchemy import (
    Connection,
    Engine,
    LargeBinary,
    String,
    Text,
    cast,
    func,
    inspect,
    select,
    type_coerce,
)
from sqlalchemy.exc import DBAPIError

from ops.catalog.tables.core import JournalRow

_READ_AT_ONCE = 10_000
_UNDEFINED = {"42P01", "42703"}
"""What PostgreSQL answers where a table or column is missing; source: its manual, appendix A."""

_NEVER_HASHED = "\0"


def is_there(where: Engine | Connection, names: Sequence[str]) -> bool:
    """Tell whether the table is there with these columns."""
    found = inspect(where)
    table = JournalRow.__tablename__
    return found.has_table(table) and {it["name"] for it in found.get_columns(table)} >= set(names)


def means_gone(connection: Connection, error: DBAPIError, names: Sequence[str]) -> bool:
    """Tell whether a statement on the journal failed since the table is not as it was made."""
    if connection.dialect.name == "sqlite":
        return not is_there(connection, names)
    return getattr(error.orig, "sqlstate", "") in _UNDEFINED


def read_rows(connection: Connection, names: Sequence[str]) -> Generator[Sequence[str], None, None]:
    """Read every row as texts, oldest first; the database formats `at`, which is faster.

    Args:
        connection: Any.
        names: The columns to read; `sequence` and `at` lead.
    """
    at = (
        type_coerce(JournalRow.at, String)
        if connection.dialect.name == "sqlite"
        else func.to_char(func.timezone("UTC", JournalRow.at), "YYYY-MM-DD HH24:MI:SS.US")
    )
    columns = [cast(JournalRow.sequence, String), at]
    columns += [getattr(JournalRow, name) for name in names[2:]]
    query = select(*columns).order_by(JournalRow.sequence)
    options = {"yield_per": _READ_AT_ONCE}
    with connection.execute(query, execution_options=options) as result:
        for part in result.partitions():
            yield from part


def read_strange_rows(connection: Connection, names: Sequence[str]) -> Iterator[Sequence[str]]:
    """Read every row of an SQLite catalog, whatever kind of values are in it; slower.

    A value that is no text in UTF-8 becomes one that no row was ever sealed with.
    """
    columns = [getattr(JournalRow, name) for name in names]
    kinds = [func.typeof(column, type_=Text) for column in columns[1:]]
    values = [type_coerce(cast(column, LargeBinary), LargeBinary) for column in columns]
    query = select(*values, *kinds).order_by(JournalRow.sequence)
    for row in connection.execute(query, execution_options={"yield_per": _READ_AT_ONCE}):
        first, *others = row[: len(names)]
        told = zip(others, row[len(names) :], strict=True)
        yield [_as_text(first), *(_as_text(it if kind == "text" else None) for it, kind in told)]


def _as_text(value: bytes | None) -> str:
    try:
        return _NEVER_HASHED if value is None else value.decode()
    except UnicodeDecodeError:
        return _NEVER_HASHED
