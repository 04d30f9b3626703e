"""Drills, their phases and their findings, on SQLite and on PostgreSQL."""

from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError

from ops.canonical import digest_of
from ops.catalog.open import Catalog
from ops.catalog.tables.core import JournalRow
from ops.catalog.tables.drills import Drill
from ops.drills.findings import list_findings, settle
from ops.drills.records import (
    Conclusion,
    NewDrill,
    PhaseResult,
    begin_drill,
    begin_phase,
    choose_copy,
    conclude_drill,
    end_phase,
    find_drill,
    list_drills,
)
from ops.errors import WrongUseError
from ops.journal import journal
from tests.people import origin_of

NOW = datetime(2026, 11, 24, 12, 0, 0, 123456, tzinfo=UTC)
DUE = date(2026, 12, 1)
BAD = Conclusion(outcome="failed", reason="file_differs", params={"path": "a/b"}, minutes={"v": 1})
GOOD = Conclusion(outcome="ok", isolated=True, params={"path": "a/b"}, minutes={"v": 2})


def begin(catalog: Catalog, *, store: str = "near", days: int = 0, **more: object) -> str:
    new = NewDrill(site="xa", incident_at=NOW, **more)  # type: ignore[arg-type]  # a builder
    with catalog.writing() as session:
        now = NOW + timedelta(days=days)
        drill = begin_drill(session, origin_of("nva"), new, now=now)
        choose_copy(session, drill, store=store, snapshot="a" * 64, taken_at=NOW)
    return drill


def end(catalog: Catalog, drill: str, conclusion: Conclusion) -> list[str]:
    """Conclude it; gives the findings it shows fixed."""
    with catalog.writing() as session:
        conclude_drill(session, origin_of("nva"), drill, conclusion, now=NOW)
        fixed = settle(session, origin_of("nva"), drill, owner="nva", due=DUE, now=NOW)
        return [it.id for it in fixed]


def run(catalog: Catalog, conclusion: Conclusion, **more: object) -> list[str]:
    return end(catalog, begin(catalog, **more), conclusion)  # type: ignore[arg-type]  # a builder


def test_a_drill_comes_back_as_it_was_written(catalog: Catalog) -> None:
    drill = begin(catalog)
    with catalog.writing() as session:
        attempt = begin_phase(session, origin_of("nva"), drill, "fetch", now=NOW)
        lost = find_drill(session, drill).phases["fetch"]
        again = begin_phase(session, origin_of("nva"), drill, "fetch", now=NOW)
        result = PhaseResult(outcome="failed", reason="file_differs", facts={"files": 3})
        later = NOW + timedelta(seconds=1.5)
        end_phase(session, origin_of("nva"), drill, "fetch", again, result, now=later)
    end(catalog, drill, BAD)

    with catalog.reading() as session:
        kept = find_drill(session, drill)
        listed = list_drills(session, site="xa"), list_drills(session, site="other")
    assert (attempt, again) == (1, 2)
    assert (lost.outcome, lost.seconds) == (None, 0.0)
    assert (kept.person, kept.via, kept.snapshot, kept.taken_at) == ("nva", "cli", "a" * 64, NOW)
    assert (kept.outcome, kept.reason_code, kept.params) == ("failed", "file_differs", BAD.params)
    assert (kept.minutes, kept.minutes_sha256) == (BAD.minutes, digest_of({"v": 1}))
    phase = kept.phases["fetch"]
    assert (phase.attempt, phase.outcome, phase.seconds) == (2, "failed", 1.5)
    assert phase.facts == {"files": 3}
    assert listed == ([kept], [])


def test_each_change_is_journaled_in_its_transaction(catalog: Catalog) -> None:
    drill = begin(catalog)
    with catalog.writing() as session:
        begin_phase(session, origin_of("nva"), drill, "scan", now=NOW)
        result = PhaseResult(outcome="ok")
        end_phase(session, origin_of("nva"), drill, "scan", 1, result, now=NOW)
    end(catalog, drill, BAD)
    run(catalog, GOOD, days=1)

    with catalog.reading() as session:
        actions = session.execute(select(JournalRow.action).order_by(JournalRow.sequence))
    assert list(actions.scalars()) == [
        "drill.begin", "drill.phase", "drill.end", "drill.finding", "drill.begin", "drill.end",
        "drill.fixed",
    ]  # fmt: skip
    assert journal.verify(catalog).broken_at is None


def test_a_finding_stays_open_until_a_drill_shows_it_fixed(catalog: Catalog) -> None:
    run(catalog, BAD)
    run(catalog, BAD, days=1)
    with catalog.reading() as session:
        (finding,) = list_findings(session)
    assert (finding.owner, finding.due, finding.code) == ("nva", DUE, "file_differs")
    assert (finding.site, finding.scope, finding.store, finding.engine) == (
        "xa", "site", "near", "ours",
    )  # fmt: skip

    assert run(catalog, GOOD, store="offsite") == []
    assert run(catalog, GOOD, engine="restic") == []
    assert run(catalog, GOOD, scope="file") == []
    assert run(catalog, GOOD, from_paper=True) == [finding.id]
    with catalog.reading() as session:
        assert list_findings(session) == []
        (closed,) = list_findings(session, closed=True)
    assert (closed.id, closed.closed_at) == (finding.id, NOW)


def test_what_could_not_be_checked_is_a_finding_too(catalog: Catalog) -> None:
    assert run(catalog, Conclusion(outcome="incomplete", reason="no_pages")) == []
    assert run(catalog, Conclusion(outcome="not_checked")) == []
    with catalog.reading() as session:
        (finding,) = list_findings(session)

    assert finding.code == "no_pages"
    assert run(catalog, GOOD) == [finding.id]


def test_a_drill_that_chose_no_copy_is_shown_fixed_by_one_from_any(catalog: Catalog) -> None:
    run(catalog, BAD, store="")

    assert len(run(catalog, GOOD, store="offsite")) == 1


def test_a_file_is_shown_fixed_by_itself_or_by_the_whole_site(catalog: Catalog) -> None:
    other = Conclusion(outcome="ok", params={"path": "a/c"})
    run(catalog, BAD, scope="file")
    assert run(catalog, other, scope="file") == []
    assert len(run(catalog, GOOD, scope="file")) == 1
    run(catalog, BAD, scope="file")
    assert len(run(catalog, Conclusion(outcome="ok"))) == 1


@pytest.mark.parametrize("wanted", ["no id", "019396a0-0000-7000-8000-000000000000"])
def test_a_drill_that_nobody_began_is_told(catalog: Catalog, wanted: str) -> None:
    with pytest.raises(WrongUseError), catalog.reading() as session:
        find_drill(session, wanted)


@pytest.mark.parametrize(
    ("column", "value"),
    [("outcome", "lost"), ("scope", "page"), ("engine", "tar"), ("outcome", "ok")],
)
def test_the_catalog_refuses_what_makes_no_sense(catalog: Catalog, column: str, value: str) -> None:
    begin(catalog)
    with pytest.raises(IntegrityError), catalog.writing() as session:
        session.execute(update(Drill).values({column: value}))
