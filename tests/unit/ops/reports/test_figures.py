"""Figures count from 15/12 to 14/12 in the organisation's own time, to the second."""

import uuid
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import insert

import ops.wiring  # noqa: F401 - who asks for parts needs them given
from ops.catalog.open import Catalog, open_catalog
from ops.catalog.tables.core import Run
from ops.catalog.tables.drills import Drill
from ops.catalog.tables.security import SecurityFinding, SecurityLook
from ops.estate.model.estate import Estate
from ops.estate.model.references import reveal
from ops.journal import journal
from ops.journal.journal import Entry, Origin
from ops.monitor.series.minutes import write_minutes
from ops.monitor.series.store import SeriesStore, open_series, series_url, visits
from ops.register.entry import NewEntry
from ops.register.records import add_entry
from ops.reports.figures.figure import report_year
from ops.reports.figures.gather import YearFacts, gather
from ops.reports.figures.runs import list_runs
from tests.a_year import name_of, write_estate

SITE, OTHER = name_of(0), name_of(1)
SECOND = timedelta(seconds=1)
FIRST = datetime(2025, 12, 14, 17, 0, tzinfo=UTC)
"""Midnight before 15/12/2025 in Đồng Nai."""

AFTER = datetime(2026, 12, 14, 17, 0, tzinfo=UTC)
MOMENTS = (FIRST - SECOND, FIRST, AFTER - SECOND, AFTER)
"""Just before, the first, the last, just after: two of four count."""

NOW = datetime(2026, 12, 20, tzinfo=UTC)


@pytest.fixture
def estate(tmp_path: Path) -> Estate:
    return write_estate(tmp_path, 2)


@pytest.fixture
def catalog(estate: Estate) -> Iterator[Catalog]:
    opened = open_catalog(reveal(estate.catalog.url))
    yield opened
    opened.close()


@pytest.fixture
def series(estate: Estate) -> Iterator[SeriesStore]:
    opened = open_series(series_url(estate))
    yield opened
    opened.close()


def a_run(at: datetime, kind: str) -> dict[str, object]:
    return {
        "id": uuid.uuid4(), "job": f"{kind}/{SITE}", "kind": kind, "site": SITE, "attempt": 1,
        "host": "h", "pid": 1, "started_at": at, "ended_at": at, "outcome": "ok", "reason": "",
        "params": {}, "summary": {"snapshot": "ab"},
    }  # fmt: skip


def a_drill(at: datetime) -> dict[str, object]:
    return {
        "id": uuid.uuid4(), "site": SITE, "scope": "site", "source": "backup", "engine": "ours",
        "from_paper": False, "wanted": "", "store": "near", "snapshot": "ab" * 32, "taken_at": at,
        "run": "", "person": "nva", "via": "cli", "reason": "", "document": "",
        "incident_at": at, "started_at": at, "ended_at": at + timedelta(hours=1), "outcome": "ok",
        "reason_code": "", "params": {}, "isolated": True, "minutes": None, "minutes_sha256": "",
    }  # fmt: skip


@pytest.fixture
def facts(catalog: Catalog, series: SeriesStore, estate: Estate) -> YearFacts:
    zone, origin = estate.zone, Origin(via="cli", person="nva")
    kinds = ("backup", "check", "scan", "archive-check")
    with catalog.writing() as session:
        connection = session.connection()
        connection.execute(insert(Run), [a_run(at, it) for at in MOMENTS for it in kinds])
        connection.execute(insert(Drill), [a_drill(it) for it in MOMENTS])
        for number, at in enumerate(MOMENTS):
            session.add(
                SecurityFinding(
                    subject=f"site:{SITE}", tool="tls", check=f"c{number}", severity="low",
                    params={}, evidence="ab" * 32, first_seen_at=at, last_seen_at=NOW,
                    state="fixed", fixed_at=at,
                )
            )  # fmt: skip
            session.add(
                SecurityLook(subject=f"site:{SITE}", tool="tls", at=at, outcome="ok", params={},
                             score=None, items=None)
            )  # fmt: skip
            new = NewEntry(kind="incident", title=f"{number}", site=SITE, occurred_at=at,
                           received_at=at)  # fmt: skip
            add_entry(session, origin, new, zone=zone, now=NOW)
            stop = {"begins": at.isoformat(), "until": (at + timedelta(hours=1)).isoformat(),
                    "notice_by": "2026-01-01", "duty": "stop-notice@2026-07-01"}  # fmt: skip
            journal.append(session, origin, [Entry("stop.planned", OTHER, stop)])
    write_minutes(series, [(SITE, at, "up") for at in MOMENTS], zone)
    with series.writing() as connection:
        days = [it.astimezone(zone).date() for it in MOMENTS]
        rows = [{"site": SITE, "day": it, "people": 10, "robots": 0} for it in days]
        connection.execute(insert(visits), rows)
    with catalog.reading() as session:
        return gather(session, series, estate, report_year(2026, zone), NOW)


def test_every_figure_counts_the_same_time(facts: YearFacts) -> None:
    for runs in (facts.backups, facts.checks, facts.fixity, facts.scans):
        assert runs.value is not None
        assert runs.value.total.ok == 2
        assert [it.ok for it in runs.value.by_month] == [1, *[0] * 10, 1]
    assert facts.duties.value is not None
    assert facts.duties.value.backup is not None  # which the table asks for from 2026 on
    assert [it.met for it in facts.duties.value.backup.by_month] == [*[0] * 11, 1]
    assert [it.started_at for it in facts.drills.value or ()] == list(MOMENTS[1:3])
    assert [it.occurred_at for it in facts.incidents] == list(MOMENTS[1:3])
    assert facts.register.value is not None
    assert facts.register.value.total.count == 2
    assert [it.begins for it in facts.stops.value or ()] == list(MOMENTS[1:3])
    assert facts.findings.value is not None
    assert facts.findings.value.opened["low"] == facts.findings.value.fixed["low"] == 2
    assert facts.looks.value == {"tls": {"ok": 2}}
    assert facts.visits.value == {SITE: (20, 2)}
    assert facts.uptimes.value is not None
    assert [it.up for it in facts.uptimes.value.by_site[SITE]] == [1, *[0] * 10, 1]
    assert facts.last_ok.value == {SITE: MOMENTS[2]}


def test_a_years_days_are_those_of_the_organisation(estate: Estate) -> None:
    year = report_year(2026, estate.zone)

    assert (year.first, year.last) == (date(2025, 12, 15), date(2026, 12, 14))
    assert (year.since, year.until) == (FIRST, AFTER)


def test_a_log_has_the_snapshot_of_each_run(
    facts: YearFacts, catalog: Catalog, estate: Estate
) -> None:
    with catalog.reading() as session:
        rows = list_runs(session, facts.window, "backup").value or []
        none = list_runs(session, facts.window, "backup", OTHER).value
    assert [(it.started_at, it.snapshot, it.site) for it in rows] == [
        (it, "ab", estate.named_sites[0].name) for it in MOMENTS[1:3]
    ]
    assert none == []


def test_a_sites_facts_are_its_own_share_of_all(
    facts: YearFacts, catalog: Catalog, series: SeriesStore, estate: Estate
) -> None:
    with catalog.reading() as session:
        alone = gather(session, series, estate, facts.window, NOW, SITE)
    assert [it.name for it in alone.sites] == [SITE]
    assert facts.uptimes.value is not None
    assert alone.uptimes.value is not None
    assert alone.uptimes.value.of(SITE) == facts.uptimes.value.of(SITE)
    assert alone.backups == facts.backups
