"""Record tables: what was read back and looked through of copies, media, backups unlike others."""

import uuid
from datetime import date, datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, CheckConstraint, Date, Index, Text
from sqlalchemy.orm import Mapped, mapped_column

from ops.catalog.columns import Base, UTCDateTime, new_id, one_of, table_info


class PackReading(Base):
    """A record: when a pack was last read back from a store and found sound.

    Attributes:
        site, store: Names in the estate.
        pack: Id of the pack, 64 hexadecimal digits.
        read_at: When; the year 1970 for one that was found damaged since
            (`ops.backups.checks.packs`).
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


class Medium(Base):
    """A record: one removable medium (`ops.backups.media`).

    Attributes:
        code: What the Center calls it, for life.
        kind: disk, tape, …
        started_on: When it was first used.
        renew_on: When it is to be replaced; NULL where no duty asks for it.
        kept_at: Where it is kept.
        holder: Who keeps it.
        written_at: When it was last written.
        verified_at: When it was last read back; NULL where it never was.
        verified: `ok`, `failed`, or empty where it never was.
        contents: A table for each repository, as in `ops.backups.media.label.MediumContent`.
    """

    __tablename__ = "media"
    __table_args__ = (
        CheckConstraint("(verified_at IS NULL) = (verified = '')", name="medium_verified"),
        CheckConstraint("verified IN ('', 'ok', 'failed')", name="medium_verdict"),
        table_info("record"),
    )

    code: Mapped[str] = mapped_column(Text, primary_key=True)
    kind: Mapped[str] = mapped_column(Text)
    started_on: Mapped[date] = mapped_column(Date)
    renew_on: Mapped[date | None] = mapped_column(Date)
    kept_at: Mapped[str] = mapped_column(Text)
    holder: Mapped[str] = mapped_column(Text)
    written_at: Mapped[datetime] = mapped_column(UTCDateTime)
    verified_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    verified: Mapped[str] = mapped_column(Text, default="")
    contents: Mapped[list[dict[str, Any]]] = mapped_column(JSON)


class ArchivePlace(Base):
    """A record: a root of the archive, or a plain copy of one.

    Attributes:
        name: `public`, `private`, or the copy's name in the estate.
        since: When it was seen first; nothing of it was read back before.
        scrub: State of the scrub, as `archive.fixity.scrub.ScrubState`.
        oldest_at: Since when the byte that was not read for the longest time is unverified.
        objects: How many there were at the last run.
        damaged: Paths of objects that are damaged or missing.
        lacks: How many objects a copy does not have yet.
        checked_at: End of the last run that read something; NULL before.
    """

    __tablename__ = "archive_places"
    __table_args__ = (table_info("record"),)

    name: Mapped[str] = mapped_column(Text, primary_key=True)
    since: Mapped[datetime] = mapped_column(UTCDateTime)
    scrub: Mapped[dict[str, Any]] = mapped_column(JSON)
    oldest_at: Mapped[datetime] = mapped_column(UTCDateTime)
    objects: Mapped[int]
    damaged: Mapped[list[str]] = mapped_column(JSON)
    lacks: Mapped[int]
    checked_at: Mapped[datetime | None] = mapped_column(UTCDateTime)


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
