"""Record tables: which packs were read back, and which stores refuse to delete."""

from datetime import datetime

from sqlalchemy import Index, Text
from sqlalchemy.orm import Mapped, mapped_column

from ops.catalog.columns import Base, UTCDateTime, table_info


class PackReading(Base):
    """A record: when a pack was last read back from a store and found sound.

    Attributes:
        site, store: Names in the estate.
        pack: Id of the pack, 64 hexadecimal digits.
        read_at: When; the year 1970 for one that was found damaged since
            (`ops.backups.checks.packs_read`).
    """

    __tablename__ = "pack_readings"
    __table_args__ = (Index("pack_readings_age", "site", "store", "read_at"), table_info("record"))

    site: Mapped[str] = mapped_column(Text, primary_key=True)
    store: Mapped[str] = mapped_column(Text, primary_key=True)
    pack: Mapped[str] = mapped_column(Text, primary_key=True)
    read_at: Mapped[datetime] = mapped_column(UTCDateTime)


class StoreTrial(Base):
    """A record: the last trial of a store, whether the service's own credential can delete there.

    Attributes:
        store: Name in the estate.
        is_protected: Whether it refused.
        told: What the store answered; empty where it deleted.
        tried_at: When.
    """

    __tablename__ = "store_trials"
    __table_args__ = (table_info("record"),)

    store: Mapped[str] = mapped_column(Text, primary_key=True)
    is_protected: Mapped[bool]
    told: Mapped[str] = mapped_column(Text)
    tried_at: Mapped[datetime] = mapped_column(UTCDateTime)
