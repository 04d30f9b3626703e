"""The tables of the series; they are no part of the catalog.

Moments are whole seconds since 1970 in UTC. Of a bucket the mean is kept, and how far the smallest
lies below and the largest above it, in thousandths: SQLite writes a zero in no byte at all, and
most numbers of a quiet machine do not move.
"""

from sqlalchemy import (
    BigInteger,
    Column,
    Date,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    UniqueConstraint,
)

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
