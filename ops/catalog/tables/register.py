"""Record tables: the register of remarks, requests, incidents and difficulties."""

import uuid
from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from ops.catalog.columns import Base, UTCDateTime, new_id, one_of, table_info

KINDS = ("remark", "support", "restore", "incident", "difficulty")
LINKS = ("run", "alert", "finding", "drill")


class RegisterEntry(Base):
    """A record: one thing that somebody brought to the Center, or that befell it.

    Attributes:
        year, number: What people call it, `2026-017`; counted anew each year of the organisation's
            calendar.
        kind: One of `KINDS`.
        title: What it is about, in one line.
        unit, site: Names in the estate; empty where it concerns none.
        reporter: Who brought it, in the words of who wrote it down.
        document: Number of the document it came with; empty for none.
        is_serious: Of an incident: whether the law's clocks run.
        has_personal_data: Of an incident: whether somebody's data may have come into wrong hands.
        occurred_at: When it happened, or was noticed; the clocks run from then.
        received_at: When the Center learnt of it.
        acknowledged_at: When somebody answered for it; NULL until then.
        restored_at: When what it is about worked again; NULL until then, or where nothing had
            stopped.
        closed_at: When it was concluded; NULL until then.
        cause, result: What was found, and what came of it; empty until it is known.
        opened_by, closed_by: Who wrote it down, and who concluded it: person, else login.
    """

    __tablename__ = "register_entries"
    __table_args__ = (
        CheckConstraint(one_of("kind", KINDS), name="register_kind"),
        UniqueConstraint("year", "number", name="register_number"),
        Index("register_received", "received_at"),
        Index("register_site", "site", "occurred_at"),
        table_info("record"),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    year: Mapped[int]
    number: Mapped[int]
    kind: Mapped[str] = mapped_column(Text)
    title: Mapped[str] = mapped_column(Text)
    unit: Mapped[str] = mapped_column(Text, default="")
    site: Mapped[str] = mapped_column(Text, default="")
    reporter: Mapped[str] = mapped_column(Text, default="")
    document: Mapped[str] = mapped_column(Text, default="")
    is_serious: Mapped[bool] = mapped_column(default=False)
    has_personal_data: Mapped[bool] = mapped_column(default=False)
    occurred_at: Mapped[datetime] = mapped_column(UTCDateTime)
    received_at: Mapped[datetime] = mapped_column(UTCDateTime)
    acknowledged_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    restored_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    closed_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    cause: Mapped[str] = mapped_column(Text, default="")
    result: Mapped[str] = mapped_column(Text, default="")
    opened_by: Mapped[str] = mapped_column(Text, default="")
    closed_by: Mapped[str] = mapped_column(Text, default="")


class RegisterNote(Base):
    """A record: what somebody did or found, at a moment.

    Attributes:
        entry_id: Of which entry.
        at: When it was written.
        person: Who: person, else login.
        text: In that person's words.
    """

    __tablename__ = "register_notes"
    __table_args__ = (Index("register_notes_entry", "entry_id", "at"), table_info("record"))

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    entry_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("register_entries.id"))
    at: Mapped[datetime] = mapped_column(UTCDateTime)
    person: Mapped[str] = mapped_column(Text)
    text: Mapped[str] = mapped_column(Text)


class RegisterLink(Base):
    """A record: that an entry belongs to a run, an alert, a finding or a drill.

    Attributes:
        entry_id: Of which entry.
        kind: One of `LINKS`.
        ref: Id of the other row, 32 hexadecimal digits.
        linked_at: When.
    """

    __tablename__ = "register_links"
    __table_args__ = (
        CheckConstraint(one_of("kind", LINKS), name="register_link_kind"),
        Index("register_links_ref", "kind", "ref"),
        table_info("record"),
    )

    entry_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("register_entries.id"), primary_key=True)
    kind: Mapped[str] = mapped_column(Text, primary_key=True)
    ref: Mapped[str] = mapped_column(Text, primary_key=True)
    linked_at: Mapped[datetime] = mapped_column(UTCDateTime)
