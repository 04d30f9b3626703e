"""The database of the series and its tables: SQLite beside the catalog, or PostgreSQL.

It is apart from the catalog: losing it loses history, never a record, so that it is no part of the
service's own backup. Whatever is wrong with it is a `SeriesError`, which whoever watches tells as
"not checked"; nothing else waits for it.

Moments are whole seconds since 1970 in UTC. Of a bucket the mean is kept, and how far the smallest
lies below and the largest above it, in thousandths: SQLite writes a zero in no byte at all, and
most numbers of a quiet machine do not move.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from sqlite3 import Connection as SQLiteConnection
from types import MappingProxyType

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Date,
    Engine,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    UniqueConstraint,
    event,
    insert,
    make_url,
    select,
)
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import ConnectionPoolEntry

from ops.catalog.engine import WRITES, create_catalog_engine
from ops.errors import OpsError
from ops.estate.model.estate import Estate
from ops.estate.model.references import reveal
from ops.told_text import strike_passwords

SCHEMA = 1
"""Raised when a table changes."""

METADATA = MetaData()

_ID = BigInteger().with_variant(Integer, "sqlite")

versions = Table("series_version", METADATA, Column("schema", Integer, primary_key=True))

series = Table(
    "series",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("subject", String(210), nullable=False),
    Column("metric", String(270), nullable=False),
    # Up to where raw numbers are rolled up; always the end of five minutes.
    Column("rolled_until", _ID, nullable=False, default=0),
    UniqueConstraint("subject", "metric"),
)

raw = Table(
    "series_raw",
    METADATA,
    Column("series", Integer, primary_key=True, autoincrement=False),
    Column("at", _ID, primary_key=True, autoincrement=False),
    Column("value", _ID, nullable=False),
    sqlite_with_rowid=False,
)


def _bucket_table(name: str) -> Table:
    return Table(
        name,
        METADATA,
        Column("series", Integer, primary_key=True, autoincrement=False),
        # In steps of the table since 1970: a byte less than in seconds.
        Column("at", Integer, primary_key=True, autoincrement=False),
        Column("mean", _ID, nullable=False),
        Column("below", _ID, nullable=False),
        Column("above", _ID, nullable=False),
        Column("count", Integer, nullable=False),
        sqlite_with_rowid=False,
    )


five_minutes = _bucket_table("series_five_minutes")
hours = _bucket_table("series_hours")

changes = Table(
    "series_changes",
    METADATA,
    Column("subject", String(210), primary_key=True),
    Column("what", String(100), primary_key=True),
    Column("at", _ID, primary_key=True),
    Column("state", String(40), nullable=False),
    Column("detail", String(1000), nullable=False),
    Index("series_changes_at", "at"),
    sqlite_with_rowid=False,
)

gaps = Table(
    "series_gaps",
    METADATA,
    Column("subject", String(210), primary_key=True),
    Column("since", _ID, primary_key=True),
    Column("until", _ID, nullable=False),
    Column("reason", String(200), nullable=False),
    sqlite_with_rowid=False,
)

days = Table(
    "series_days",
    METADATA,
    Column("site", String(100), primary_key=True),
    Column("day", Date, primary_key=True),
    # A bit a minute since the organisation's midnight, little-endian, trailing zeros cut off.
    Column("up", LargeBinary, nullable=False),
    Column("down", LargeBinary, nullable=False),
    Column("unknown", LargeBinary, nullable=False),
    sqlite_with_rowid=False,
)

visits = Table(
    "series_visits",
    METADATA,
    Column("site", String(100), primary_key=True),
    Column("day", Date, primary_key=True),
    Column("people", Integer, nullable=False),
    Column("robots", Integer, nullable=False),
    sqlite_with_rowid=False,
)

log_places = Table(
    "series_log_places",
    METADATA,
    # Digest of site, device, inode and first line: no path and no address.
    Column("place", String(64), primary_key=True),
    Column("offset", _ID, nullable=False),
    Column("seen_at", _ID, nullable=False),
    sqlite_with_rowid=False,
)


BUSY_MILLISECONDS = 5_000
FILE = "series.db"
_PACE = ("synchronous=NORMAL", "wal_autocheckpoint=8192", "cache_size=-16384")
"""Each minute touches the last page of every series. They stay in memory (16 MiB), and go to their
places once in several minutes (32 MiB of log), not each minute. A killed process loses nothing; a
power cut may take the last minutes, which are a gap then."""


class SeriesError(OpsError):
    """The database of the series cannot be used now; nothing but the charts depends on it."""


@dataclass(slots=True)
class SeriesStore:
    """An open database of series.

    Attributes:
        readers: Engine for transactions that only read.
        writers: The same connections, for transactions that write.
        ids: What is known of series: (subject, metric) → id; never holds what was not committed.
    """

    readers: Engine
    writers: Engine
    ids: Mapping[tuple[str, str], int] = field(default_factory=lambda: MappingProxyType({}))

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Give a connection over one consistent view.

        Raises:
            SeriesError: The database does not answer, is locked, full or damaged.
        """
        with _explaining(self.readers), self.readers.connect() as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """Give a connection that is committed at the end, or undone when an error leaves it.

        Raises:
            SeriesError: As `reading`.
        """
        with _explaining(self.readers), self.writers.begin() as connection:
            yield connection

    def close(self) -> None:
        """Close every pooled connection."""
        self.readers.dispose()


def default_url(catalog_url: str, state: Path) -> str:
    """Give where the series are by default: `series.db` beside an SQLite catalog, else in `state`.

    Args:
        catalog_url: Secrets resolved.
        state: The service's folder.
    """
    parsed = make_url(catalog_url)
    is_file = parsed.get_backend_name() == "sqlite" and parsed.database
    folder = Path(parsed.database or "").parent if is_file else state
    return f"sqlite:///{folder / FILE}"


def open_series(url: str) -> SeriesStore:
    """Open the series at `url`, and make the tables where there are none.

    Args:
        url: `sqlite:///FILE` or `postgresql+psycopg://…`, secrets resolved.

    Raises:
        SeriesError: It cannot be reached, or a newer version of the software has changed it.
    """
    try:
        readers = create_catalog_engine(url)
    except (OpsError, OSError) as error:
        raise _unusable(strike_passwords(url), type(error).__name__) from error
    if readers.dialect.name == "sqlite":
        # First of all: a file whose first page is written keeps how it is vacuumed.
        event.listen(readers, "connect", _prepare_first, insert=True)
        event.listen(readers, "connect", _prepare_last)
    store = SeriesStore(readers, readers.execution_options(**{WRITES: True}))
    number = _file_number(url)
    is_prepared = bool(number) and _PREPARED.get(url) == number
    try:
        with store.reading() if is_prepared else store.writing() as connection:
            if is_prepared:
                _check_schema(connection)
            else:
                _prepare_tables(connection)
    except SeriesError:
        store.close()
        raise
    _PREPARED[url] = _file_number(url)
    return store


_PREPARED: dict[str, int] = {}
"""What this process has prepared: address → number of the file. Pages open the series again and
again, and neither look for each table nor wait for whoever writes."""


def _file_number(url: str) -> int:
    """Give the number of the file that an address of SQLite means; 0 where there is none."""
    place = make_url(url)
    if place.get_backend_name() != "sqlite":
        return 0
    try:
        return Path(place.database or "").stat().st_ino
    except OSError:
        return 0


def open_existing(url: str) -> SeriesStore | None:
    """Open the series where there are any: a question makes none."""
    place = make_url(url)
    if place.get_backend_name() == "sqlite" and not Path(place.database or "").is_file():
        return None
    return open_series(url)


def _prepare_first(connection: SQLiteConnection, _entry: ConnectionPoolEntry) -> None:
    connection.execute("PRAGMA auto_vacuum=INCREMENTAL").close()


def _prepare_last(connection: SQLiteConnection, _entry: ConnectionPoolEntry) -> None:
    for pragma in (f"busy_timeout={BUSY_MILLISECONDS}", *_PACE):
        connection.execute(f"PRAGMA {pragma}").close()


def _prepare_tables(connection: Connection) -> None:
    METADATA.create_all(connection)
    if _check_schema(connection) is None:
        connection.execute(insert(versions).values(schema=SCHEMA))


def _check_schema(connection: Connection) -> int | None:
    """Give the schema of the series, None where none is noted; a newer one is refused."""
    found = connection.execute(select(versions.c.schema)).scalar()
    if found is not None and found > SCHEMA:
        raise SeriesError(
            "the series have schema {found}, and this version knows up to {known}",
            why="a newer version of the software has used them",
            data="nothing was changed; backups and alerts go on without them",
            next_step="install the newer version again, or set another `[monitor] series`",
            found=found,
            known=SCHEMA,
        )
    return found


@contextmanager
def _explaining(engine: Engine) -> Iterator[None]:
    """Tell whatever the database refuses as what it is for us: the series cannot be used now."""
    try:
        yield
    except (DBAPIError, OSError) as error:
        place = strike_passwords(engine.url.render_as_string(hide_password=True))
        raise _unusable(place, _name(error)) from error


def _name(error: DBAPIError | OSError) -> str:
    # The driver's text may repeat the connection string, so only its kind is told.
    cause = getattr(error, "orig", error)
    return str(getattr(cause, "sqlite_errorname", type(cause).__name__))


def _unusable(place: str, answer: str) -> SeriesError:
    return SeriesError(
        "the series at {place} cannot be used",
        why="the database answered: {answer}",
        data="backups and alerts go on; what is measured meanwhile is not kept",
        next_step="see that its disk has room and the file is yours; a damaged file is moved aside,"
        " and the service begins a new one",
        place=place,
        answer=answer,
    )


def series_url(estate: Estate) -> str:
    """Give where figures are kept, secrets resolved."""
    if estate.monitor.series is not None:
        return reveal(estate.monitor.series)
    return default_url(reveal(estate.catalog.url), estate.service.state)
