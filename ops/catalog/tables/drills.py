"""Record tables: restore drills, what each of their phases found, and findings until one is fixed.

The journal tells each change as well (`ops.drills.records`).
"""

import uuid
from datetime import date, datetime
from typing import Any

from sqlalchemy import JSON, CheckConstraint, ForeignKey, Index, Text
from sqlalchemy.orm import Mapped, mapped_column

from ops.catalog.columns import Base, UTCDateTime, new_id, one_of, table_info

SCOPES = ("site", "file")
SOURCES = ("backup", "archive")
ENGINES = ("ours", "restic")
VERDICTS = ("ok", "incomplete", "failed", "not_checked", "skipped")


class Drill(Base):
    """A record: one restore drill.

    Attributes:
        id: Its id; a drill of a site stands in the journal under it, too.
        site: Name in the estate.
        scope: `site`: all of it is rehearsed; `file`: one file by chance.
        source: What it is restored from: `backup` or `archive`.
        engine: What restores it: `ours`, or stock `restic`.
        from_paper: Whether the keys come from paper, not from the folder of keys.
        wanted: What was asked for: beginning of a snapshot's id; empty for the newest.
        store: Name of the store it is restored from; empty until chosen where nobody named one.
        snapshot: Id, 64 hexadecimal digits; empty until chosen.
        taken_at: When that was taken.
        run: Id of the runbook's run; empty for a file.
        person: Who: name, else login; empty for the clock.
        via: `cli`, `console` or `clock`.
        reason, document: Why, in the person's words, and the reference of the document behind it.
        incident_at: The moment from which the recovery is counted.
        started_at, ended_at: When; NULL until it is concluded.
        outcome: One of `VERDICTS`; NULL until it is concluded.
        reason_code, params: What explains the outcome; empty where there is nothing to explain.
        isolated: Whether it was rehearsed apart from everything; NULL where it was not rehearsed.
        minutes: The minutes as `ops.drills.minutes.minutes.Minutes` gives them; NULL until
            concluded.
        minutes_sha256: Of their canonical JSON, in hexadecimal; empty until concluded.
    """

    __tablename__ = "drills"
    __table_args__ = (
        CheckConstraint(one_of("scope", SCOPES), name="drill_scope"),
        CheckConstraint(one_of("source", SOURCES), name="drill_source"),
        CheckConstraint(one_of("engine", ENGINES), name="drill_engine"),
        CheckConstraint(one_of("outcome", VERDICTS), name="drill_outcome"),
        CheckConstraint("(ended_at IS NULL) = (outcome IS NULL)", name="drill_concluded"),
        Index("drills_site", "site", "started_at"),
        table_info("record"),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    site: Mapped[str] = mapped_column(Text)
    scope: Mapped[str] = mapped_column(Text)
    source: Mapped[str] = mapped_column(Text)
    engine: Mapped[str] = mapped_column(Text)
    from_paper: Mapped[bool]
    wanted: Mapped[str] = mapped_column(Text)
    store: Mapped[str] = mapped_column(Text)
    snapshot: Mapped[str] = mapped_column(Text)
    taken_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    run: Mapped[str] = mapped_column(Text)
    person: Mapped[str] = mapped_column(Text)
    via: Mapped[str] = mapped_column(Text)
    reason: Mapped[str] = mapped_column(Text)
    document: Mapped[str] = mapped_column(Text)
    incident_at: Mapped[datetime] = mapped_column(UTCDateTime)
    started_at: Mapped[datetime] = mapped_column(UTCDateTime)
    ended_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    outcome: Mapped[str | None] = mapped_column(Text)
    reason_code: Mapped[str] = mapped_column(Text)
    params: Mapped[dict[str, Any]] = mapped_column(JSON)
    isolated: Mapped[bool | None]
    minutes: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    minutes_sha256: Mapped[str] = mapped_column(Text)


class DrillPhase(Base):
    """A record: one try at one phase of a drill.

    Attributes:
        drill: Id of the drill.
        name: One of `ops.drills.phases.PHASES`.
        attempt: From 1; the last one counts.
        person: Who carried it out: name, else login; empty for the clock.
        started_at, ended_at: When; NULL where the process was ended in it.
        outcome: One of `VERDICTS`; NULL like `ended_at`.
        reason, params: What explains the outcome; empty where there is nothing to explain.
        facts: What was found, as JSON values; no secrets.
    """

    __tablename__ = "drill_phases"
    __table_args__ = (
        CheckConstraint(one_of("outcome", VERDICTS), name="drill_phase_outcome"),
        CheckConstraint("(ended_at IS NULL) = (outcome IS NULL)", name="drill_phase_ended"),
        table_info("record"),
    )

    drill: Mapped[uuid.UUID] = mapped_column(ForeignKey("drills.id"), primary_key=True)
    name: Mapped[str] = mapped_column(Text, primary_key=True)
    attempt: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    person: Mapped[str] = mapped_column(Text)
    started_at: Mapped[datetime] = mapped_column(UTCDateTime)
    ended_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    outcome: Mapped[str | None] = mapped_column(Text)
    reason: Mapped[str] = mapped_column(Text)
    params: Mapped[dict[str, Any]] = mapped_column(JSON)
    facts: Mapped[dict[str, Any]] = mapped_column(JSON)


class DrillFinding(Base):
    """A record: what a failed drill has shown, until a drill shows it fixed.

    Attributes:
        id: Its id.
        drill: Id of the drill that showed it.
        site, scope: Which drill has to show that it is fixed.
        code, params: What was found, as the reason of the drill.
        owner: Name of the person; empty where the estate names none for the site.
        due: By when.
        opened_at: When.
        fixed_by: Id of the drill that showed it fixed; NULL until then.
        closed_at: When; NULL until then.
    """

    __tablename__ = "drill_findings"
    __table_args__ = (
        CheckConstraint(one_of("scope", SCOPES), name="drill_finding_scope"),
        CheckConstraint("(closed_at IS NULL) = (fixed_by IS NULL)", name="drill_finding_fixed"),
        Index("drill_findings_open", "site", "closed_at"),
        table_info("record"),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    drill: Mapped[uuid.UUID] = mapped_column(ForeignKey("drills.id"))
    site: Mapped[str] = mapped_column(Text)
    scope: Mapped[str] = mapped_column(Text)
    code: Mapped[str] = mapped_column(Text)
    params: Mapped[dict[str, Any]] = mapped_column(JSON)
    owner: Mapped[str] = mapped_column(Text)
    due: Mapped[date]
    opened_at: Mapped[datetime] = mapped_column(UTCDateTime)
    fixed_by: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("drills.id"))
    closed_at: Mapped[datetime | None] = mapped_column(UTCDateTime)


class RunbookRun(Base):
    """A record: one run of a runbook (`ops.runbooks`).

    Attributes:
        id: The run's id, as in the journal.
        runbook: Id of the runbook.
        text: The runbook as it was when the run began.
        text_sha256: Of that text, in hexadecimal.
        person: Who began it: name, else login.
        standing: Where it stands, as in `runbooks.state.RunState`.
        going_back: Whether its rollbacks are being carried out.
        values: Variables by name, without secrets.
        started_at, ended_at: Ended when it is done or rolled back.
    """

    __tablename__ = "runbook_runs"
    __table_args__ = (
        CheckConstraint(
            "standing IN ('running', 'waiting', 'failed', 'declined', 'done', 'rolled_back')",
            name="runbook_run_standing",
        ),
        Index("runbook_runs_started", "started_at"),
        table_info("record"),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    runbook: Mapped[str] = mapped_column(Text)
    text: Mapped[str] = mapped_column(Text)
    text_sha256: Mapped[str] = mapped_column(Text)
    person: Mapped[str] = mapped_column(Text)
    standing: Mapped[str] = mapped_column(Text)
    going_back: Mapped[bool]
    values: Mapped[dict[str, str]] = mapped_column(JSON)
    started_at: Mapped[datetime] = mapped_column(UTCDateTime)
    ended_at: Mapped[datetime | None] = mapped_column(UTCDateTime)


class RunbookStep(Base):
    """A record: one try at one step of a run.

    Attributes:
        run: Id of the run.
        place: 1 for the run's first try at anything; the order of time.
        number, attempt: Of the step, and which try at it.
        kind: Of the step's fence.
        state: As in `runbooks.state.StepRecord`.
        person, approved_by: Who carried it out, and the second person; empty where none was needed.
        answer: What the person answered; never a secret.
        commands: The lines that were run, secrets masked.
        output: What they wrote, secrets masked.
        output_sha256: Of `output` in UTF-8, in hexadecimal.
        exit_code: Of the last command; NULL where none was run.
    """

    __tablename__ = "runbook_steps"
    __table_args__ = (
        CheckConstraint(
            "state IN ('running', 'done', 'failed', 'declined', 'waiting', 'lost')",
            name="runbook_step_state",
        ),
        table_info("record"),
    )

    run: Mapped[uuid.UUID] = mapped_column(ForeignKey("runbook_runs.id"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    attempt: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    place: Mapped[int]
    kind: Mapped[str] = mapped_column(Text)
    state: Mapped[str] = mapped_column(Text)
    person: Mapped[str] = mapped_column(Text)
    approved_by: Mapped[str] = mapped_column(Text)
    answer: Mapped[str] = mapped_column(Text)
    commands: Mapped[list[str]] = mapped_column(JSON)
    output: Mapped[str] = mapped_column(Text)
    output_sha256: Mapped[str] = mapped_column(Text)
    exit_code: Mapped[int | None]
    started_at: Mapped[datetime] = mapped_column(UTCDateTime)
    ended_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
