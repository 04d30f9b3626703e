"""Runs of runbooks in the catalog; each save is one transaction with its journal rows."""

import uuid
from collections.abc import Iterator
from dataclasses import fields, replace

from sqlalchemy import select
from sqlalchemy.orm import Session

from ops.catalog.columns import find_by_id
from ops.catalog.open import Catalog
from ops.catalog.tables.drills import RunbookRun, RunbookStep
from ops.journal import journal
from ops.journal.journal import Entry, Origin
from runbooks.errors import no_such_run
from runbooks.state import RunState, StepRecord

_FIELDS = tuple(it.name for it in fields(StepRecord))


class CatalogStates:
    """Keeps runs in the catalog.

    Args:
        catalog: Open.
        origin: Who acts, for the journal.
    """

    def __init__(self, catalog: Catalog, origin: Origin) -> None:
        self._catalog = catalog
        self._origin = origin

    def save(self, state: RunState) -> None:
        """Keep a state; tries that were told before and have ended are left alone."""
        with self._catalog.writing() as session:
            before = _find(session, state.id)
            entries = list(tell_changes(before, state))
            _write(session, before, state)
            journal.append(session, replace(self._origin, run=state.id), entries)

    def load(self, run_id: str) -> RunState:
        """Give a run back.

        Raises:
            RunbookUseError: There is none.
        """
        with self._catalog.reading() as session:
            state = _find(session, run_id)
        if state is None:
            raise no_such_run(run_id)
        return state


def list_unfinished(session: Session) -> list[RunState]:
    """Give the runs that are not over, oldest first."""
    query = select(RunbookRun.id).where(RunbookRun.ended_at.is_(None))
    ids = session.execute(query.order_by(RunbookRun.started_at)).scalars().all()
    return [state for run in ids if (state := _find(session, str(run)))]


def tell_changes(before: RunState | None, after: RunState) -> Iterator[Entry]:
    """Give the journal's entries for what has changed between two states; pure."""
    shared = {"run": after.id, "person": after.person}
    if before is None:
        yield Entry("runbook.begin", after.runbook, {**shared, "values": dict(after.values)})
    elif before.standing != "running" and after.standing == "running":
        corrected = {
            name: value for name, value in after.values.items() if before.values.get(name) != value
        }
        told = {"values": corrected} if corrected else {}
        details = {**shared, "going_back": after.going_back, **told}
        yield Entry("runbook.resume", after.runbook, details)
    known = set(before.records) if before else set()
    for record in after.records:
        if record not in known and record.state != "running":
            yield Entry("runbook.step", after.runbook, {**shared, **_details(record)})
    if after.ended_at and not (before and before.ended_at):
        yield Entry("runbook.end", after.runbook, {**shared, "standing": after.standing})


def _details(record: StepRecord) -> dict[str, object]:
    names = ("number", "attempt", "kind", "state", "person", "approved_by", "answer", "exit_code")
    return {name: getattr(record, name) for name in names} | {"output_sha256": record.output_sha256}


def _find(session: Session, run_id: str) -> RunState | None:
    row = find_by_id(session, RunbookRun, run_id)
    if row is None:
        return None
    query = select(RunbookStep).where(RunbookStep.run == row.id).order_by(RunbookStep.place)
    return RunState(
        id=str(row.id),
        runbook=row.runbook,
        text=row.text,
        person=row.person,
        standing=row.standing,  # type: ignore[arg-type]  # the table refuses others
        going_back=row.going_back,
        values=dict(row.values),
        records=tuple(_record(step) for step in session.execute(query).scalars()),
        started_at=row.started_at,
        ended_at=row.ended_at,
    )


def _record(row: RunbookStep) -> StepRecord:
    values = {name: getattr(row, name) for name in _FIELDS}
    return StepRecord(**{**values, "commands": tuple(row.commands)})


def _write(session: Session, before: RunState | None, state: RunState) -> None:
    run = uuid.UUID(state.id)
    row = session.get(RunbookRun, run) or RunbookRun(id=run)
    row.runbook, row.text, row.person = state.runbook, state.text, state.person
    row.text_sha256 = state.text_sha256
    row.standing, row.going_back, row.values = state.standing, state.going_back, dict(state.values)
    row.started_at, row.ended_at = state.started_at, state.ended_at
    session.add(row)
    session.flush()
    known = set(before.records) if before else set()
    for record in state.records:
        if record not in known:
            _write_step(session, run, record, place=len(state.records))


def _write_step(session: Session, run: uuid.UUID, record: StepRecord, *, place: int) -> None:
    row = session.get(RunbookStep, (run, record.number, record.attempt))
    if row is None:
        row = RunbookStep(run=run, place=place)
        session.add(row)
    for name in (*_FIELDS, "output_sha256"):
        setattr(row, name, getattr(record, name))
