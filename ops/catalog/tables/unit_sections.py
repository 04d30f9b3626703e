"""Record table: what units say in the reports on their sites (`ops.reports.sections`)."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, CheckConstraint, Text
from sqlalchemy.orm import Mapped, mapped_column

from ops.catalog.columns import Base, UTCDateTime, table_info


class UnitSection(Base):
    """A record: the unit's part of the report on a site's year.

    Attributes:
        site: Name of the site.
        year: Of the report.
        texts: Name of a part → what the unit says; parts that nobody has written are left out.
        changed_at: When it was written last.
        changed_by: Person, else login.
        confirmed_at: When the unit's contact confirmed these texts; NULL for a draft.
        confirmed_by: Person, else login; empty for a draft.
    """

    __tablename__ = "unit_sections"
    __table_args__ = (
        CheckConstraint("(confirmed_at IS NULL) = (confirmed_by = '')", name="section_confirmed"),
        table_info("record"),
    )

    site: Mapped[str] = mapped_column(Text, primary_key=True)
    year: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    texts: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    changed_at: Mapped[datetime] = mapped_column(UTCDateTime)
    changed_by: Mapped[str] = mapped_column(Text)
    confirmed_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    confirmed_by: Mapped[str] = mapped_column(Text, default="")
