"""Record tables: packs and places read back, stores that refuse to delete, media people carry."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import JSON, CheckConstraint, Date, Index, Text
from sqlalchemy.orm import Mapped, mapped_column

from ops.catalog.columns import Base, UTCDateTime, table_info


class PackReading(Base):
    """A record: when a pack was last read back from a store and found sound.

    Attributes:
        site, store: Names in the estate.
        pack: Id of the pack, 64 hexadecimal digits.
        read_at: When; the year 1970 for one that was found damaged since
            (`ops.backups.checks.packs_read`).
    """

    __tablename__ = "pack_readings"
    __table_args__ = (Index("pack_readings_age", "site", "store", "read_at"), table_info("record"))

    site: Mapped[str] = mapped_column(Text, primary_key=True)
    store: Mapped[str] = mapped_column(Text, primary_key=True)
    pack: Mapped[str] = mapped_column(Text, primary_key=True)
    read_at: Mapped[datetime] = mapped_column(UTCDateTime)


class StoreTrial(Base):
    """A record: the last trial of a store, whether the service's own credential can delete there.

    Attributes:
        store: Name in the estate.
        is_protected: Whether it refused.
        told: What the store answered; empty where it deleted.
        tried_at: When.
    """

    __tablename__ = "store_trials"
    __table_args__ = (table_info("record"),)

    store: Mapped[str] = mapped_column(Text, primary_key=True)
    is_protected: Mapped[bool]
    told: Mapped[str] = mapped_column(Text)
    tried_at: Mapped[datetime] = mapped_column(UTCDateTime)


class Medium(Base):
    """A record: one removable medium (`ops.backups.media`).

    Attributes:
        code: What the Center calls it, for life.
        kind: disk, tape, …
        started_on: When it was first used.
        renew_on: When it is to be replaced; NULL where no duty asks for it.
        kept_at: Where it is kept.
        holder: Who keeps it.
        written_at: When it was last written.
        verified_at: When it was last read back; NULL where it never was.
        verified: `ok`, `failed`, or empty where it never was.
        contents: A table for each repository, as in `ops.backups.media.label.Content`.
    """

    __tablename__ = "media"
    __table_args__ = (
        CheckConstraint("(verified_at IS NULL) = (verified = '')", name="medium_verified"),
        CheckConstraint("verified IN ('', 'ok', 'failed')", name="medium_verdict"),
        table_info("record"),
    )

    code: Mapped[str] = mapped_column(Text, primary_key=True)
    kind: Mapped[str] = mapped_column(Text)
    started_on: Mapped[date] = mapped_column(Date)
    renew_on: Mapped[date | None] = mapped_column(Date)
    kept_at: Mapped[str] = mapped_column(Text)
    holder: Mapped[str] = mapped_column(Text)
    written_at: Mapped[datetime] = mapped_column(UTCDateTime)
    verified_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    verified: Mapped[str] = mapped_column(Text, default="")
    contents: Mapped[list[dict[str, Any]]] = mapped_column(JSON)


class ArchivePlace(Base):
    """A record: a root of the archive, or a plain copy of one.

    Attributes:
        name: `public`, `private`, or the copy's name in the estate.
        since: When it was seen first; nothing of it was read back before.
        scrub: State of the scrub, as `archive.fixity.scrub.ScrubState`.
        oldest_at: Since when the byte that was not read for the longest time is unverified.
        objects: How many there were at the last run.
        damaged: Paths of objects that are damaged or missing.
        lacks: How many objects a copy does not have yet.
        checked_at: End of the last run that read something; NULL before.
    """

    __tablename__ = "archive_places"
    __table_args__ = (table_info("record"),)

    name: Mapped[str] = mapped_column(Text, primary_key=True)
    since: Mapped[datetime] = mapped_column(UTCDateTime)
    scrub: Mapped[dict[str, Any]] = mapped_column(JSON)
    oldest_at: Mapped[datetime] = mapped_column(UTCDateTime)
    objects: Mapped[int]
    damaged: Mapped[list[str]] = mapped_column(JSON)
    lacks: Mapped[int]
    checked_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
