"""Index tables: what stands in the stores; rebuilt from them at any time."""

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import JSON, BigInteger, ColumnElement, Index, Text, and_, func, literal
from sqlalchemy.orm import InstrumentedAttribute, Mapped, mapped_column

from ops.catalog.columns import Base, UTCDateTime, table_info

ALLOWED_AHEAD = timedelta(minutes=10)
"""How far clocks may differ; a snapshot dated later than that was made by a clock that was ahead,
and is never the newest of anything."""


class StoreSeen(Base):
    """An index: one site's repository on one store, as it was last seen.

    Attributes:
        site, store: Names in the estate.
        repository_id: Id from the repository's config, in hexadecimal.
        seen_at: When it was last listed.
        snapshot_count: Snapshots at that time.
        size_bytes: Bytes of its objects at that time; NULL when not counted.
        key_ids: Ids of the key files that opened it at that time, ascending; never a key.
    """

    __tablename__ = "stores_seen"
    __table_args__ = (table_info("index"),)

    site: Mapped[str] = mapped_column(Text, primary_key=True)
    store: Mapped[str] = mapped_column(Text, primary_key=True)
    repository_id: Mapped[str] = mapped_column(Text)
    seen_at: Mapped[datetime] = mapped_column(UTCDateTime)
    snapshot_count: Mapped[int]
    size_bytes: Mapped[int | None] = mapped_column(BigInteger)
    key_ids: Mapped[list[str]] = mapped_column(JSON, default=list)


class Snapshot(Base):
    """An index: one snapshot of one site on one store.

    Attributes:
        site, store: Names in the estate.
        id: Snapshot id, 64 hexadecimal digits.
        taken_at: The snapshot's own time.
        hostname: Host in the snapshot: the site's name.
        paths, tags: As in the snapshot; paths as text, undecodable bytes escaped.
        parent, original: Ids in the snapshot; empty when it has none.
        outcome: `ok` or `incomplete`; empty when the snapshot does not say.
        file_count: Files processed; NULL when the snapshot does not say, as below.
        processed_bytes: Bytes of source read or taken over.
        added_bytes: Bytes added before packing.
        added_packed_bytes: Bytes added to the store.
        seconds: How long it took.
        summary: Every other number of the snapshot's summary.
    """

    __tablename__ = "snapshots"
    __table_args__ = (Index("snapshots_site", "site", "taken_at"), table_info("index"))

    site: Mapped[str] = mapped_column(Text, primary_key=True)
    store: Mapped[str] = mapped_column(Text, primary_key=True)
    id: Mapped[str] = mapped_column(Text, primary_key=True)
    taken_at: Mapped[datetime] = mapped_column(UTCDateTime)
    hostname: Mapped[str] = mapped_column(Text)
    paths: Mapped[list[str]] = mapped_column(JSON)
    tags: Mapped[list[str]] = mapped_column(JSON)
    parent: Mapped[str] = mapped_column(Text, default="")
    original: Mapped[str] = mapped_column(Text, default="")
    outcome: Mapped[str] = mapped_column(Text, default="")
    file_count: Mapped[int | None] = mapped_column(BigInteger)
    processed_bytes: Mapped[int | None] = mapped_column(BigInteger)
    added_bytes: Mapped[int | None] = mapped_column(BigInteger)
    added_packed_bytes: Mapped[int | None] = mapped_column(BigInteger)
    seconds: Mapped[float | None]
    summary: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)


def is_of_whole_site() -> ColumnElement[bool]:
    """Select the snapshots of whole sites: the only path of each is its site's folder."""
    folder = literal("/") + Snapshot.site
    return and_(
        func.json_array_length(Snapshot.paths) == 1, Snapshot.paths[0].as_string() == folder
    )


def is_ahead(moment: datetime, now: datetime) -> bool:
    """Say whether a snapshot's own time is one that nobody believes yet; pure."""
    return moment > now + ALLOWED_AHEAD


def is_believed(
    now: datetime | None = None, dated: InstrumentedAttribute[datetime] = Snapshot.taken_at
) -> ColumnElement[bool]:
    """Select the snapshots that are not dated ahead of a moment; the present one unless given.

    Runs are dated by `Run.started_at`.
    """
    return dated <= (now or datetime.now(UTC)) + ALLOWED_AHEAD
