"""Evidence, versions and approvals over real rows, on SQLite and on PostgreSQL."""

import hashlib
import json
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from ops.catalog.open import Catalog
from ops.catalog.tables.copies import Medium
from ops.catalog.tables.core import JournalRow, Run
from ops.catalog.tables.drills import Drill, DrillFinding
from ops.catalog.tables.index import Snapshot, StoreSeen
from ops.catalog.tables.plans import DutyVersion, Plan, PolicyVersion
from ops.catalog.tables.register import Asset, Document
from ops.duties.evidence.due import Period, due_of
from ops.duties.evidence.events import list_not_fed
from ops.duties.evidence.judge import AgendaItem, find_verdicts, judge_due, list_agenda
from ops.duties.evidence.papers import state_done
from ops.duties.evidence.queries import Setting
from ops.duties.evidence.verdicts import Verdict
from ops.duties.policy_approved import (
    Decision,
    approve,
    find_standing,
    newest_approved,
    withdraw,
)
from ops.duties.table.load import (
    SHIPPED_DUTIES,
    SHIPPED_HOLIDAYS,
    DutySet,
    read_calendar,
    read_duties,
)
from ops.duties.table.models import Duty, Scope
from ops.duties.table.versions import find_differences, remember_duties
from ops.errors import OpsError, WrongUseError
from ops.estate.versions import remember_estate
from ops.journal import journal
from ops.journal.journal import Entry, Origin

ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
ORIGIN = Origin(via="cli", person="nva", document="12/BC-TTCNTT")
MARCH = Period(date(2026, 3, 1), date(2026, 3, 31))
ESTATE: dict[str, Any] = {
    "systems": [{"name": "cong", "level": 3}],
    "sites": [
        {"name": "a", "role": "main", "system": "cong"},
        {"name": "b", "role": "component", "system": None},
    ],
    "stores": [
        {"name": "near", "url": "/stores/near", "medium": "disk", "location": "Trung tâm"},
        {"name": "far", "url": "s3:https://s3/x", "medium": "object", "location": "Biên Hòa",
         "object_lock": {"mode": "governance", "days": 90}},
    ],
}  # fmt: skip
SETTING = Setting(ZONE, date(2026, 4, 10), ESTATE, read_calendar((SHIPPED_HOLIDAYS,)))
SHIPPED = read_duties((SHIPPED_DUTIES,))


def a_duty(evidence: dict[str, Any], kind: str = "site", **changes: Any) -> Duty:
    values: dict[str, Any] = {
        "name": "a-duty",
        "title": {"vi": "Việc", "en": "Work"},
        "basis": [{"document": "Quy chế", "certainty": "S"}],
        "valid_from": date(2026, 1, 1),
        "applies": {"kind": kind},
        "every": {"count": 1, "unit": "months"},
        "responsible": "operator",
        "evidence": evidence,
    }
    return Duty.model_validate(values | changes)


BACKUPS = a_duty({"query": "runs", "run_kind": "backup", "job": "backup/"})


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZONE)


def add_run(session: Session, site: str, ended: str, outcome: str = "ok", **more: str) -> uuid.UUID:
    run_id = uuid.uuid4()
    values = {"kind": "backup", "job": f"backup/{site}"} | more
    session.add(
        Run(
            id=run_id, site=site, host="h", pid=1, started_at=at(ended), ended_at=at(ended),
            outcome=outcome, **values,
        )
    )  # fmt: skip
    return run_id


def begin_records(session: Session, day: datetime = datetime(2026, 2, 1, tzinfo=UTC)) -> None:
    """Have the journal begin before the periods of a test; its triggers allow inserts alone."""
    session.add(
        JournalRow(
            sequence=1, at=day, person="", login="", via="clock", address="", requested_by="",
            reason="", document="", run="", software="", estate="", action="test.begun",
            subject="", details="{}", hash="0" * 64,
        )
    )  # fmt: skip
    session.flush()


def judged(
    catalog: Catalog, duty: Duty, period: Period = MARCH, setting: Setting = SETTING
) -> Mapping[str, Verdict]:
    with catalog.reading() as session:
        found = judge_due(session, due_of(duty, period, setting.calendar), setting)
    return {it.subject: it for it in found}


def outcomes(verdicts: Mapping[str, Verdict]) -> dict[str, tuple[str, str]]:
    return {name: (it.outcome, it.reason) for name, it in verdicts.items()}


def test_a_good_run_proves_and_points_to_its_row(catalog: Catalog) -> None:
    with catalog.writing() as session:
        begin_records(session)
        run_id = add_run(session, "a", "2026-03-31 23:59:59")
        add_run(session, "a", "2026-04-01 00:00:00", "failed")
        add_run(session, "b", "2026-03-02", "failed", reason="store")
    found = judged(catalog, BACKUPS)

    assert outcomes(found) == {"a": ("ok", "proven"), "b": ("failed", "failures")}
    assert [(it.table, it.row) for it in found["a"].pieces] == [("runs", str(run_id))]
    assert found["b"].lacking == ("b",)


def test_what_did_not_run_is_never_ok(catalog: Catalog) -> None:
    assert outcomes(judged(catalog, BACKUPS)) == dict.fromkeys("ab", ("not_checked", "no_records"))
    with catalog.writing() as session:
        begin_records(session)
        add_run(session, "a", "2026-03-05", "incomplete")
        add_run(session, "b", "2026-03-05", kind="forget", job="forget/b")
        add_run(session, "b", "2026-03-05", job="backup-database/b/db")
    running = Period(date(2026, 4, 1), date(2026, 4, 30))
    before = Period(date(2026, 1, 1), date(2026, 1, 31))

    assert outcomes(judged(catalog, BACKUPS)) == {
        "a": ("incomplete", "partly"),
        "b": ("missed", "nothing"),
    }
    assert set(outcomes(judged(catalog, BACKUPS, running)).values()) == {
        ("not_checked", "nothing_yet")
    }
    assert set(outcomes(judged(catalog, BACKUPS, before)).values()) == {
        ("not_checked", "no_records")
    }


def test_a_run_that_failed_and_was_repeated_well_is_good(catalog: Catalog) -> None:
    with catalog.writing() as session:
        begin_records(session)
        add_run(session, "a", "2026-03-05", "failed")
        add_run(session, "a", "2026-03-06")

    assert judged(catalog, BACKUPS)["a"].outcome == "ok"
    assert len(judged(catalog, BACKUPS)["a"].pieces) == 2


def restored(session: Session, site: str, **details: Any) -> None:
    values = {"include": [], "failed": 0, "in_place": False} | details
    journal.append(session, ORIGIN, [Entry("backup.restore", site, values)])


def this_month() -> tuple[Period, Setting]:
    today = datetime.now(ZONE).date()
    return Period(today.replace(day=1), today), Setting(ZONE, today, ESTATE, SETTING.calendar)


def test_a_restore_proves_when_it_was_whole_and_nothing_failed(catalog: Catalog) -> None:
    every, anyone = (
        a_duty({"query": "restores", "coverage": it}, "system") for it in ("every", "any")
    )
    sites = a_duty({"query": "restores"})
    period, setting = this_month()
    with catalog.writing() as session:
        restored(session, "a", include=["a/files/index.php"])
        restored(session, "b", failed=3)
    partly = outcomes(judged(catalog, sites, period, setting))
    with catalog.writing() as session:
        restored(session, "a")

    assert partly == {"a": ("incomplete", "partly"), "b": ("failed", "failures")}
    assert outcomes(judged(catalog, sites, period, setting))["a"] == ("ok", "proven")
    for duty in (every, anyone):
        assert outcomes(judged(catalog, duty, period, setting)) == {"cong": ("ok", "proven")}


def add_drill(session: Session, site: str, ended: str, outcome: str = "ok", **more: Any) -> str:
    values: dict[str, Any] = {
        "scope": "site", "source": "backup", "engine": "ours", "from_paper": False, "wanted": "",
        "store": "near", "snapshot": "", "run": "", "person": "nva", "via": "cli", "reason": "",
        "document": "", "reason_code": "", "params": {}, "minutes_sha256": "",
    }  # fmt: skip
    drill = uuid.uuid4()
    moments = {name: at(ended) for name in ("incident_at", "started_at", "ended_at")}
    session.add(Drill(id=drill, site=site, outcome=outcome, **{**values, **moments, **more}))
    session.flush()
    return str(drill)


def test_a_drill_of_a_whole_site_proves_as_a_restore_does(catalog: Catalog) -> None:
    with catalog.writing() as session:
        begin_records(session)
        drill = add_drill(session, "a", "2026-03-05")
        add_drill(session, "b", "2026-03-05", scope="file")
    found = judged(catalog, a_duty({"query": "restores"}))

    assert [(it.table, it.row) for it in found["a"].pieces] == [("drills", drill)]
    assert outcomes(found) == {"a": ("ok", "proven"), "b": ("missed", "nothing")}


@pytest.mark.parametrize("outcome", ["failed", "incomplete", "not_checked", "skipped"])
@pytest.mark.parametrize("query", ["restores", "drills"])
def test_a_drill_that_did_not_go_well_proves_nothing(
    catalog: Catalog, query: str, outcome: str
) -> None:
    with catalog.writing() as session:
        begin_records(session)
        add_drill(session, "a", "2026-03-05", outcome)
        add_drill(session, "b", "2026-02-28")

    found = judged(catalog, a_duty({"query": query}))
    assert [it.outcome == "ok" for it in found.values()] == [False, False]


@pytest.mark.parametrize(
    ("proof", "proven"),
    [
        ({}, {"restic", "paper", "whole"}),
        ({"scope": "file"}, {"file"}),
        ({"engine": "restic"}, {"restic"}),
        ({"from_paper": True}, {"paper"}),
    ],
)
def test_a_duty_names_which_drills_prove_it(
    catalog: Catalog, proof: dict[str, Any], proven: set[str]
) -> None:
    kinds: dict[str, dict[str, Any]] = {
        "whole": {}, "file": {"scope": "file"}, "restic": {"engine": "restic"},
        "paper": {"from_paper": True}, "archive": {"source": "archive"},
    }  # fmt: skip
    with catalog.writing() as session:
        begin_records(session)
        for site, kind in kinds.items():
            add_drill(session, site, "2026-03-05", **kind)
    estate = ESTATE | {"sites": [{"name": it, "role": "component"} for it in kinds]}
    found = judged(
        catalog, a_duty({"query": "drills"} | proof), setting=replace(SETTING, estate=estate)
    )

    assert {name for name, it in found.items() if it.outcome == "ok"} == proven


def test_one_good_drill_of_any_component_site_is_enough(catalog: Catalog) -> None:
    duty = a_duty({"query": "drills", "coverage": "any"}, "organisation")
    of_role = duty.model_copy(update={"applies": Scope(kind="organisation", role="component")})
    with catalog.writing() as session:
        begin_records(session)
        add_drill(session, "a", "2026-03-05")

    assert outcomes(judged(catalog, duty)) == {"": ("ok", "proven")}
    assert outcomes(judged(catalog, of_role)) == {"": ("missed", "nothing")}
    without = replace(SETTING, estate=ESTATE | {"sites": ESTATE["sites"][:1]})
    assert judged(catalog, of_role, setting=without) == {}


def test_a_finding_is_done_when_a_later_drill_has_closed_it(catalog: Catalog) -> None:
    duty = a_duty({"query": "findings"})
    with catalog.writing() as session:
        begin_records(session)
        for site in "ab":
            bad, good = (add_drill(session, site, it) for it in ("2026-03-05", "2026-04-02"))
            session.add(
                DrillFinding(
                    drill=uuid.UUID(bad), site=site, scope="site", code="x", params={}, owner="",
                    due=date(2026, 3, 20), opened_at=at("2026-03-05"),
                    fixed_by=uuid.UUID(good) if site == "a" else None,
                    closed_at=at("2026-04-02") if site == "a" else None,
                )
            )  # fmt: skip
    found = judged(catalog, duty)

    assert outcomes(found) == {"a": ("ok", "proven"), "b": ("incomplete", "partly")}
    (piece,) = found["a"].pieces
    assert piece.table == "drill_findings"
    assert len(piece.details["drills"]) == 1


def add_snapshot(session: Session, site: str, store: str, taken: str) -> None:
    session.add(
        Snapshot(
            site=site, store=store, id=f"{site}{store}".ljust(64, "0"), taken_at=at(taken),
            hostname=site, paths=[f"/{site}"], tags=[],
        )
    )  # fmt: skip


def test_copies_are_counted_with_media_places_and_locks(catalog: Catalog) -> None:
    rule = {"query": "copies", "copies": 2, "media": 2, "places": 2, "locked": 1, "remote": 1}
    april = Period(date(2026, 4, 1), date(2026, 4, 30))
    with catalog.writing() as session:
        begin_records(session)
        add_snapshot(session, "a", "near", "2026-04-02")
        add_snapshot(session, "a", "far", "2026-04-03")
        add_snapshot(session, "b", "near", "2026-04-02")
        add_snapshot(session, "b", "vanished", "2026-04-02")
    found = judged(catalog, a_duty(rule), april)

    assert outcomes(found) == {"a": ("ok", "proven"), "b": ("failed", "failures")}
    assert found["b"].pieces[0].details["copies"] == 1
    later = Setting(ZONE, date(2026, 6, 1), ESTATE, SETTING.calendar)
    assert judged(catalog, a_duty(rule), april, later)["b"].reason == "not_rebuildable"


def test_days_whose_records_a_recovery_has_lost_are_not_judged(catalog: Catalog) -> None:
    """Rows came back up to 3 March; the service was back on 6 March."""
    with catalog.writing() as session:
        begin_records(session)
        for sequence, day, action, details in (
            (2, 3, "backup.run", {}), (3, 6, "service.recovered", {"head": 2}),
        ):  # fmt: skip
            session.add(
                JournalRow(
                    sequence=sequence, at=datetime(2026, 3, day, 3, tzinfo=UTC), person="",
                    login="", via="clock", address="", requested_by="", reason="", document="",
                    run="", software="", estate="", action=action, subject="",
                    details=json.dumps(details), hash="0" * 64,
                )
            )  # fmt: skip
    days = [Period(it, it) for it in (date(2026, 3, day) for day in (2, 3, 4, 6, 7))]
    found = [judged(catalog, BACKUPS, it)["a"].reason for it in days]

    assert found == ["nothing", "no_records", "no_records", "no_records", "nothing"]


def test_copies_that_were_let_go_since_are_not_known_and_those_never_made_are_missed(
    catalog: Catalog,
) -> None:
    march, later = (
        Period(date(2026, 3, 1), date(2026, 3, 31)),
        replace(SETTING, today=date(2026, 6, 1)),
    )
    with catalog.writing() as session:
        begin_records(session)
        add_run(session, "a", "2026-03-05", "ok")
        add_run(session, "b", "2026-03-05", "failed")
    found = judged(catalog, a_duty({"query": "copies", "copies": 2}), march, later)

    assert outcomes(found) == {"a": ("not_checked", "not_rebuildable"), "b": ("missed", "nothing")}


def test_a_look_that_told_nothing_is_not_blamed_on_the_stores(catalog: Catalog) -> None:
    with catalog.writing() as session:
        begin_records(session)
        for site in ("a", "b"):
            add_run(session, site, "2026-03-05", "not_checked")

    assert outcomes(judged(catalog, BACKUPS)) == dict.fromkeys("ab", ("not_checked", "not_looked"))


def test_the_catalogue_of_copies_is_whole_when_every_store_was_listed(catalog: Catalog) -> None:
    april = Period(date(2026, 4, 1), date(2026, 4, 30))
    with catalog.writing() as session:
        begin_records(session)
        for site, store in (("a", "near"), ("a", "far"), ("b", "near")):
            session.add(
                StoreSeen(site=site, store=store, repository_id="r", seen_at=at("2026-04-05"),
                          snapshot_count=3)
            )  # fmt: skip

    assert outcomes(judged(catalog, a_duty({"query": "catalogue"}), april)) == {
        "a": ("ok", "proven"),
        "b": ("incomplete", "partly"),
    }


def test_a_month_stays_proven_when_the_copies_are_listed_anew_in_the_next(
    catalog: Catalog,
) -> None:
    april = Period(date(2026, 4, 1), date(2026, 4, 30))
    with catalog.writing() as session:
        begin_records(session)
        for store in ("near", "far"):
            run = add_run(session, "a", "2026-04-05", kind="check", job=f"check/a/{store}")
            session.flush()
            session.get_one(Run, run).summary = {"store": store, "snapshots": 3}
            session.add(
                StoreSeen(site="a", store=store, repository_id="r", seen_at=at("2026-05-05"),
                          snapshot_count=4)
            )  # fmt: skip
    later = Setting(ZONE, date(2026, 6, 1), ESTATE, SETTING.calendar)

    found = judged(catalog, a_duty({"query": "catalogue"}), april, later)["a"]
    assert (found.outcome, found.pieces[0].details["snapshots"]) == ("ok", 6)


def test_a_run_that_is_not_in_the_journal_is_found(catalog: Catalog) -> None:
    duty = a_duty({"query": "journal"}, "organisation")
    today = datetime.now(ZONE)
    period, setting = this_month()
    with catalog.writing() as session:
        run_id = add_run(session, "a", f"{today:%Y-%m-%d %H:%M}", "failed")
        origin = Origin(via="clock", run=str(run_id))
        journal.append(session, origin, [Entry("job.ended", "backup/a")])
    complete = judged(catalog, duty, period, setting)[""]
    with catalog.writing() as session:
        lost = add_run(session, "a", f"{today:%Y-%m-%d %H:%M}")
    found = judged(catalog, duty, period, setting)[""]

    assert complete.outcome == "ok"
    assert found.outcome == "failed"
    assert found.pieces[0].details["not_journaled"] == [str(lost)]


def test_a_statement_counts_for_its_own_period_and_subject(catalog: Catalog) -> None:
    duty = a_duty({"query": "statement"})
    with catalog.writing() as session:
        begin_records(session, datetime(2026, 2, 1, tzinfo=UTC))
        day = date(2026, 3, 30)
        state_done(session, ORIGIN, duty="a-duty", subject="a", period=MARCH.key, done_on=day)
    found = judged(catalog, duty)

    assert outcomes(found) == {"a": ("stated", "by_word"), "b": ("missed", "nothing")}
    assert judged(catalog, duty, Period(date(2026, 4, 1), date(2026, 4, 30)))["a"].outcome == (
        "not_checked"
    )


def test_a_statement_of_work_done_too_late_says_so(catalog: Catalog) -> None:
    duty = a_duty({"query": "statement"}, "organisation", due={"count": 5, "unit": "days"})
    for day, expected in ((6, ("incomplete", "late")), (5, ("stated", "by_word"))):
        with catalog.writing() as session:
            done_on = date(2026, 4, day)
            state_done(
                session, ORIGIN, duty="a-duty", subject="", period=MARCH.key, done_on=done_on
            )
        assert outcomes(judged(catalog, duty)) == {"": expected}


def a_document(number: str = "7/BB", about: str = "", **more: Any) -> Document:
    digest = hashlib.sha256(f"{number} {about} {more}".encode()).hexdigest()
    values = {"dated": None, "added_at": at("2026-03-20")} | more
    return Document(
        sha256=digest, type="pdf", size_bytes=1, name="a.pdf", title="Biên bản", number=number,
        about=about, signatures=[], added_by="nva", **values,
    )  # fmt: skip


def an_issued(about: str, day: str, taken_back: str, sequence: int = 2, **more: Any) -> JournalRow:
    """Make the row that tells of a paper that was taken back; the chain is not this test's."""
    told = {"document": f"{sequence:032x}", "number": "05/BC", "day": day, "sha256": "ab" * 32,
            "signer": "not_checked"} | more  # fmt: skip
    return JournalRow(
        sequence=sequence, at=at(taken_back), person="nva", login="", via="cli", address="",
        requested_by="", reason="", document="", run="", software="", estate="",
        action="report.issued", subject=about, details=json.dumps(told), hash=f"{sequence:064x}",
    )  # fmt: skip


def state(session: Session, kept: Document | None = None, period: Period = MARCH) -> None:
    state_done(session, ORIGIN, duty="a-duty", subject="", period=period.key,
               done_on=period.start, kept=kept)  # fmt: skip


def test_a_kept_document_makes_a_statement_no_proof_but_is_named_with_its_hash(
    catalog: Catalog,
) -> None:
    duty = a_duty({"query": "statement"}, "organisation")
    with catalog.writing() as session:
        begin_records(session)
        kept = a_document()
        session.add(kept)
        session.flush()
        state(session, kept)
        digest = kept.sha256
    found = judged(catalog, duty)[""]

    assert (found.outcome, found.reason) == ("stated", "stated")
    assert found.pieces[0].details["document"] == "7/BB"
    assert found.pieces[0].details["sha256"] == digest


@pytest.mark.parametrize(
    ("seen", "expected"),
    [("ok", "ok"), ("failed", "failed"), ("incomplete", "incomplete"), ("", "stated")],
)
def test_a_statement_hides_nothing_that_the_service_saw(
    catalog: Catalog, seen: str, expected: str
) -> None:
    duty = a_duty({"query": "runs", "run_kind": "backup", "coverage": "any"}, "organisation")
    with catalog.writing() as session:
        begin_records(session)
        state(session)
        if seen:
            add_run(session, "a", "2026-03-10", seen)

    assert judged(catalog, duty)[""].outcome == expected


def test_the_estate_of_that_day_says_whom_a_duty_concerned(catalog: Catalog) -> None:
    period, setting = this_month()
    then = {**ESTATE, "sites": [{"name": "old", "role": "main", "system": "cong"}]}
    with catalog.writing() as session:
        remember_estate(session, then, now=datetime.now(UTC), origin=ORIGIN)

    assert set(judged(catalog, BACKUPS, period, setting)) == {"old"}
    assert set(judged(catalog, BACKUPS, MARCH, setting)) == {"a", "b"}  # before any version
    by_level = a_duty({"query": "statement"}, applies={"kind": "site", "levels": [3]})
    assert set(judged(catalog, by_level, MARCH, setting)) == {"a"}


def agenda_of(
    catalog: Catalog, duties: Sequence[Duty], setting: Setting, days: int
) -> list[AgendaItem]:
    with catalog.reading() as session:
        return list_agenda(session, DutySet(tuple(duties)), setting, days)


def test_the_agenda_holds_what_is_missed_and_what_comes(catalog: Catalog) -> None:
    report = a_duty({}, "organisation", name="report", lead={"count": 5, "unit": "days"})
    with catalog.writing() as session:
        begin_records(session)
        add_run(session, "a", "2026-03-05")
    found = agenda_of(catalog, [BACKUPS, report], SETTING, 30)

    assert [(it.due.duty.name, it.when, it.outcome) for it in found] == [
        ("a-duty", "overdue", "missed"),
        ("report", "overdue", "missed"),
        ("report", "ahead", "not_checked"),
    ]
    assert [it.subject for it in found[0].open] == ["b"]


def test_each_medium_is_due_by_its_own_first_day(catalog: Catalog) -> None:
    months = {"GC-01": date(2023, 5, 2), "GC-02": date(2026, 1, 15), "GC-03": date(2023, 3, 1)}
    with catalog.writing() as session:
        for code, started_on in months.items():
            session.add(
                Medium(code=code, kind="disk", started_on=started_on, kept_at="", holder="",
                       written_at=at("2026-03-01"), contents=[])
            )  # fmt: skip
    duties = SHIPPED.named("media-renewal")
    found = agenda_of(catalog, duties, SETTING, 30)
    with catalog.reading() as session:
        verdicts = find_verdicts(session, duties[0], SETTING, 2026)

    told = [(it.verdicts[0].subject, it.when, it.due.day, it.outcome) for it in found]
    assert told == [
        ("GC-03", "overdue", date(2026, 3, 1), "missed"),
        ("GC-01", "ahead", date(2026, 5, 2), "not_checked"),
    ]
    assert [it.subject for it in verdicts] == ["GC-01", "GC-03"]


def write_rows(catalog: Catalog, *entries: Entry) -> None:
    with catalog.writing() as session:
        journal.append(session, ORIGIN, entries)


EVENTS = (
    Entry("backup.restore", "a", {"in_place": True}),
    Entry("backup.restore", "b", {"in_place": False}),
    Entry("job.ended", "backup/b", {"outcome": "failed"}),
    Entry("job.ended", "backup/a", {"outcome": "ok"}),
    Entry("job.ended", "check/a", {"outcome": "failed"}),
    Entry("secret.stored", "file:db", {"replaced": False}),
)


def test_what_the_journal_tells_of_brings_the_duties_that_come_with_it(catalog: Catalog) -> None:
    _period, setting = this_month()
    write_rows(catalog, *EVENTS)
    for key in ("file:old", "file:new"):
        with catalog.writing() as session:
            changed = {**ESTATE, "keys": {"repository": key}}
            remember_estate(session, changed, now=datetime.now(UTC), origin=ORIGIN)
    ours = [it for it in SHIPPED.duties if it.event]
    found = agenda_of(catalog, ours, setting, 0)

    assert sorted(
        (it.due.duty.name, [v.subject for v in it.verdicts], it.when) for it in found
    ) == [
        ("failed-backup-redone", ["b"], "ahead"),
        ("key-copy-renewed", [""], "ahead"),
        ("restore-minutes", ["a"], "ahead"),
    ]


def test_what_an_event_asked_for_is_overdue_until_it_is_proven(catalog: Catalog) -> None:
    _period, setting = this_month()
    write_rows(catalog, EVENTS[0])
    duties = SHIPPED.named("restore-minutes")
    later = replace(setting, today=setting.today + timedelta(days=30))
    (missed,) = agenda_of(catalog, duties, later, 0)
    with catalog.writing() as session:
        state_done(
            session, ORIGIN, duty="restore-minutes", subject="a", period=missed.due.period.key,
            done_on=setting.today,
        )  # fmt: skip
    with catalog.reading() as session:
        (verdict,) = find_verdicts(session, duties[0], setting, setting.today.year)

    assert (missed.when, missed.outcome) == ("overdue", "missed")
    assert agenda_of(catalog, duties, later, 0) == []
    assert (verdict.subject, verdict.outcome) == ("a", "stated")


def test_events_that_nobody_records_are_named() -> None:
    found = list_not_fed(SHIPPED.duties, date(2026, 11, 24))

    assert "spokesperson-appointed" in found
    fed = {"backup-failed", "restored-over-production", "key-changed", "planned-stop",
           "planned-stop-called-off"}  # fmt: skip
    assert not (fed | {"last-sign-in"}) & {*found}


def test_the_notice_of_a_planned_stop_is_due_before_it(catalog: Catalog) -> None:
    duties = SHIPPED.named("planned-stop-notice")
    today = datetime.now(UTC).astimezone(ZONE).date()
    setting = replace(SETTING, today=today)
    begins = datetime.combine(SETTING.calendar.add_working_days(today, 9), time(22), ZONE)
    write_rows(catalog, Entry("stop.planned", "a", {"begins": begins.isoformat()}))
    (due,) = agenda_of(catalog, duties, setting, 0)
    with catalog.writing() as session:
        state_done(
            session, ORIGIN, duty="planned-stop-notice", subject="", period=due.due.period.key,
            done_on=today,
        )  # fmt: skip

    assert due.due.day == SETTING.calendar.add_working_days(today, 2)
    assert (due.when, due.due.period.start) == ("ahead", today)
    assert agenda_of(catalog, duties, setting, 0) == []


def test_a_stop_that_is_called_off_needs_no_notice_but_one_that_it_is_where_it_was_announced(
    catalog: Catalog,
) -> None:
    names = ("planned-stop-notice", "called-off-stop-notice")
    duties = tuple(it for name in names for it in SHIPPED.named(name))
    setting = replace(SETTING, today=datetime.now(UTC).astimezone(ZONE).date())
    begins = datetime.combine(setting.today + timedelta(days=30), time(22), ZONE).isoformat()
    planned = Entry("stop.planned", "a", {"begins": begins})
    write_rows(catalog, planned)
    assert [it.due.duty.name for it in agenda_of(catalog, duties, setting, 0)] == [names[0]]

    write_rows(catalog, Entry("stop.called-off", "a", {"begins": begins}))
    assert agenda_of(catalog, duties, setting, 0) == []

    write_rows(catalog, planned)
    assert [it.due.duty.name for it in agenda_of(catalog, duties, setting, 0)] == [names[0]]
    announced = {"begins": begins, "was_announced": True}
    write_rows(catalog, Entry("stop.called-off", "a", announced))
    assert [it.due.duty.name for it in agenda_of(catalog, duties, setting, 0)] == [names[1]]


def test_nothing_is_overdue_before_the_records_begin(catalog: Catalog) -> None:
    found = agenda_of(catalog, SHIPPED.duties, SETTING, 0)

    assert [it for it in found if it.when == "overdue"] == []


def test_each_set_of_duties_is_kept_once_and_its_change_journaled(catalog: Catalog) -> None:
    now = datetime(2026, 4, 1, tzinfo=UTC)
    first, second = DutySet((BACKUPS,)), DutySet((BACKUPS.model_copy(update={"figure": "own"}),))
    for duties in (first, first, second, first):
        with catalog.writing() as session:
            remember_duties(session, duties, now=now, origin=ORIGIN)
    with catalog.reading() as session:
        kept = session.execute(select(func.count()).select_from(DutyVersion)).scalar_one()
        rows = session.execute(select(JournalRow.details).order_by(JournalRow.sequence)).scalars()
        details = [json.loads(it) for it in rows]
        differences = find_differences(session, second)

    assert kept == 2
    key = "duties[a-duty@2026-01-01].figure"
    assert [it["changes"] for it in details] == [{}, {key: ["law", "own"]}, {key: ["own", "law"]}]
    assert differences.from_journaled == {key: ["law", "own"]}
    assert "duties[malware-scan@2026-07-01].responsible" in differences.from_shipped


def approve_table(
    session: Session, table: dict[str, Any], number: str = "12/QĐ", kept: Document | None = None
) -> bool:
    decision = Decision(number, date(2026, 3, 10), date(2027, 3, 10))
    now = datetime(2026, 3, 11, tzinfo=UTC)
    return approve(session, ORIGIN, table, decision, now=now, kept=kept)


def test_an_approval_is_kept_journaled_and_compared(catalog: Catalog) -> None:
    table = {"rows": [{"name": "news/a", "copies": 2, "sites": ["a"]}]}
    other = {"rows": [{"name": "news/a", "copies": 1, "sites": ["a"]}]}
    with catalog.writing() as session:
        assert approve_table(session, table)
        assert not approve_table(session, table)
    with pytest.raises(OpsError, match="recorded already"), catalog.writing() as session:
        approve_table(session, other)
    with catalog.reading() as session:
        approved = newest_approved(session)
        rows = session.execute(select(JournalRow)).scalars().all()
        stored = session.execute(select(PolicyVersion)).scalar_one()

    assert approved is not None
    assert (approved.number, approved.review_on) == ("12/QĐ", date(2027, 3, 10))
    assert stored.recorded_by == "nva"
    assert [(it.action, it.subject) for it in rows] == [("duty.policy-approved", "12/QĐ")]
    same = find_standing(approved, table, date(2027, 3, 10))
    assert not same.is_finding
    assert find_standing(approved, table, date(2027, 3, 11)).is_review_due
    changed = find_standing(approved, other, date(2026, 4, 1))
    assert changed.changes == {"rows[news/a].copies": [2, 1]}
    assert find_standing(None, table, date(2026, 4, 1)).is_finding


def test_a_record_written_by_mistake_is_taken_back_and_stays_in_the_journal(
    catalog: Catalog,
) -> None:
    wrong = Decision("1/QĐ", date(2026, 3, 12), date(2027, 3, 12))
    with catalog.writing() as session:
        approve_table(session, {"rows": []})
        approve(session, ORIGIN, {"rows": []}, wrong, now=datetime(2026, 3, 12, tzinfo=UTC))
        withdraw(session, ORIGIN, "1/QĐ", wrong.decided_on)
    with pytest.raises(WrongUseError, match="is recorded"), catalog.writing() as session:
        withdraw(session, ORIGIN, "1/QĐ", wrong.decided_on)
    with catalog.writing() as session:
        approved = newest_approved(session)
        row = session.execute(
            select(JournalRow).where(JournalRow.action == "duty.policy-withdrawn")
        ).scalar_one()
        assert approve(session, ORIGIN, {"rows": []}, wrong, now=datetime(2026, 3, 13, tzinfo=UTC))

    assert approved is not None
    assert approved.number == "12/QĐ"
    assert json.loads(row.details)["decided_on"] == "2026-03-12"


def test_an_approved_policy_proves_the_yearly_review(catalog: Catalog) -> None:
    duty = a_duty({"query": "policy"}, "organisation", every={"count": 1, "unit": "years"})
    year = Period(date(2026, 1, 1), date(2026, 12, 31))
    before = judged(catalog, duty, year)[""]
    with catalog.writing() as session:
        approve_table(session, {"rows": []})
    typed = outcomes(judged(catalog, duty, year))
    with catalog.writing() as session:
        kept = a_document("12/QĐ")
        session.add(kept)
        assert approve_table(session, {"rows": []}, kept=kept)
        assert not approve_table(session, {"rows": []}, kept=kept)

    assert before.outcome == "not_checked"
    assert typed == {"": ("stated", "by_word")}
    assert outcomes(judged(catalog, duty, year)) == {"": ("ok", "proven")}


def add_journal(session: Session, action: str, subject: str, details: dict[str, Any]) -> None:
    journal.append(session, ORIGIN, [Entry(action, subject, details)])


def test_an_issued_paper_proves_by_its_own_day(catalog: Catalog) -> None:
    duty = a_duty({"query": "issued", "papers": ["annual"]}, "organisation",
                  due={"count": 5, "unit": "days"})  # fmt: skip
    with catalog.writing() as session:
        begin_records(session)
    assert judged(catalog, duty)[""].outcome == "missed"
    with catalog.writing() as session:  # whoever keeps documents may say what they are about
        session.add(a_document(about="report:annual:2026", dated=date(2026, 4, 1)))
    assert judged(catalog, duty)[""].outcome == "missed"
    signed = {"signed_at": "2026-04-05T03:00:00+00:00"}
    for sequence, (about, day, taken_back, more, expected) in enumerate((
        ("report:site:2026", "2026-04-01", "2026-04-02", {}, "missed"),
        ("report:annual:2025", "2026-04-01", "2026-04-02", {}, "missed"),
        ("report:annual:2026", "2026-03-30", "2026-04-02", {}, "incomplete"),  # it was not over
        ("report:annual:2026", "2026-04-03", "2026-04-02", {}, "incomplete"),  # it was to come
        ("report:annual:2026", "2026-04-06", "2026-04-07", {}, "incomplete"),
        ("report:annual:2026", "2026-04-01", "2026-04-08", signed, "ok"),
    ), start=2):  # fmt: skip
        with catalog.writing() as session:
            session.add(an_issued(about, day, taken_back, sequence, **more))
        assert judged(catalog, duty)[""].outcome == expected


@pytest.mark.parametrize(
    ("day", "taken_back", "more", "expected"),
    [
        ("2026-04-05", "2026-04-05", {}, ("ok", "by_paper")),
        ("2026-04-05", "2026-04-08", {}, ("stated", "stated")),
        ("2026-04-01", "2026-04-08", {"signed_at": "2026-04-07T03:00:00+00:00"},
         ("incomplete", "late")),
        ("2026-04-01", "2026-04-08", {"signed_at": "2026-04-02T03:00:00+00:00",
                                      "signer": "checked"}, ("ok", "proven")),
    ],
)  # fmt: skip
def test_the_day_of_a_scan_that_came_late_is_somebody_s_word(
    catalog: Catalog, day: str, taken_back: str, more: dict[str, Any], expected: tuple[str, str]
) -> None:
    duty = a_duty({"query": "issued", "papers": ["annual"]}, "organisation",
                  due={"count": 5, "unit": "days"})  # fmt: skip
    with catalog.writing() as session:
        begin_records(session)
        session.add(an_issued("report:annual:2026", day, taken_back, **more))

    assert outcomes(judged(catalog, duty)) == {"": expected}


@pytest.mark.parametrize("stage", ["submitted", "reviewed"])
def test_a_plan_proves_once_it_has_come_so_far(catalog: Catalog, stage: str) -> None:
    duty = a_duty({"query": "planned", "stage": stage}, "organisation",
                  due={"count": 46, "unit": "days", "before": True},
                  every={"count": 1, "unit": "years"})  # fmt: skip
    year = Period(date(2026, 1, 1), date(2026, 12, 31))
    setting = replace(SETTING, today=date(2027, 1, 10))
    with catalog.writing() as session:
        begin_records(session, datetime(2025, 12, 1, tzinfo=UTC))
        session.add(Plan(year=2027, authors=["nva"], made_at=at("2026-09-01"), made_by="nva"))
        session.add(Plan(year=2026, authors=["nva"], made_at=at("2025-09-01"), made_by="nva",
                         reviewed_at=at("2026-02-02"), submitted_at=at("2026-02-02")))  # fmt: skip
    assert judged(catalog, duty, year, setting)[""].outcome == "missed"
    for day, expected in (("2026-11-16", "incomplete"), ("2026-11-15", "ok")):
        with catalog.writing() as session:
            plan = session.execute(select(Plan).where(Plan.year == 2027)).scalar_one()
            setattr(plan, f"{stage}_at", at(day))
            plan.reviewed_by = "ttb"
        assert judged(catalog, duty, year, setting)[""].outcome == expected


@pytest.mark.parametrize(
    ("reviewer", "expected"), [("nva", "stated"), ("", "stated"), ("lvc", "stated"), ("ttb", "ok")]
)
def test_a_plan_is_reviewed_by_another_than_who_wrote_it(
    catalog: Catalog, reviewer: str, expected: str
) -> None:
    duty = a_duty({"query": "planned", "stage": "reviewed"}, "organisation",
                  every={"count": 1, "unit": "years"})  # fmt: skip
    year = Period(date(2026, 1, 1), date(2026, 12, 31))
    with catalog.writing() as session:
        begin_records(session, datetime(2025, 12, 1, tzinfo=UTC))
        session.add(Plan(year=2027, authors=["nva"], made_at=at("2026-09-01"), made_by="lvc",
                         reviewed_at=at("2026-10-01"), reviewed_by=reviewer))  # fmt: skip

    assert judged(catalog, duty, year)[""].outcome == expected


def test_a_list_proves_for_the_systems_of_which_it_holds_something(catalog: Catalog) -> None:
    period, setting = this_month()
    sites = [ESTATE["sites"][0], {"name": "b", "role": "component", "system": "khac"}]
    systems = [{"name": "cong", "level": 3}, {"name": "khac", "level": 2}]
    two = {**ESTATE, "systems": systems, "sites": sites}
    setting = replace(setting, estate=two)
    duty = a_duty({"query": "listed", "assets": ["server"]}, "system")
    with catalog.writing() as session:
        session.add(Asset(name="a", kind="server", title="x", system="cong",
                          changed_at=datetime.now(UTC)))  # fmt: skip
        session.add(Asset(name="b", kind="software", title="x", system="khac",
                          changed_at=datetime.now(UTC)))  # fmt: skip
        add_journal(session, "report.made", "annual", {})
    assert {it.outcome for it in judged(catalog, duty, period, setting).values()} != {"ok"}
    with catalog.writing() as session:
        add_journal(session, "report.made", "inventory", {})
    found = judged(catalog, duty, period, setting)

    assert {name: it.outcome for name, it in found.items()} == {
        "cong": "ok", "khac": "incomplete",
    }  # fmt: skip


def test_a_comparison_proves_where_every_host_was_looked_at(catalog: Catalog) -> None:
    period, setting = this_month()
    duty = a_duty({"query": "compared"}, "system")
    for hosts, left_out, expected in (
        ([], [], "incomplete"), (["web1"], ["web2"], "incomplete"), (["web1", "web2"], [], "ok"),
    ):  # fmt: skip
        with catalog.writing() as session:
            add_journal(session, "asset.compared", "", {"hosts": hosts, "not_checked": left_out})
        assert judged(catalog, duty, period, setting)["cong"].outcome == expected


def test_a_decided_plan_and_accepted_work_bring_their_duties(catalog: Catalog) -> None:
    _period, setting = this_month()
    day = setting.today - timedelta(days=2)
    told = {"at": datetime.combine(day, time.min, ZONE).isoformat()}
    write_rows(catalog, Entry("plan.decide", "2027", told), Entry("plan.complete", "2027", told))
    ours = [*SHIPPED.named("plan-to-ministry"), *SHIPPED.named("completion-information")]
    found = agenda_of(catalog, ours, setting, 30)

    assert {it.due.duty.name: it.due.period.start for it in found} == {
        "plan-to-ministry": day, "completion-information": day,
    }  # fmt: skip


def test_every_list_and_paper_duty_has_its_evidence() -> None:
    queries = {it.name: it.evidence.query for it in SHIPPED.duties}

    assert {name: queries[name] for name in (
        "hardware-list", "software-list", "hardware-scan", "software-scan", "portal-report",
        "security-report-owner", "yearly-plan", "yearly-review",
    )} == {
        "hardware-list": "listed", "software-list": "listed", "hardware-scan": "compared",
        "software-scan": "listed", "portal-report": "issued", "security-report-owner": "issued",
        "yearly-plan": "planned", "yearly-review": "planned",
    }  # fmt: skip
