"""Record tables: what is red, how long, who was told and has taken it up, what is silenced."""

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


class ConditionState(Base):
    """A record: one condition that is red, or was within the hour; what is good has no row.

    Attributes:
        subject, state, severity, code, params, parent, site: As in
            `ops.alerts.looks.Condition`, of the newest look.
        holds_seconds: How long it is red before anybody is told.
        since: Since when it is red without a break.
        stage: As in `ops.alerts.looks.Stage`.
        told: Cause that its alert tells of, as `ops.alerts.looks.cause_of` gives it.
        changes: Moments of the last hour's changes between good and red, ISO 8601, oldest first.
        alert_id: The alert that tells of it; NULL while none does.
    """

    __tablename__ = "condition_states"
    __table_args__ = (Index("condition_states_alert", "alert_id"), table_info("record"))

    subject: Mapped[str] = mapped_column(Text, primary_key=True)
    state: Mapped[str] = mapped_column(Text)
    severity: Mapped[str] = mapped_column(Text)
    code: Mapped[str] = mapped_column(Text)
    params: Mapped[dict[str, Any]] = mapped_column(JSON)
    parent: Mapped[str] = mapped_column(Text)
    site: Mapped[str] = mapped_column(Text)
    holds_seconds: Mapped[int]
    since: Mapped[datetime] = mapped_column(UTCDateTime)
    stage: Mapped[str] = mapped_column(Text)
    told: Mapped[str] = mapped_column(Text)
    changes: Mapped[list[str]] = mapped_column(JSON)
    alert_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("alerts.id"))


class Look(Base):
    """A record: when something was looked at last, so that a gap of our own is known as one.

    Attributes:
        root: Subject that was looked at, with all below it; `host:` for all hosts.
        at: When.
    """

    __tablename__ = "looks"
    __table_args__ = (table_info("record"),)

    root: Mapped[str] = mapped_column(Text, primary_key=True)
    at: Mapped[datetime] = mapped_column(UTCDateTime)


class Silence(Base):
    """A record: something about which nobody is told for a while.

    Attributes:
        subject: What; with all below it, and what stands on it.
        is_critical_too: Whether what is critical is not told either.
        owner: Person or login who answers for it.
        reason: Why, in that person's words.
        begins, until: From when to when; the end moves forward when it is ended early.
        ended_by: Who has ended it early; empty where nobody has.
    """

    __tablename__ = "silences"
    __table_args__ = (Index("silences_until", "until"), table_info("record"))

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    subject: Mapped[str] = mapped_column(Text)
    is_critical_too: Mapped[bool]
    owner: Mapped[str] = mapped_column(Text)
    reason: Mapped[str] = mapped_column(Text)
    begins: Mapped[datetime] = mapped_column(UTCDateTime)
    until: Mapped[datetime] = mapped_column(UTCDateTime)
    ended_by: Mapped[str] = mapped_column(Text, default="")
