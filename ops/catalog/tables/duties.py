"""Record tables: what was approved of the backup policy, and which duties were in force."""

from datetime import date, datetime

from sqlalchemy import Date, Text
from sqlalchemy.orm import Mapped, mapped_column

from ops.catalog.columns import Base, UTCDateTime, table_info


class DutyVersion(Base):
    """A record: one set of duties that was in force, as `ops.duties` read it.

    Attributes:
        digest: SHA-256 of `document`, in hexadecimal.
        first_seen_at: When this set was first in force.
        document: Every row and note as canonical JSON.
    """

    __tablename__ = "duty_versions"
    __table_args__ = (table_info("record"),)

    digest: Mapped[str] = mapped_column(Text, primary_key=True)
    first_seen_at: Mapped[datetime] = mapped_column(UTCDateTime)
    document: Mapped[str] = mapped_column(Text)


class PolicyVersion(Base):
    """A record: one version of the backup policy, as it was approved.

    Attributes:
        number: Number of the decision.
        decided_on: Its date.
        review_on: By when it must be looked at again.
        digest: SHA-256 of `document`, in hexadecimal.
        document: The table as canonical JSON.
        approved_at: When it was recorded.
        recorded_by: Person or login that recorded it.
    """

    __tablename__ = "policy_versions"
    __table_args__ = (table_info("record"),)

    number: Mapped[str] = mapped_column(Text, primary_key=True)
    decided_on: Mapped[date] = mapped_column(Date, primary_key=True)
    review_on: Mapped[date] = mapped_column(Date)
    digest: Mapped[str] = mapped_column(Text)
    document: Mapped[str] = mapped_column(Text)
    approved_at: Mapped[datetime] = mapped_column(UTCDateTime)
    recorded_by: Mapped[str] = mapped_column(Text)
