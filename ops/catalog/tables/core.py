"""Record tables: what happened here and nowhere else; backed up, never rebuilt."""

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Index,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from ops.catalog.columns import Base, UTCDateTime, new_id, one_of, table_info

STATES = ("due", "claimed", "running", "ended")
OUTCOMES = ("ok", "incomplete", "failed", "not_checked", "missed", "skipped")
NOTICE_STATES = ("waiting", "sending", "sent", "failed", "dropped")


class JournalRow(Base):
    """A record: one act, in the append-only, hash-chained journal (`ops.journal.journal`).

    Triggers refuse UPDATE and DELETE, and any sequence number but the next.
    Texts are empty rather than NULL, so that the hashed form has one way to be written.

    Attributes:
        sequence: 1 for the first row, without gaps.
        at: When it was written, to the microsecond.
        person: Name of the person in the estate; empty for the clock.
        login: Operating-system or console login that acted.
        via: `cli`, `console` or `clock`.
        address: Network address the act came from; empty for this machine.
        requested_by: Who asked, where that is another person.
        reason: Why, in the person's words.
        document: Reference of the document behind the act.
        run: Id of the run, where a job acted.
        software: Version of the software.
        estate: Hash of the estate version in force.
        action: What was done, as `area.verb`.
        subject: What it was done to.
        details: JSON text in canonical form.
        hash: SHA-256 over the row before and this row, in hexadecimal.
    """

    __tablename__ = "journal"
    __table_args__ = (table_info("record"),)

    sequence: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    at: Mapped[datetime] = mapped_column(UTCDateTime)
    person: Mapped[str] = mapped_column(Text)
    login: Mapped[str] = mapped_column(Text)
    via: Mapped[str] = mapped_column(Text)
    address: Mapped[str] = mapped_column(Text)
    requested_by: Mapped[str] = mapped_column(Text)
    reason: Mapped[str] = mapped_column(Text)
    document: Mapped[str] = mapped_column(Text)
    run: Mapped[str] = mapped_column(Text)
    software: Mapped[str] = mapped_column(Text)
    estate: Mapped[str] = mapped_column(Text)
    action: Mapped[str] = mapped_column(Text, index=True)
    subject: Mapped[str] = mapped_column(Text, index=True)
    details: Mapped[str] = mapped_column(Text)
    hash: Mapped[str] = mapped_column(Text)


class EstateVersion(Base):
    """A record: one version of the estate, so that a verdict about March uses March's.

    Attributes:
        hash: SHA-256 of `document`, in hexadecimal.
        first_seen_at: When this version was first in force.
        document: The whole estate as canonical JSON; secrets are references.
    """

    __tablename__ = "estate_versions"
    __table_args__ = (table_info("record"),)

    hash: Mapped[str] = mapped_column(Text, primary_key=True)
    first_seen_at: Mapped[datetime] = mapped_column(UTCDateTime)
    document: Mapped[str] = mapped_column(Text)


class Job(Base):
    """A record: a job the ledger knows, and how far its due times have been listed.

    Attributes:
        name: Unique name of the job, `KIND/SITE` as a rule.
        kind: What the job does; a name of the registry of job kinds.
        site: Site it is for; empty for the whole estate.
        schedule: Schedule text in force when it was last listed.
        timezone: Time zone of that text.
        spread_key: What the place inside a window is derived from.
        listed_until: Every due time up to here stands in the ledger.
        retired_at: When the estate stopped naming it; NULL while it does.
    """

    __tablename__ = "jobs"
    __table_args__ = (table_info("record"),)

    name: Mapped[str] = mapped_column(Text, primary_key=True)
    kind: Mapped[str] = mapped_column(Text)
    site: Mapped[str] = mapped_column(Text)
    schedule: Mapped[str] = mapped_column(Text)
    timezone: Mapped[str] = mapped_column(Text)
    spread_key: Mapped[str] = mapped_column(Text)
    listed_until: Mapped[datetime] = mapped_column(UTCDateTime)
    retired_at: Mapped[datetime | None] = mapped_column(UTCDateTime)


class Occurrence(Base):
    """A record: one due time of one job, and what became of it (`ops.schedule.ledger`).

    Attributes:
        job: Name of the job; with `due_at` the key that makes every start happen once.
        due_at: When it is due.
        trigger: `clock` or `person`.
        requested_by: The person who asked for it; empty when the clock did.
        arguments: What a person asked for beyond the job's own definition.
        state: `due`, `claimed`, `running` or `ended`.
        outcome: One of `OUTCOMES`, only when ended.
        reason: Reason code; empty when there is nothing to explain.
        params: Parameters of the reason.
        not_before: A repeated try waits until then.
        attempts: Runs started so far.
        run_id: The run that holds it, or held it last.
        host: Machine of that run; only that machine can see its locks.
        heartbeat: Counter the run's worker raises; only its changes mean anything.
        late_noted_at: When somebody was told that it is late.
        created_at, claimed_at, ended_at: When each step was recorded.
    """

    __tablename__ = "occurrences"
    __table_args__ = (
        UniqueConstraint("job", "due_at", name="occurrence_once"),
        CheckConstraint(one_of("state", STATES), name="occurrence_state"),
        CheckConstraint(one_of("outcome", OUTCOMES), name="occurrence_outcome"),
        CheckConstraint("(state = 'ended') = (outcome IS NOT NULL)", name="occurrence_ended"),
        Index(
            "occurrences_open",
            "state",
            "due_at",
            sqlite_where=text("state <> 'ended'"),
            postgresql_where=text("state <> 'ended'"),
        ),
        Index("occurrences_site", "site", "due_at"),
        table_info("record"),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    job: Mapped[str] = mapped_column(Text)
    kind: Mapped[str] = mapped_column(Text)
    site: Mapped[str] = mapped_column(Text)
    due_at: Mapped[datetime] = mapped_column(UTCDateTime)
    trigger: Mapped[str] = mapped_column(Text)
    requested_by: Mapped[str] = mapped_column(Text, default="")
    arguments: Mapped[dict[str, Any]] = mapped_column(JSON)
    state: Mapped[str] = mapped_column(Text)
    outcome: Mapped[str | None] = mapped_column(Text)
    reason: Mapped[str] = mapped_column(Text, default="")
    params: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    not_before: Mapped[datetime | None] = mapped_column(UTCDateTime)
    attempts: Mapped[int] = mapped_column(default=0)
    run_id: Mapped[uuid.UUID | None]
    host: Mapped[str] = mapped_column(Text, default="")
    heartbeat: Mapped[int] = mapped_column(BigInteger, default=0)
    late_noted_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    created_at: Mapped[datetime] = mapped_column(UTCDateTime)
    claimed_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    ended_at: Mapped[datetime | None] = mapped_column(UTCDateTime)


class Run(Base):
    """A record: one try at one occurrence, with the values it ended with.

    Attributes:
        id: The run's id, as in the journal.
        occurrence_id: What it tried; NULL for a run that a person started outside the service.
        outcome: One of `OUTCOMES`; NULL while it runs.
        reason, params: As in `Occurrence`.
        summary: Numbers of the result: counts, bytes and, as `seconds`, how long it took.
        attempt: 1 for the first try.
        started_at, ended_at: By the machine's clock; how long it took is in `summary`.
    """

    __tablename__ = "runs"
    __table_args__ = (
        CheckConstraint(one_of("outcome", OUTCOMES), name="run_outcome"),
        Index("runs_job", "job", "started_at"),
        Index("runs_ended", "ended_at"),
        table_info("record"),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    occurrence_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("occurrences.id"))
    job: Mapped[str] = mapped_column(Text)
    kind: Mapped[str] = mapped_column(Text)
    site: Mapped[str] = mapped_column(Text)
    attempt: Mapped[int] = mapped_column(default=1)
    host: Mapped[str] = mapped_column(Text)
    pid: Mapped[int]
    started_at: Mapped[datetime] = mapped_column(UTCDateTime)
    ended_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    outcome: Mapped[str | None] = mapped_column(Text)
    reason: Mapped[str] = mapped_column(Text, default="")
    params: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    summary: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)


class Notice(Base):
    """A record: one message to one target, in the outbox until it is sent (`ops.alerts`).

    Attributes:
        subject_key: What it is about; with `target` it is told once.
        severity: `info`, `warning` or `critical`.
        code: Code of the sentence; `params` fills it, the target's language words it.
        target: Name of the person or route; never an address that carries a secret.
        state: One of `NOTICE_STATES`.
        attempts: Tries so far.
        next_try_at: When to try next; NULL when there is nothing more to try.
        error: What the last try answered, without secrets.
    """

    __tablename__ = "notices"
    __table_args__ = (
        UniqueConstraint("subject_key", "target", name="notice_once"),
        CheckConstraint(one_of("state", NOTICE_STATES), name="notice_state"),
        Index("notices_waiting", "state", "next_try_at"),
        table_info("record"),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    subject_key: Mapped[str] = mapped_column(Text)
    severity: Mapped[str] = mapped_column(Text)
    code: Mapped[str] = mapped_column(Text)
    params: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    job: Mapped[str] = mapped_column(Text, default="")
    site: Mapped[str] = mapped_column(Text, default="")
    run_id: Mapped[uuid.UUID | None]
    target: Mapped[str] = mapped_column(Text)
    state: Mapped[str] = mapped_column(Text, default="waiting")
    attempts: Mapped[int] = mapped_column(default=0)
    next_try_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    created_at: Mapped[datetime] = mapped_column(UTCDateTime)
    sent_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    error: Mapped[str] = mapped_column(Text, default="")
