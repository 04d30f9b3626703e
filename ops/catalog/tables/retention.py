"""Record tables: holds, approved deletions and what was deleted."""

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import JSON, CheckConstraint, Index, Text
from sqlalchemy.orm import Mapped, mapped_column

from ops.catalog.columns import Base, UTCDateTime, new_id, table_info


class ExpectedSnapshot(Base):
    """A record: a snapshot that was seen in a store and that nobody here has deleted.

    The index tables follow the store, also when it shrinks; this table does not.

    Attributes:
        site, store: Names in the estate.
        id: Snapshot id, 64 hexadecimal digits.
        taken_at: The snapshot's own time.
        accepted: Whether it was there when forgetting last found everything as expected.
    """

    __tablename__ = "expected_snapshots"
    __table_args__ = (table_info("record"),)

    site: Mapped[str] = mapped_column(Text, primary_key=True)
    store: Mapped[str] = mapped_column(Text, primary_key=True)
    id: Mapped[str] = mapped_column(Text, primary_key=True)
    taken_at: Mapped[datetime] = mapped_column(UTCDateTime)
    accepted: Mapped[bool] = mapped_column(default=False)


class RetentionLook(Base):
    """A record: when forgetting last found everything as expected, by the machine's clock.

    Attributes:
        site, store: Names in the estate.
        looked_at: When.
    """

    __tablename__ = "retention_looks"
    __table_args__ = (table_info("record"),)

    site: Mapped[str] = mapped_column(Text, primary_key=True)
    store: Mapped[str] = mapped_column(Text, primary_key=True)
    looked_at: Mapped[datetime] = mapped_column(UTCDateTime)


class Hold(Base):
    """A record: snapshots that must stay, whatever retention says (`ops.backups.retention.holds`).

    Attributes:
        site: The site that is held.
        snapshot: Id of the one snapshot that is held; empty: all of the site, later ones too.
        reason, reference: Why, and the document that asks for it.
        placed_at, placed_by: When, and by whom (person, else login).
        released_at, released_by: When it was released, and by whom; NULL and empty while it holds.
        release_reason: Why it was released.
        release_request: The approved request it was released under; NULL while it holds.
    """

    __tablename__ = "holds"
    __table_args__ = (
        CheckConstraint("reason <> '' AND reference <> ''", name="hold_explained"),
        CheckConstraint(
            "(released_at IS NULL) = (release_request IS NULL)", name="hold_release_approved"
        ),
        Index("holds_site", "site", "released_at"),
        table_info("record"),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    site: Mapped[str] = mapped_column(Text)
    snapshot: Mapped[str] = mapped_column(Text, default="")
    reason: Mapped[str] = mapped_column(Text)
    reference: Mapped[str] = mapped_column(Text)
    placed_at: Mapped[datetime] = mapped_column(UTCDateTime)
    placed_by: Mapped[str] = mapped_column(Text)
    released_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    released_by: Mapped[str] = mapped_column(Text, default="")
    release_reason: Mapped[str] = mapped_column(Text, default="")
    release_request: Mapped[uuid.UUID | None]


class Deletion(Base):
    """A record: one run that deleted snapshots (`ops.backups.retention.deletion_records`).

    Attributes:
        site, store: Names in the estate.
        run: Id of the run.
        rule: The retention it was decided by; `{"named": true}` where snapshots were named.
        basis: Who set the minimum, or the document behind a deletion by name.
        planned: A table for each snapshot that was to go: `id` and `taken_at`.
        removed: Ids of those that are gone.
        plan_digest: SHA-256 of what was planned, in hexadecimal.
        requested_by: Person or login; empty for the clock.
        approved_by: The second person; empty where the rule decided.
        request: The approved request; NULL where the rule decided.
        reason: Why, where a person wanted it.
        planned_at: When it was written, before the first snapshot was deleted.
        ended_at: When `removed` was written; NULL while it runs, or was cut off.
    """

    __tablename__ = "deletions"
    __table_args__ = (Index("deletions_site", "site", "store", "ended_at"), table_info("record"))

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    site: Mapped[str] = mapped_column(Text)
    store: Mapped[str] = mapped_column(Text)
    run: Mapped[str] = mapped_column(Text)
    rule: Mapped[dict[str, Any]] = mapped_column(JSON)
    basis: Mapped[str] = mapped_column(Text)
    planned: Mapped[list[dict[str, str]]] = mapped_column(JSON)
    removed: Mapped[list[str]] = mapped_column(JSON, default=list)
    plan_digest: Mapped[str] = mapped_column(Text)
    requested_by: Mapped[str] = mapped_column(Text, default="")
    approved_by: Mapped[str] = mapped_column(Text, default="")
    request: Mapped[uuid.UUID | None]
    reason: Mapped[str] = mapped_column(Text, default="")
    planned_at: Mapped[datetime] = mapped_column(UTCDateTime)
    ended_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
