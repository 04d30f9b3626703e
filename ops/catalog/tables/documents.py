"""Record table: documents, of which the catalog knows what they are; their bytes lie in files."""

import uuid
from datetime import date, datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, CheckConstraint, Date, Text
from sqlalchemy.orm import Mapped, mapped_column

from ops.catalog.columns import Base, UTCDateTime, new_id, one_of, table_info

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
