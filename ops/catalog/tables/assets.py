"""Record table: the assets of the Center and of the units it hosts."""

import uuid
from datetime import date, datetime

from sqlalchemy import BigInteger, CheckConstraint, Date, Text
from sqlalchemy.orm import Mapped, mapped_column

from ops.catalog.columns import Base, UTCDateTime, new_id, one_of, table_info

KINDS = (
    "server", "storage", "network", "ups", "line", "software", "licence", "domain", "certificate",
    "contract", "medium",
)  # fmt: skip


class Asset(Base):
    """A record: one asset; the fields of the lists of hardware and software of TCVN 14423.

    Attributes:
        name: For life, lower case, as in the estate.
        kind: One of `KINDS`.
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
        contract: Number of the contract.
        documents: Ids of documents about it, with blanks between.
        note: Anything else.
        changed_at: When the row was last changed.
    """

    __tablename__ = "assets"
    __table_args__ = (
        CheckConstraint(one_of("kind", KINDS), name="asset_kind"),
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
    contract: Mapped[str] = mapped_column(Text, default="")
    documents: Mapped[str] = mapped_column(Text, default="")
    note: Mapped[str] = mapped_column(Text, default="")
    changed_at: Mapped[datetime] = mapped_column(UTCDateTime)
