"""The rotation over real rows: what is read, asked for once, and told; on both catalogs."""

import threading
import uuid
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from ops.catalog.open import Catalog
from ops.catalog.tables.alerts import Alert
from ops.catalog.tables.core import JournalRow, Notice, Occurrence, Run
from ops.catalog.tables.index import Snapshot
from ops.catalog.tables.sites import KnownSite
from ops.drills.findings import find_terms, settle
from ops.drills.kind import drill_job
from ops.drills.records import Conclusion, NewDrill, begin_drill, choose_copy, conclude_drill
from ops.drills.rotation.job import AskedDrill, ask_after, ask_for_next
from ops.drills.rotation.read import read_facts, read_plan, read_standing
from ops.drills.rotation.rotation import Need
from ops.duties.reminders import make_setting
from ops.duties.table.load import load_duties
from ops.estate.load.load import load_estate
from ops.estate.model.estate import Estate
from ops.jobs.definitions import list_jobs
from ops.schedule.ledger import claims, due, endings
from ops.schedule.ledger.endings import BY_CLOCK, Recording
from ops.schedule.ledger.job import JobResult
from ops.status.daily_summary import tell_problems
from tests.people import origin_of

MONDAY = datetime(2027, 2, 15, 0, 15, tzinfo=UTC)  # 07:15 in the organisation's zone
WINDOW = datetime(2027, 2, 15, 18, 30, tzinfo=UTC)  # 01:30, in the second half of the window
ESTATE = """
schema = 1
[organisation]
name = "Trung tâm"
language = "en"
[notices]
relay = "json://localhost/"
[catalog]
url = "sqlite:///unused.db"
[keys]
repository = "file:keys/repository.key"
[[stores]]
name = "near"
url = "stores/near"
role = "primary"
location = "đây"
medium = "disk"
[[stores]]
name = "offsite"
url = "stores/offsite"
role = "copy"
of = "near"
key = "file:keys/offsite.key"
location = "kia"
medium = "disk"
[[units]]
name = "xa"
title = "Xã"
[[people]]
name = "nva"
title = "Nguyễn Văn A"
[[systems]]
name = "cong-ttdt"
level = 3
[[sites]]
name = "cong"
title = "Cổng"
unit = "xa"
owner = "nva"
system = "cong-ttdt"
role = "main"
  [[sites.files]]
  name = "www"
  path = "cong"
[[sites]]
name = "xa"
title = "Xã"
unit = "xa"
  [[sites.files]]
  name = "www"
  path = "xa"
"""


@pytest.fixture
def estate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Estate:
    path = tmp_path / "estate.toml"
    path.write_text(ESTATE, encoding="utf-8")
    monkeypatch.setenv("GIUCONG_ESTATE", str(path))
    monkeypatch.setenv("GIUCONG_LANG", "en")
    return load_estate(path)


def begin(catalog: Catalog, estate: Estate, known: date = date(2027, 2, 1)) -> None:
    """Have the sites known and backed up, and their jobs listed."""
    since = datetime.combine(known, datetime.min.time(), UTC)
    with catalog.writing() as session:
        for site in estate.sites:
            session.add(KnownSite(name=site.name, since=since, estate=""))
            for number, store in enumerate(estate.stores):
                session.add(
                    Snapshot(
                        site=site.name, store=store.name, id=str(number) * 64, taken_at=MONDAY,
                        hostname=site.name, paths=[f"/{site.name}"], tags=[],
                    )
                )  # fmt: skip
        due.register_jobs(session, list_jobs(estate), MONDAY, Recording())


def drilled(
    catalog: Catalog,
    estate: Estate,
    site: str,
    at: datetime,
    outcome: str = "ok",
    *,
    store: str = "near",
    **more: object,
) -> None:
    new = NewDrill(site=site, incident_at=at, **more)  # type: ignore[arg-type]  # a builder
    terms = find_terms(estate, site, at)
    with catalog.writing() as session:
        drill = begin_drill(session, origin_of("nva"), new, now=at)
        choose_copy(session, drill, store=store, snapshot="a" * 64, taken_at=at)
        ended = Conclusion(outcome=outcome, reason="" if outcome == "ok" else "differs")  # type: ignore[arg-type]  # one of the house
        conclude_drill(session, origin_of("nva"), drill, ended, now=at)
        settle(session, origin_of("nva"), drill, owner=terms.owner, due=terms.due, now=at)


def ask(catalog: Catalog, estate: Estate, now: datetime = MONDAY) -> AskedDrill | None:
    with catalog.writing() as session:
        return ask_for_next(session, estate, now, BY_CLOCK)


def occurrences(catalog: Catalog) -> Sequence[Occurrence]:
    with catalog.reading() as session:
        return session.execute(select(Occurrence).order_by(Occurrence.created_at)).scalars().all()


def plan(catalog: Catalog, estate: Estate, now: datetime = MONDAY) -> dict[tuple[str, str], Need]:
    with catalog.reading() as session:
        return {(it.duty, it.subject): it for it in read_plan(session, estate, now)}


def end(catalog: Catalog, asked: AskedDrill, outcome: str, now: datetime) -> None:
    """Run what was asked for, as a worker does, with the service's listener."""
    recording = Recording(BY_CLOCK, lambda session, events: ask_after(session, events, now))
    with catalog.writing() as session:
        (claim,) = claims.claim_due(session, jobs=[asked.job], now=now, limit=1, host="here")
        claims.begin_run(session, claim.run_id, pid=1, now=now)
        result = JobResult(outcome, "differs")  # type: ignore[arg-type]  # one of the house
        endings.end_run(session, claim.run_id, result, now=now, recording=recording)


def test_a_due_drill_is_asked_for_once_in_its_sites_window(
    catalog: Catalog, estate: Estate
) -> None:
    begin(catalog, estate)
    asked = ask(catalog, estate)
    again = ask(catalog, estate, MONDAY + timedelta(minutes=1))

    assert asked is not None
    assert asked.due_at == WINDOW
    assert again is None
    (row,) = occurrences(catalog)
    assert (row.kind, row.state, row.trigger, row.due_at) == ("drill", "due", "clock", WINDOW)
    assert row.arguments == {"store": "near"}
    with catalog.reading() as session:
        query = select(JournalRow).where(JournalRow.action == "job.asked")
        told = session.execute(query).scalars().one()
    assert (told.subject, told.via) == (row.job, "clock")
    assert asked.entry.duty in told.reason


def test_of_two_services_that_look_at_once_one_asks(catalog: Catalog, estate: Estate) -> None:
    begin(catalog, estate)
    ready = threading.Barrier(4)

    def look(number: int) -> AskedDrill | None:
        ready.wait()
        return ask(catalog, estate, MONDAY + timedelta(seconds=number))

    with ThreadPoolExecutor(4) as pool:
        asked = [it for it in pool.map(look, range(4)) if it]

    assert len(asked) == len(occurrences(catalog)) == 1


def test_without_a_backup_nothing_is_asked_for(catalog: Catalog, estate: Estate) -> None:
    assert ask(catalog, estate) is None
    entries = plan(catalog, estate)
    assert {it.hindrance for it in entries.values()} == {"no_backup"}


def test_when_one_has_ended_the_next_is_asked_for(catalog: Catalog, estate: Estate) -> None:
    begin(catalog, estate)
    first = ask(catalog, estate)
    assert first is not None
    night = WINDOW + timedelta(minutes=1)
    end(catalog, first, "failed", night)
    rows = occurrences(catalog)

    assert [it.state for it in rows] == ["ended", "due"]
    assert rows[1].job != first.job
    assert rows[1].due_at == night
    entry = plan(catalog, estate, night)[first.entry.duty, first.entry.subject]
    assert (entry.hindrance, entry.tries) == ("tried", 1)
    assert entry.ready_on == date(2027, 2, 17)


def test_what_stands_in_the_catalog_is_read(catalog: Catalog, estate: Estate) -> None:
    begin(catalog, estate)
    drilled(catalog, estate, "xa", MONDAY, "failed", engine="restic", store="offsite")
    drilled(catalog, estate, "cong", MONDAY, source="archive")
    with catalog.writing() as session:
        drill = begin_drill(
            session, BY_CLOCK, NewDrill(site="cong", incident_at=MONDAY, scope="file"), now=MONDAY
        )
        for summary in ({}, {"drill": drill}):
            session.add(
                Run(
                    id=uuid.uuid4(), job=drill_job("cong", "file"), kind="drill", site="cong",
                    host="h", pid=1, started_at=MONDAY, ended_at=MONDAY, outcome="failed",
                    summary=summary,
                )
            )  # fmt: skip
    with catalog.reading() as session:
        setting = make_setting(estate, MONDAY)
        facts = read_facts(session, estate, load_duties(estate).duties, setting)

    kinds = [(it.site, it.scope, it.engine, it.store, it.outcome) for it in facts.drills]
    assert kinds == [
        ("xa", "site", "restic", "offsite", "failed"),
        ("cong", "archive", "ours", "near", "ok"),
        ("cong", "file", "ours", "", ""),
        ("cong", "file", "ours", "", "failed"),
    ]
    (finding,) = facts.findings
    assert (finding.site, finding.engine, finding.store) == ("xa", "restic", "offsite")
    assert finding.due_on == find_terms(estate, "xa", MONDAY).due
    assert facts.stores == {"cong": ["near", "offsite"], "xa": ["near", "offsite"]}


def test_a_finding_is_asked_for_first_and_ends_with_a_good_drill(
    catalog: Catalog, estate: Estate
) -> None:
    begin(catalog, estate)
    drilled(catalog, estate, "xa", MONDAY - timedelta(days=2), "failed", store="offsite")
    asked = ask(catalog, estate)

    assert asked is not None
    assert (asked.entry.duty, asked.job) == ("drill-finding-fixed", "drill/xa")
    assert occurrences(catalog)[0].arguments == {"store": "offsite"}
    drilled(catalog, estate, "xa", MONDAY, store="offsite")
    assert ("drill-finding-fixed", "xa") not in plan(catalog, estate)


def test_a_finding_about_a_store_or_site_that_is_no_more_asks_for_nothing(
    catalog: Catalog, estate: Estate
) -> None:
    begin(catalog, estate)
    drilled(catalog, estate, "xa", MONDAY - timedelta(days=60), "failed", store="retired")
    drilled(catalog, estate, "gone", MONDAY - timedelta(days=60), "failed")
    tell_problems(catalog, MONDAY)

    assert not any(it.finding for it in plan(catalog, estate).values())
    assert not any(it.startswith("drill_finding") for it in alerts(catalog))


def alerts(catalog: Catalog) -> dict[str, tuple[str, bool]]:
    with catalog.reading() as session:
        rows = session.execute(select(Alert)).scalars()
        return {it.subject: (it.severity, it.closed_at is not None) for it in rows}


def test_overdue_drills_alert_once_and_end_with_a_good_one(
    catalog: Catalog, estate: Estate
) -> None:
    begin(catalog, estate, known=date(2026, 12, 1))
    subject = "drill_overdue:drill-component-site"
    told = tell_problems(catalog, MONDAY)
    again = tell_problems(catalog, MONDAY + timedelta(minutes=5))
    with catalog.reading() as session:
        standing = read_standing(session, estate, MONDAY)
        notices = session.execute(select(Notice)).scalars().all()
        times = session.execute(select(Alert.times).where(Alert.subject == subject)).scalar_one()

    assert told == len(standing.overdue) == len(notices) > 3
    assert (again, times) == (0, 1)
    assert alerts(catalog)[subject] == ("warning", False)
    for duty in standing.overdue:
        assert duty.due_on < MONDAY.date()
    drilled(catalog, estate, "xa", MONDAY)
    tell_problems(catalog, MONDAY + timedelta(minutes=10))
    assert alerts(catalog)[subject] == ("warning", True)
    assert not alerts(catalog)["drill_overdue:drill-random-file"][1]


def test_a_finding_whose_day_has_passed_alerts(catalog: Catalog, estate: Estate) -> None:
    begin(catalog, estate)
    drilled(catalog, estate, "cong", MONDAY - timedelta(days=30), "incomplete")
    tell_problems(catalog, MONDAY)
    (subject,) = [it for it in alerts(catalog) if it.startswith("drill_finding_overdue:")]
    drilled(catalog, estate, "cong", MONDAY)
    tell_problems(catalog, MONDAY)

    assert alerts(catalog)[subject] == ("warning", True)
