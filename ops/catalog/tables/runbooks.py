"""Record tables: runs of runbooks, and each try at each of their steps."""

import uuid
from datetime import datetime

from sqlalchemy import JSON, CheckConstraint, ForeignKey, Index, Text
from sqlalchemy.orm import Mapped, mapped_column

from ops.catalog.columns import Base, UTCDateTime, table_info


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
