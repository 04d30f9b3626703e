"""Record tables: what is red, who was told, and who has taken it up."""

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from ops.catalog.columns import Base, UTCDateTime, new_id, table_info


class Alert(Base):
    """A record: one thing that is red, from the moment it was noticed until it is green again.

    Attributes:
        subject: What it is about, as `ops.alerts.decisions` names it; open at most once.
        severity: `info`, `warning` or `critical`; the gravest so far.
        code, params: The newest sentence about it, as in `Notice`.
        job, site: What it is about; empty where that is not one job or one site.
        opened_at: When it was first noticed.
        seen_at: When it was last noticed.
        times: How often it was noticed.
        step: How many times more people were told because nobody answered.
        told_at: When the last step was told.
        acked_at, acked_by, ack_note: Who has taken it up, and what they say; empty until then.
        closed_at: When it was green again; NULL while it is red.
    """

    __tablename__ = "alerts"
    __table_args__ = (
        Index(
            "alerts_open",
            "subject",
            unique=True,
            sqlite_where=text("closed_at IS NULL"),
            postgresql_where=text("closed_at IS NULL"),
        ),
        Index("alerts_opened", "opened_at"),
        table_info("record"),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    subject: Mapped[str] = mapped_column(Text)
    severity: Mapped[str] = mapped_column(Text)
    code: Mapped[str] = mapped_column(Text)
    params: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    job: Mapped[str] = mapped_column(Text, default="")
    site: Mapped[str] = mapped_column(Text, default="")
    opened_at: Mapped[datetime] = mapped_column(UTCDateTime)
    seen_at: Mapped[datetime] = mapped_column(UTCDateTime)
    times: Mapped[int] = mapped_column(default=1)
    step: Mapped[int] = mapped_column(default=0)
    told_at: Mapped[datetime] = mapped_column(UTCDateTime)
    acked_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    acked_by: Mapped[str] = mapped_column(Text, default="")
    ack_note: Mapped[str] = mapped_column(Text, default="")
    closed_at: Mapped[datetime | None] = mapped_column(UTCDateTime)


class AlertTelling(Base):
    """A record: that one target was told of an alert, through one notice in the outbox.

    Attributes:
        alert_id: The alert.
        subject_key, target: The notice's, where it stands whether it arrived.
        step: 0 for those told first, then as in `Alert`.
        told_at: When the notice was written.
    """

    __tablename__ = "alert_tellings"
    __table_args__ = (table_info("record"),)

    alert_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("alerts.id"), primary_key=True)
    subject_key: Mapped[str] = mapped_column(Text, primary_key=True)
    target: Mapped[str] = mapped_column(Text, primary_key=True)
    step: Mapped[int]
    told_at: Mapped[datetime] = mapped_column(UTCDateTime)
