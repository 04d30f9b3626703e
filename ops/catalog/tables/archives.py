"""Record tables: how far the archive's places were read back."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Text
from sqlalchemy.orm import Mapped, mapped_column

from ops.catalog.columns import Base, UTCDateTime, table_info


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
