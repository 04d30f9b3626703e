"""Record tables: what is red now and how long, when it was looked at, and what is silenced."""

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, Text
from sqlalchemy.orm import Mapped, mapped_column

from ops.catalog.columns import Base, UTCDateTime, new_id, table_info


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
