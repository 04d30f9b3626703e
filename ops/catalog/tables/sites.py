"""Record tables: sites that were retired, estates as they were, what units say of sites."""

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import JSON, CheckConstraint, Index, Text
from sqlalchemy.orm import Mapped, mapped_column

from ops.catalog.columns import Base, UTCDateTime, new_id, table_info


class KnownSite(Base):
    """A record: a site that some estate has named, so that none goes missing unnoticed.

    Attributes:
        name: The site's name.
        since: When the estate began to name it; anew after it had been away.
        estate: Hash of the newest estate version that names it.
    """

    __tablename__ = "known_sites"
    __table_args__ = (table_info("record"),)

    name: Mapped[str] = mapped_column(Text, primary_key=True)
    since: Mapped[datetime] = mapped_column(UTCDateTime)
    estate: Mapped[str] = mapped_column(Text)


class RetiredSite(Base):
    """A record: a site that was taken out of service, and where its backups stay.

    Attributes:
        name, title, unit: As in the estate when it was retired.
        owner: Who answered for it; empty where nobody did.
        retired_at: When.
        retired_by: Person or login.
        reason: Why, in the person's words.
        document: Reference of the decision behind it.
        estate: Hash of the newest estate version that names it.
        retention: How long its backups were to be kept, as in the estate.
        stores: A table for each store: `store`, `address` (a reference stays one), `outcome`
            (`ok` or `not_checked`), `snapshots` (how many), `last` (id) and `last_at`.
        minutes: The minutes as they were printed.
    """

    __tablename__ = "retired_sites"
    __table_args__ = (Index("retired_sites_name", "name", "retired_at"), table_info("record"))

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    name: Mapped[str] = mapped_column(Text)
    title: Mapped[str] = mapped_column(Text)
    unit: Mapped[str] = mapped_column(Text)
    owner: Mapped[str] = mapped_column(Text)
    retired_at: Mapped[datetime] = mapped_column(UTCDateTime)
    retired_by: Mapped[str] = mapped_column(Text)
    reason: Mapped[str] = mapped_column(Text)
    document: Mapped[str] = mapped_column(Text)
    estate: Mapped[str] = mapped_column(Text)
    retention: Mapped[dict[str, Any]] = mapped_column(JSON)
    stores: Mapped[list[dict[str, Any]]] = mapped_column(JSON)
    minutes: Mapped[str] = mapped_column(Text)


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
