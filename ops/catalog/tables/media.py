"""Record table: the removable media that hold backups."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import JSON, CheckConstraint, Date, Text
from sqlalchemy.orm import Mapped, mapped_column

from ops.catalog.columns import Base, UTCDateTime, table_info


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
