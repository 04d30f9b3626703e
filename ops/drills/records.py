"""Drills in the catalog: each change is one transaction with its journal row."""

import uuid
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from ops.canonical import digest_of
from ops.catalog.columns import find_by_id, new_id
from ops.catalog.tables.drills import Drill, DrillPhase
from ops.errors import WrongUseError
from ops.journal import journal
from ops.journal.journal import Entry, Origin

Scope = Literal["site", "file"]
Kind = Literal["site", "file", "archive"]
"""What a drill proves: a whole site comes back, one file does, items of the archive do."""

Verdict = Literal["ok", "incomplete", "failed", "not_checked", "skipped"]


@dataclass(frozen=True, slots=True, kw_only=True)
class NewDrill:
    """What a drill begins with; fields as in `ops.catalog.tables.drills.Drill`."""

    site: str
    incident_at: datetime
    scope: Scope = "site"
    source: str = "backup"
    engine: str = "ours"
    from_paper: bool = False
    wanted: str = ""
    store: str = ""
    run: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PhaseResult:
    """How a phase ended.

    Attributes:
        outcome: One word of the house.
        reason, params: What explains it; empty where there is nothing to explain.
        facts: What was found, as JSON values; no secrets.
    """

    outcome: Verdict
    reason: str = ""
    params: Mapping[str, Any] = field(default_factory=dict)
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptPhase:
    """The last try at a phase, as it is kept.

    Attributes:
        name, attempt: Which.
        person: Who carried it out; empty for the clock.
        started_at, ended_at: Aware; None where the process was ended in it, or it goes on now.
        outcome: None like `ended_at`.
        reason, params, facts: As in `PhaseResult`.
    """

    name: str
    attempt: int
    person: str
    started_at: datetime
    ended_at: datetime | None
    outcome: Verdict | None
    reason: str
    params: Mapping[str, Any]
    facts: Mapping[str, Any]

    @property
    def seconds(self) -> float:
        """How long it took, by the clock that nobody sets where there is it; 0: nobody knows."""
        if self.ended_at is None:
            return 0.0
        if clock := self.facts.get("clock"):
            return float(clock["ended"] - clock["begun"])
        return (self.ended_at - self.started_at).total_seconds()


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptDrill:
    """A drill as it is kept; fields as in `ops.catalog.tables.drills.Drill`.

    Attributes:
        phases: The last try at each, by name, in the order they were begun.
    """

    id: str
    site: str
    scope: Scope
    source: str
    engine: str
    from_paper: bool
    wanted: str
    store: str
    snapshot: str
    taken_at: datetime | None
    run: str
    person: str
    via: str
    reason: str
    document: str
    incident_at: datetime
    started_at: datetime
    ended_at: datetime | None
    outcome: Verdict | None
    reason_code: str
    params: Mapping[str, Any]
    isolated: bool | None
    minutes: Mapping[str, Any] | None
    minutes_sha256: str
    phases: Mapping[str, KeptPhase]

    @property
    def kind(self) -> Kind:
        """What it proves."""
        return kind_of(self.scope, self.source)

    def facts_of(self, phase: str) -> Mapping[str, Any]:
        """Give what a phase has found; empty where it was never begun."""
        kept = self.phases.get(phase)
        return kept.facts if kept is not None else {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Conclusion:
    """How a drill ended.

    Attributes:
        outcome, reason, params: As everywhere.
        isolated: Whether it was rehearsed apart; None where it was not rehearsed.
        minutes: As `ops.drills.minutes.minutes` writes them.
    """

    outcome: Verdict
    reason: str = ""
    params: Mapping[str, Any] = field(default_factory=dict)
    isolated: bool | None = None
    minutes: Mapping[str, Any] = field(default_factory=dict)


def begin_drill(session: Session, origin: Origin, new: NewDrill, *, now: datetime) -> str:
    """Write a drill down as begun, and journal it; gives its id.

    Args:
        session: A writing session.
        origin: Who, by which way, and why.
        new: What is asked for.
        now: Aware.
    """
    drill = Drill(
        id=new_id(),
        snapshot="",
        person=origin.person or origin.login,
        via=origin.via,
        reason=origin.reason,
        document=origin.document,
        started_at=now,
        reason_code="",
        params={},
        minutes_sha256="",
        **asdict(new),
    )
    session.add(drill)
    details = {
        "drill": str(drill.id),
        **{name: getattr(new, name) for name in ("scope", "source", "engine", "from_paper")},
        "incident_at": new.incident_at.isoformat(),
    }
    journal.append(session, origin, [Entry("drill.begin", new.site, details)])
    return str(drill.id)


def choose_copy(
    session: Session, drill: str, *, store: str, snapshot: str, taken_at: datetime | None
) -> None:
    """Note which copy a drill restores; the phase that has chosen it is journaled."""
    row = _row(session, drill)
    row.store, row.snapshot, row.taken_at = store, snapshot, taken_at


def begin_phase(session: Session, origin: Origin, drill: str, name: str, *, now: datetime) -> int:
    """Note that a phase is begun; gives which try at it this is, from 1."""
    _row(session, drill)
    query = select(func.max(DrillPhase.attempt)).where(
        DrillPhase.drill == uuid.UUID(drill), DrillPhase.name == name
    )
    attempt = (session.execute(query).scalar() or 0) + 1
    session.add(
        DrillPhase(
            drill=uuid.UUID(drill),
            name=name,
            attempt=attempt,
            person=origin.person or origin.login,
            started_at=now,
            reason="",
            params={},
            facts={},
        )
    )
    return attempt


def end_phase(  # noqa: PLR0913 - two who, two which, one what, one when
    session: Session,
    origin: Origin,
    drill: str,
    name: str,
    attempt: int,
    result: PhaseResult,
    *,
    now: datetime,
) -> None:
    """Write how a phase ended, and journal it."""
    row = session.get(DrillPhase, (uuid.UUID(drill), name, attempt))
    if row is None:
        raise no_such_drill(drill)
    row.ended_at, row.outcome = now, result.outcome
    row.reason, row.params = result.reason, dict(result.params)
    row.facts = dict(result.facts)
    details = {
        "drill": drill,
        "phase": name,
        "attempt": attempt,
        "outcome": result.outcome,
        "reason": result.reason,
        "params": dict(result.params),
        "facts_sha256": digest_of(dict(result.facts)),
    }
    journal.append(session, origin, [Entry("drill.phase", _row(session, drill).site, details)])


def conclude_drill(
    session: Session, origin: Origin, drill: str, conclusion: Conclusion, *, now: datetime
) -> None:
    """Write how a drill ended, with its minutes and their hash, and journal it."""
    row = _row(session, drill)
    row.ended_at, row.outcome = now, conclusion.outcome
    row.reason_code, row.params = conclusion.reason, dict(conclusion.params)
    row.isolated, row.minutes = conclusion.isolated, dict(conclusion.minutes)
    row.minutes_sha256 = digest_of(dict(conclusion.minutes))
    details = {
        "drill": drill,
        "snapshot": row.snapshot,
        "store": row.store,
        "outcome": conclusion.outcome,
        "reason": conclusion.reason,
        "params": dict(conclusion.params),
        "isolated": conclusion.isolated,
        "minutes_sha256": row.minutes_sha256,
    }
    journal.append(session, origin, [Entry("drill.end", row.site, details)])


def find_drill(session: Session, drill: str) -> KeptDrill:
    """Give a drill with its phases.

    Raises:
        WrongUseError: There is none of that id, or several fit.
    """
    return _kept(session, _row(session, drill))


def list_drills(session: Session, *, site: str = "", limit: int | None = None) -> list[KeptDrill]:
    """Give drills, newest first; of one site where one is named."""
    query = select(Drill).order_by(Drill.started_at.desc(), Drill.id.desc())
    if site:
        query = query.where(Drill.site == site)
    return [_kept(session, row) for row in session.execute(query.limit(limit)).scalars()]


def kind_of(scope: Scope, source: str) -> Kind:
    """Give what a drill proves; pure."""
    return "archive" if source == "archive" else scope


def no_such_drill(drill: str) -> WrongUseError:
    """Make the error of a drill that nobody knows."""
    return WrongUseError(
        'there is no drill "{drill}"', next_step="`{program} drill.list` lists them", drill=drill
    )


def _row(session: Session, drill: str) -> Drill:
    row = find_by_id(session, Drill, drill)
    if row is None:
        raise no_such_drill(drill)
    return row


def _kept(session: Session, row: Drill) -> KeptDrill:
    query = select(DrillPhase).where(DrillPhase.drill == row.id)
    query = query.order_by(DrillPhase.started_at, DrillPhase.attempt)
    phases = {it.name: _kept_phase(it) for it in session.execute(query).scalars()}
    values = {column.key: getattr(row, column.key) for column in Drill.__table__.columns}
    return KeptDrill(**{**values, "id": str(row.id), "phases": phases})


def _kept_phase(row: DrillPhase) -> KeptPhase:
    values = {
        column.key: getattr(row, column.key)
        for column in DrillPhase.__table__.columns
        if column.key != "drill"
    }
    return KeptPhase(**values)
