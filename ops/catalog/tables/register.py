"""Record tables: what the office writes down: its register, its assets, what its documents are."""

import uuid
from datetime import date, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    CheckConstraint,
    Date,
    ForeignKey,
    Index,
    Text,
    UniqueConstraint,
)
from sqlalchemy.orm import Mapped, mapped_column

from ops.catalog.columns import Base, UTCDateTime, new_id, one_of, table_info

ENTRY_KINDS = ("remark", "support", "restore", "incident", "difficulty")
LINKS = ("run", "alert", "finding", "drill")


class RegisterEntry(Base):
    """A record: one thing that somebody brought to the Center, or that befell it.

    Attributes:
        year, number: What people call it, `2026-017`; counted anew each year of the organisation's
            calendar.
        kind: One of `ENTRY_KINDS`.
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
        CheckConstraint(one_of("kind", ENTRY_KINDS), name="register_kind"),
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


ASSET_KINDS = (
    "server", "storage", "network", "ups", "line", "software", "licence", "domain", "certificate",
    "contract", "medium",
)  # fmt: skip


class Asset(Base):
    """A record: one asset; the fields of the lists of hardware and software of TCVN 14423.

    Attributes:
        name: For life, lower case, as in the estate.
        kind: One of `ASSET_KINDS`.
        title: What it is called: make and model, or name of the software.
        host: Name of the host in the estate that it is or runs on; empty for none.
        address: Static IP address.
        serial: Serial or MAC number.
        place: Where it stands.
        purpose: What it is for.
        state: `in-use`, `spare`, `broken` or `retired`.
        owner: Who answers for it: name of a person in the estate, or a title.
        unit: Owning unit's name in the estate; empty for the Center.
        system: Information system it belongs to, by its name in the estate.
        version: Of software: its version.
        licence: Of software: kind of licence, and its reference.
        scope: Of software: who may use it.
        supplier: Who sold it or supports it.
        price: What it cost, in đồng, with tax; NULL where nobody knows.
        bought_on, warranty_until, supported_until: Dates; NULL where nobody knows.
        maintained_until: Until when its upkeep is paid for; NULL where it is not.
        contract: Number of the contract.
        documents: Ids of documents about it, with blanks between.
        note: Anything else.
        changed_at: When the row was last changed.
    """

    __tablename__ = "assets"
    __table_args__ = (
        CheckConstraint(one_of("kind", ASSET_KINDS), name="asset_kind"),
        CheckConstraint("price IS NULL OR price >= 0", name="asset_price"),
        table_info("record"),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    name: Mapped[str] = mapped_column(Text, unique=True)
    kind: Mapped[str] = mapped_column(Text)
    title: Mapped[str] = mapped_column(Text)
    host: Mapped[str] = mapped_column(Text, default="")
    address: Mapped[str] = mapped_column(Text, default="")
    serial: Mapped[str] = mapped_column(Text, default="")
    place: Mapped[str] = mapped_column(Text, default="")
    purpose: Mapped[str] = mapped_column(Text, default="")
    state: Mapped[str] = mapped_column(Text, default="in-use")
    owner: Mapped[str] = mapped_column(Text, default="")
    unit: Mapped[str] = mapped_column(Text, default="")
    system: Mapped[str] = mapped_column(Text, default="")
    version: Mapped[str] = mapped_column(Text, default="")
    licence: Mapped[str] = mapped_column(Text, default="")
    scope: Mapped[str] = mapped_column(Text, default="")
    supplier: Mapped[str] = mapped_column(Text, default="")
    price: Mapped[int | None] = mapped_column(BigInteger)
    bought_on: Mapped[date | None] = mapped_column(Date)
    warranty_until: Mapped[date | None] = mapped_column(Date)
    supported_until: Mapped[date | None] = mapped_column(Date)
    maintained_until: Mapped[date | None] = mapped_column(Date)
    contract: Mapped[str] = mapped_column(Text, default="")
    documents: Mapped[str] = mapped_column(Text, default="")
    note: Mapped[str] = mapped_column(Text, default="")
    changed_at: Mapped[datetime] = mapped_column(UTCDateTime)


TYPES = ("pdf", "png", "jpeg", "xlsx", "docx")


class Document(Base):
    """A record: one document that is kept (`ops.documents`).

    Attributes:
        sha256: Of its bytes, 64 hexadecimal digits; names its file.
        type: One of `TYPES`, as its bytes say.
        size_bytes: How large it is.
        name: Name of the file it was given as; never a path.
        title: What it is.
        number: Its own number, such as `12/QĐ-UBND`; empty for none.
        dated: Its own day; NULL where nobody knows.
        about: What it belongs to, such as `report:annual:2026`; empty for nothing.
        signatures: Who has signed it, as was verified; empty for a scan. One without `root` leads
            to no root that was trusted: who signed was not checked.
        added_at: When it was kept.
        added_by: Person, else login.
    """

    __tablename__ = "documents"
    __table_args__ = (
        CheckConstraint(one_of("type", TYPES), name="document_type"),
        CheckConstraint("size_bytes > 0", name="document_size"),
        table_info("record"),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    sha256: Mapped[str] = mapped_column(Text, unique=True)
    type: Mapped[str] = mapped_column(Text)
    size_bytes: Mapped[int] = mapped_column(BigInteger)
    name: Mapped[str] = mapped_column(Text)
    title: Mapped[str] = mapped_column(Text)
    number: Mapped[str] = mapped_column(Text, default="")
    dated: Mapped[date | None] = mapped_column(Date)
    about: Mapped[str] = mapped_column(Text, default="", index=True)
    signatures: Mapped[list[dict[str, Any]]] = mapped_column(JSON, default=list)
    added_at: Mapped[datetime] = mapped_column(UTCDateTime)
    added_by: Mapped[str] = mapped_column(Text)
