"""Record tables: backups unlike their site's past, and copies that were looked through."""

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, CheckConstraint, Index, Text
from sqlalchemy.orm import Mapped, mapped_column

from ops.catalog.columns import Base, UTCDateTime, new_id, one_of, table_info

VERDICTS = ("clean", "infected", "incomplete", "not_checked")


class WatchFinding(Base):
    """A record: a backup that changed as ransomware changes a site (`ops.backups.ransomware`).

    As long as one of a site's findings is not accepted, nothing of that site is deleted anywhere.

    Attributes:
        site: Name in the estate.
        run: Id of the run that made the backup.
        snapshot: Its id, 64 hexadecimal digits.
        before: Id of the snapshot it was compared with.
        figures: As in `ops.backups.ransomware.verdict.ChangeFigures`.
        signals: A table for each measure beyond its bound, as in
            `ops.backups.ransomware.verdict.Signal`.
        found_at: When.
        accepted_at, accepted_by: When somebody had looked, and who (person, else login); NULL and
            empty until then.
        accept_reason: What was found out.
    """

    __tablename__ = "watch_findings"
    __table_args__ = (
        CheckConstraint(
            "(accepted_at IS NULL) = (accept_reason = '')", name="watch_acceptance_explained"
        ),
        Index("watch_findings_site", "site", "accepted_at"),
        table_info("record"),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    site: Mapped[str] = mapped_column(Text)
    run: Mapped[str] = mapped_column(Text)
    snapshot: Mapped[str] = mapped_column(Text)
    before: Mapped[str] = mapped_column(Text)
    figures: Mapped[dict[str, Any]] = mapped_column(JSON)
    signals: Mapped[list[dict[str, Any]]] = mapped_column(JSON)
    found_at: Mapped[datetime] = mapped_column(UTCDateTime)
    accepted_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    accepted_by: Mapped[str] = mapped_column(Text, default="")
    accept_reason: Mapped[str] = mapped_column(Text, default="")


class MalwareScan(Base):
    """A record: one copy that was looked through for malware (`ops.backups.malware`).

    Attributes:
        site, store: Names in the estate.
        snapshot: Id, 64 hexadecimal digits.
        tree: Id of its tree: copies of one snapshot in other stores hold the same.
        run: Id of the run.
        tool: Which program and version.
        database: Which signatures: name, version, digest.
        database_at: How new the signatures are.
        verdict: One of `VERDICTS`: `incomplete` where something was not checked.
        files, scanned_bytes: What was looked through.
        infected: A table for each infected file: `path` and `signature`.
        not_checked: A table for each of the first files that were not: `path` and `reason`.
        not_checked_count: How many there are.
        by: Person or login who asked for it; empty for the clock.
        ended_at: When.
    """

    __tablename__ = "malware_scans"
    __table_args__ = (
        CheckConstraint(one_of("verdict", VERDICTS), name="malware_scan_verdict"),
        Index("malware_scans_site", "site", "ended_at"),
        table_info("record"),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    site: Mapped[str] = mapped_column(Text)
    store: Mapped[str] = mapped_column(Text)
    snapshot: Mapped[str] = mapped_column(Text)
    tree: Mapped[str] = mapped_column(Text)
    run: Mapped[str] = mapped_column(Text)
    tool: Mapped[str] = mapped_column(Text)
    database: Mapped[str] = mapped_column(Text)
    database_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    verdict: Mapped[str] = mapped_column(Text)
    files: Mapped[int]
    scanned_bytes: Mapped[int] = mapped_column(BigInteger)
    infected: Mapped[list[dict[str, str]]] = mapped_column(JSON)
    not_checked: Mapped[list[dict[str, str]]] = mapped_column(JSON)
    not_checked_count: Mapped[int]
    by: Mapped[str] = mapped_column(Text, default="")
    ended_at: Mapped[datetime] = mapped_column(UTCDateTime)
