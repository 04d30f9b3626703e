"""How far a run of a runbook has come: plain values that a catalog can keep."""

from dataclasses import dataclass, field, replace
from datetime import datetime
from hashlib import sha256
from typing import Literal

StepState = Literal["running", "done", "failed", "declined", "waiting", "lost"]
RunStanding = Literal["running", "waiting", "failed", "declined", "done", "rolled_back"]


@dataclass(frozen=True, slots=True, kw_only=True)
class StepRecord:
    """One try at one step.

    Attributes:
        number: Of the step.
        attempt: From 1.
        kind: Of the step.
        state: `declined` when a person said no, `waiting` when another person has to agree,
            `lost` when the process was ended in it.
        person: Who carried it out: name, else login.
        approved_by: The second person; empty where none was needed or asked.
        answer: What a person answered; empty for a secret.
        commands: The lines that were run, secrets masked.
        output: What they wrote, secrets masked.
        exit_code: Of the last command; None where none was run.
        started_at, ended_at: Aware.
    """

    number: int
    attempt: int
    kind: str
    state: StepState
    person: str
    approved_by: str = ""
    answer: str = ""
    commands: tuple[str, ...] = ()
    output: str = ""
    exit_code: int | None = None
    started_at: datetime
    ended_at: datetime | None = None

    @property
    def output_sha256(self) -> str:
        """SHA-256 of the kept output in UTF-8, in hexadecimal."""
        return sha256(self.output.encode()).hexdigest()

    @property
    def seconds(self) -> float | None:
        """How long it took, people's time included; None while it runs."""
        return _seconds_between(self.started_at, self.ended_at)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunState:
    """A run of a runbook.

    Attributes:
        id: Unique.
        runbook: Id of the runbook.
        text: The runbook as it was when the run began; a resumed run follows this one.
        person: Who began it.
        standing: Where it stands.
        going_back: Whether its rollbacks are being carried out.
        values: Variables by name, without secrets.
        records: Tries at steps, in the order of time.
        started_at, ended_at: Aware; ended when `done` or `rolled_back`.
    """

    id: str
    runbook: str
    text: str
    person: str
    standing: RunStanding = "running"
    going_back: bool = False
    values: dict[str, str] = field(default_factory=dict)
    records: tuple[StepRecord, ...] = ()
    started_at: datetime
    ended_at: datetime | None = None

    @property
    def text_sha256(self) -> str:
        """SHA-256 of the runbook's text, in hexadecimal."""
        return sha256(self.text.encode()).hexdigest()

    @property
    def seconds(self) -> float | None:
        """How long it took from its beginning to its end, pauses included; None before that."""
        return _seconds_between(self.started_at, self.ended_at)

    def with_record(self, record: StepRecord) -> "RunState":
        """Give the state with a try added, or told anew."""
        key = record.number, record.attempt
        kept = tuple(it for it in self.records if (it.number, it.attempt) != key)
        return replace(self, records=(*kept, record))

    def last_of(self, number: int) -> StepRecord | None:
        """Give the last try at a step."""
        tries = [it for it in self.records if it.number == number]
        return max(tries, key=lambda it: it.attempt, default=None)


def _seconds_between(started_at: datetime, ended_at: datetime | None) -> float | None:
    return (ended_at - started_at).total_seconds() if ended_at else None
