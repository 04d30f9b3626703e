"""Runs of runbooks are kept alike in memory, on SQLite and on PostgreSQL."""

import uuid
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError

from ops.catalog.open import Catalog
from ops.catalog.tables.core import JournalRow
from ops.catalog.tables.drills import RunbookStep
from ops.journal import journal
from ops.runbooks.states import CatalogStates, list_unfinished
from runbooks.errors import RunbookUseError
from runbooks.memory import MemoryStates
from runbooks.seams import RunStates
from runbooks.state import RunState, StepRecord
from tests.people import origin_of

NOW = datetime(2026, 11, 24, 12, 0, 0, 123456, tzinfo=UTC)


def new_run() -> RunState:
    return RunState(
        id=str(uuid.uuid4()),
        runbook="thu",
        text="văn bản",
        person="nva",
        values={"site": "cong-xa"},
        started_at=NOW,
    )


def begin(number: int, attempt: int = 1) -> StepRecord:
    return StepRecord(
        number=number,
        attempt=attempt,
        kind="run",
        state="running",
        person="nva",
        approved_by="ttb",
        commands=("restore •••",),
        started_at=NOW,
    )


def end(record: StepRecord) -> StepRecord:
    moment = NOW + timedelta(minutes=1)
    return replace(record, state="done", answer="có", output="xong\n", exit_code=0, ended_at=moment)


@pytest.fixture(params=["memory", "catalog"])
def states(request: pytest.FixtureRequest, catalog: Catalog) -> RunStates:
    return MemoryStates() if request.param == "memory" else CatalogStates(catalog, origin_of("nva"))


def test_a_run_comes_back_as_it_was_saved(states: RunStates) -> None:
    run = new_run()
    states.save(run)
    for record in (begin(1), end(begin(1)), begin(3), begin(3, 2)):
        run = run.with_record(record)
        states.save(run)
        assert states.load(run.id) == run
    over = replace(run, standing="done", going_back=True, ended_at=NOW)
    states.save(over)
    assert states.load(run.id) == over


def test_a_run_that_nobody_began_is_told(states: RunStates) -> None:
    for wanted in (str(uuid.uuid4()), "no id"):
        with pytest.raises(RunbookUseError) as raised:
            states.load(wanted)
        assert raised.value.params["run"] == wanted


def test_each_change_leaves_its_journal_row_in_the_same_transaction(catalog: Catalog) -> None:
    states, run = CatalogStates(catalog, origin_of("nva")), new_run()
    states.save(run)
    run = run.with_record(begin(1))
    states.save(run)
    run = replace(run.with_record(replace(end(begin(1)), state="failed")), standing="failed")
    states.save(run)
    states.save(replace(run, standing="running"))
    states.save(replace(run, standing="done", ended_at=NOW))

    with catalog.reading() as session:
        rows = session.execute(select(JournalRow.action, JournalRow.run)).all()
    actions = ["runbook.begin", "runbook.step", "runbook.resume", "runbook.end"]
    assert [tuple(row) for row in rows] == [(action, run.id) for action in actions]
    assert journal.verify(catalog).broken_at is None


def test_the_output_is_kept_with_its_hash(catalog: Catalog) -> None:
    run = new_run().with_record(end(begin(1)))
    CatalogStates(catalog, origin_of("nva")).save(run)

    with catalog.reading() as session:
        row = session.execute(select(RunbookStep)).scalar_one()
    assert (row.output, row.output_sha256) == ("xong\n", sha256(b"xong\n").hexdigest())


def test_only_runs_that_are_not_over_are_listed(catalog: Catalog) -> None:
    states, first, second = CatalogStates(catalog, origin_of("nva")), new_run(), new_run()
    states.save(first)
    states.save(replace(second, standing="done", ended_at=NOW))

    with catalog.reading() as session:
        assert list_unfinished(session) == [first]


def test_the_catalog_refuses_a_state_that_nobody_knows(catalog: Catalog) -> None:
    CatalogStates(catalog, origin_of("nva")).save(new_run())
    with pytest.raises(IntegrityError), catalog.writing() as session:
        session.execute(text("UPDATE runbook_runs SET standing = 'perhaps'"))
