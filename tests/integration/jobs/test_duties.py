"""Notices ahead of duties, once for each duty and period; and the tasks as people type them."""

import hashlib
import json
from collections import Counter
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from ops.alerts.notice_wording import NoticeRow, word_notice
from ops.catalog.open import Catalog
from ops.catalog.tables.core import JournalRow, Notice
from ops.duties.cli import show_due
from ops.duties.evidence.judge import find_verdicts
from ops.duties.evidence.papers import state_done
from ops.duties.evidence.record import record_done
from ops.duties.reminders import make_setting, note_duties
from ops.duties.table.load import load_duties
from ops.duties.tasks import Due, Record
from ops.errors import WrongUseError
from ops.estate.load.load import load_estate
from ops.journal import journal
from ops.journal.journal import Entry
from ops.schedule.ledger.endings import BY_CLOCK
from ops.status.facts import gather_facts
from ops.terminal.output import text_width
from tests.integration.jobs.small_estate import build_estate, giucong

MORE = """
[duties]
include = ["duties.local.toml"]
[notices]
relay = "env:GIUCONG_TEST_RELAY"
[[notices.routes]]
people = ["nva"]
"""
LOCAL = """
schema = 1
[[duties]]
name = "fire-extinguisher"
title = { vi = "Kiểm tra bình chữa cháy", en = "Check the fire extinguisher" }
basis = [{ document = "Trung tâm tự đặt", certainty = "own" }]
valid_from = 2026-01-01
applies = { kind = "organisation" }
every = { count = 3, unit = "months" }
lead = { count = 10, unit = "days" }
responsible = "nva"
"""
LEAD_BEGINS = datetime(2026, 12, 21, 2, tzinfo=UTC)


@pytest.fixture
def estate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = build_estate(tmp_path / "estate", MORE)
    (path.parent / "duties.local.toml").write_text(LOCAL, encoding="utf-8")
    (path.parent / "state").mkdir()
    monkeypatch.setenv("GIUCONG_ESTATE", str(path))
    monkeypatch.setenv("GIUCONG_TEST_RELAY", "mailto://127.0.0.1:1/?from=a@example.vn")
    return path


def keep_scan(estate: Path, number: str) -> str:
    """Keep a scan under a number; gives its hash."""
    path = estate.parent / "scan.png"
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + number.encode())
    kept = giucong(estate, "document.add", "--file", str(path), "--title", "Biên bản", "--number",
                   number)  # fmt: skip
    assert kept.returncode == 0, kept.stderr
    return hashlib.sha256(path.read_bytes()).hexdigest()


def digests(catalog: Catalog) -> list[Notice]:
    with catalog.reading() as session:
        query = select(Notice).where(Notice.code == "duties").order_by(Notice.subject_key)
        return list(session.execute(query).scalars())


def told_of(catalog: Catalog, duty: str) -> list[tuple[str, str]]:
    """Give the keys under which a duty was told, and to whom."""
    return [
        (item["key"], row.target)
        for row in digests(catalog)
        for item in row.params["items"]
        if item["duty"] == duty
    ]


def test_each_duty_and_period_is_told_once_when_its_day_of_reminding_comes(
    catalog: Catalog,
) -> None:
    note_duties(catalog, LEAD_BEGINS - timedelta(days=1))
    early = told_of(catalog, "fire-extinguisher")
    for hours in (0, 1, 24, 48):
        note_duties(catalog, LEAD_BEGINS + timedelta(hours=hours))
    first = told_of(catalog, "fire-extinguisher")
    note_duties(catalog, datetime(2027, 3, 23, tzinfo=UTC))
    both = told_of(catalog, "fire-extinguisher")

    assert early == []
    assert first == [("duty:fire-extinguisher:2026-12-31", "nva")]
    assert both == [*first, ("duty:fire-extinguisher:2027-03-31", "nva")]
    assert told_of(catalog, "daily-backup") == []  # goes on all the time: alerts are for that


def test_a_notice_says_law_or_own_target_in_both_languages(
    catalog: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    note_duties(catalog, LEAD_BEGINS)
    worded = {}
    (row,) = digests(catalog)
    for duty in ("fire-extinguisher", "security-report-ministry"):
        items = [it for it in row.params["items"] if it["duty"] == duty]
        told = NoticeRow(
            row.severity, row.code, {"items": items}, row.job, row.site, row.created_at
        )
        for language in ("vi", "en"):
            monkeypatch.setenv("GIUCONG_LANG", language)
            worded[duty, language] = word_notice(told, organisation="TT", zone="Asia/Ho_Chi_Minh")

    assert "hạn ngày 31/12/2026" in worded["fire-extinguisher", "vi"].title
    assert "own target" in worded["fire-extinguisher", "en"].body
    basis = "Điều 35, Điều 36 và Mẫu số 08 Nghị định số 331/2026/NĐ-CP"
    assert basis in worded["security-report-ministry", "vi"].body
    assert "is due on 24/12/2026" in worded["security-report-ministry", "en"].title


def test_at_the_end_of_the_year_each_person_gets_one_message_a_day(
    catalog: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIUCONG_LANG", "en")
    for days in range(12):
        note_duties(catalog, LEAD_BEGINS + timedelta(days=days))
    rows = digests(catalog)
    keys = [item["key"] for row in rows for item in row.params["items"]]
    it = rows[0]
    told = NoticeRow(it.severity, it.code, it.params, it.job, it.site, it.created_at)
    message = word_notice(told, organisation="TT", zone="Asia/Ho_Chi_Minh")

    assert len({row.subject_key for row in rows}) == len(rows)  # one person has a route
    assert len(keys) == len(set(keys)) > len(rows)
    assert f"{len(it.params['items'])} duties are due soon" in message.title
    assert message.body.count("●") == len(it.params["items"]) > 3
    assert "giucong duty.due" in message.body


def test_a_changed_set_of_duties_is_journaled_once(catalog: Catalog, estate: Path) -> None:
    note_duties(catalog, LEAD_BEGINS)
    note_duties(catalog, LEAD_BEGINS + timedelta(days=1))
    local = estate.parent / "duties.local.toml"
    local.write_text(LOCAL.replace("count = 3", "count = 6"), encoding="utf-8")
    note_duties(catalog, LEAD_BEGINS + timedelta(days=2))
    with catalog.reading() as session:
        query = select(JournalRow.details).where(JournalRow.action == "duty.changed")
        rows = session.execute(query.order_by(JournalRow.sequence)).scalars()
        details = [json.loads(it) for it in rows]

    assert len(details) == 2
    assert details[1]["changes"] == {"duties[fire-extinguisher@2026-01-01].every.count": [3, 6]}


def test_tables_with_mistakes_are_told_themselves(catalog: Catalog, estate: Path) -> None:
    (estate.parent / "duties.local.toml").write_text("schema = ", encoding="utf-8")
    counts = [note_duties(catalog, LEAD_BEGINS + timedelta(hours=it)) for it in (0, 1)]
    with catalog.reading() as session:
        (row,) = session.execute(select(Notice)).scalars().all()
    told = NoticeRow(row.severity, row.code, row.params, row.job, row.site, row.created_at)

    assert counts == [1, 0]
    assert "giucong duty.list" in word_notice(told, organisation="TT", zone="UTC").body


def test_a_review_of_roles_is_overdue_until_somebody_records_it(
    catalog: Catalog, estate: Path
) -> None:
    with catalog.writing() as session:
        journal.append(session, BY_CLOCK, [Entry("backup.run", "cong-xa")])
    loaded = load_estate(estate)
    later = datetime(2028, 2, 1, tzinfo=UTC)

    def overdue() -> list[str]:
        return [it.duty for it in gather_facts(loaded, catalog, later).reviews]

    before = overdue()
    with catalog.writing() as session:
        told = {"subject": "", "rows": 2, "lacking": []}
        journal.append(session, BY_CLOCK, [Entry("duty.reviewed", "role-review", told)])
        row = session.execute(select(JournalRow).where(JournalRow.action == "duty.reviewed"))
        assert row.scalar_one().at.year < 2027
    assert overdue() == before  # another year's
    with catalog.writing() as session:
        state_done(
            session, BY_CLOCK, duty="role-review", subject="", period="2027-12-31",
            done_on=date(2027, 12, 1),
        )  # fmt: skip

    assert before == ["role-review"]
    assert overdue() == []


def test_what_an_event_asked_for_is_recorded_by_its_day(
    catalog: Catalog, estate: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with catalog.writing() as session:
        entry = Entry("backup.restore", "cong-xa", {"in_place": True})
        journal.append(session, BY_CLOCK, [entry])
    today = datetime.now(load_estate(estate).zone).date().isoformat()
    wish = Record(
        duty="restore-minutes", period=today, document="7/BB", subject="cong-xa",
        elsewhere="Khôi phục bằng lệnh, không qua quy trình",
    )  # fmt: skip
    show_due(Due(days=7, json=True))
    before = json.loads(capsys.readouterr().out)
    with pytest.raises(WrongUseError, match="no document"):
        record_done(wish)
    keep_scan(estate, "7/BB")
    record_done(wish)
    with pytest.raises(WrongUseError, match="no period"):
        record_done(replace(wish, duty="incident-first-report", subject=""))
    capsys.readouterr()
    show_due(Due(days=7, json=True))
    after = json.loads(capsys.readouterr().out)

    assert "restore-minutes" in [it["duty"] for it in before["items"]]
    assert "restore-minutes" not in [it["duty"] for it in after["items"]]
    assert "spokesperson-appointed" in after["events_not_fed"]


@pytest.mark.slow
def test_roles_are_reviewed_and_that_proves_the_duty(estate: Path) -> None:
    words = ("duty.review", "--duty", "role-review")
    shown = giucong(estate, *words)
    before = giucong(estate, "duty.evidence", "--duty", "role-review")
    done = giucong(estate, *words, "--conclusion", "Không ai thừa vai trò")
    after = giucong(estate, "duty.evidence", "--duty", "role-review", "--json")
    row = json.loads(after.stdout)["items"][-1]
    stated = giucong(estate, "duty.record", "--duty", "role-review", "--period", "2026-12-01")
    other = giucong(estate, "duty.review", "--duty", "daily-backup", "--subject", "cong-xa")

    assert shown.returncode == 0, shown.stderr
    assert "passed: 0" in before.stdout
    assert done.returncode == 0, done.stderr
    assert row["outcome"] == "incomplete"  # nobody holds a role here: nothing was gone over
    assert row["pieces"][-1]["details"]["conclusion"] == "Không ai thừa vai trò"
    assert (stated.returncode, "duty.review --duty role-review" in stated.stderr) == (2, True)
    assert (other.returncode, "nothing is gathered" in other.stderr) == (2, True)


@pytest.mark.slow
@pytest.mark.parametrize("language", ["vi", "en"])
def test_the_tasks_fit_a_terminal_in_both_languages(
    estate: Path, catalog: Catalog, language: str
) -> None:
    note_duties(catalog, LEAD_BEGINS)
    commands = (
        ["duty.list"],
        ["duty.due", "--days", "90"],
        ["duty.evidence", "--duty", "restore-test-every-site"],
        ["duty.evidence", "--duty", "daily-backup"],
        ["duty.evidence", "--duty", "incident-first-report"],
        ["duty.diff"],
        ["duty.policy"],
        ["drill.list", "--due"],
    )
    for command in commands:
        ended = giucong(estate, *command, language=language)
        lines = ended.stdout.splitlines()
        assert (ended.returncode, ended.stderr) == (0, ""), command
        assert lines
        assert max(map(text_width, lines)) <= 120, command
        machine = giucong(estate, *command, "--json", language=language)
        assert machine.returncode == 0, machine.stderr
        assert json.loads(machine.stdout)["schema"] == 1


@pytest.mark.slow
def test_an_approval_and_a_statement_are_recorded_and_shown(estate: Path) -> None:
    approve = ("duty.policy", "--approve", "--number", "12/QĐ-TTCNTT", "--date", "20/11/2026")
    future = giucong(estate, *approve[:3], "1/QĐ", "--date", "2099-01-01")
    tried = giucong(estate, *approve, "--dry-run")
    before = json.loads(giucong(estate, "duty.policy", "--json").stdout)["standing"]
    done = giucong(estate, *approve)
    after = json.loads(giucong(estate, "duty.policy", "--json").stdout)["standing"]
    text = estate.read_text(encoding="utf-8")
    estate.write_text(text.replace('full_read = ""', 'full_read = "0 2 1 * *"'), encoding="utf-8")
    changed = giucong(estate, "duty.due").stdout
    record = ("duty.record", "--duty", "fire-extinguisher", "--period", "2026-10-05")
    unknown = giucong(estate, *record, "--document", "7/BB")
    spoken = giucong(estate, *record)
    digest = keep_scan(estate, "7/BB")
    stated = giucong(estate, *record, "--document", "7/BB")
    counted = giucong(estate, "duty.evidence", "--duty", "fire-extinguisher", "--year", "2026")
    shown = json.loads(giucong(estate, "duty.evidence", "--duty", "fire-extinguisher", "--year",
                               "2026", "--json").stdout)["items"]  # fmt: skip
    daily = ("duty.record", "--duty", "daily-backup", "--period", "2026-10-05", "--subject",
             "cong-xa")  # fmt: skip
    refused = giucong(estate, *daily, "--document", "7/BB")
    bare = giucong(estate, *daily, "--elsewhere", "Sao ra đĩa rời bằng tay")
    elsewhere = giucong(estate, *daily, "--document", "7/BB", "--elsewhere", "Sao ra đĩa rời")

    assert (future.returncode, "future" in future.stderr) == (2, True)
    assert "would record" in tried.stdout
    assert before["number"] is None
    assert done.returncode == 0, done.stderr
    assert (after["number"], after["review_on"]) == ("12/QĐ-TTCNTT", "2027-11-20")
    assert not after["is_finding"]
    assert "differs from the policy approved by 12/QĐ-TTCNTT" in changed
    assert stated.returncode == 0, stated.stderr
    assert (unknown.returncode, "`giucong document.add`" in unknown.stderr) == (2, True)
    assert (spoken.returncode, "by word of mouth" in spoken.stdout) == (0, True)
    assert digest in stated.stdout
    assert "passed: 0 · stated, not proven: 1" in counted.stdout
    (row,) = (it for it in shown if it["until"] == "2026-12-31")
    assert (row["outcome"], row["reason"]) == ("stated", "stated")
    assert row["pieces"][-1]["details"]["sha256"] == digest
    assert (refused.returncode, bare.returncode, elsewhere.returncode) == (2, 2, 0)
    assert "made by `giucong service.trigger --job backup/SITE`" in refused.stderr
    assert "needs a document" in bare.stderr


def test_measures_of_the_level_stand_as_what_rests_on_the_text_does(
    catalog: Catalog, estate: Path
) -> None:
    loaded = load_estate(estate)
    (duty,) = load_duties(loaded).named("level-measures")
    setting = make_setting(loaded, datetime(2027, 3, 1, tzinfo=UTC))
    with catalog.reading() as session:
        (verdict,) = find_verdicts(session, duty, setting, 2027)
    (piece,) = verdict.pieces

    assert (verdict.outcome, piece.table) == ("incomplete", "verdicts")
    assert 0 == piece.details["proven"] < piece.details["of"]
    assert any("clock-right" in it for it in piece.details["lacking"])


@pytest.mark.slow
def test_whoever_types_a_string_for_every_duty_turns_none_green(
    catalog: Catalog, estate: Path
) -> None:
    text = estate.read_text(encoding="utf-8")
    systems = "".join(f'[[systems]]\nname = "ht-{it}"\ntitle = "HT {it}"\nlevel = {it}\n'
                      for it in (1, 2, 3))  # fmt: skip
    at_site = text.replace('unit = "xa"\n', 'unit = "xa"\nsystem = "ht-3"\n', 1)
    estate.write_text(f"{at_site}\n{systems}", encoding="utf-8")
    now = datetime.now(UTC)
    ahead = (now + timedelta(days=40)).isoformat()
    with catalog.writing() as session:
        journal.append(session, BY_CLOCK, [
            Entry("backup.restore", "cong-xa", {"in_place": True}),
            Entry("drill.finding", "cong-xa", {}),
            Entry("secret.stored", "file:/k", {"replaced": True}),
            Entry("register.incident", "cong-xa", {"entry": "2026-001", "at": now.isoformat()}),
            Entry("register.breach", "cong-xa", {"entry": "2026-001", "at": now.isoformat()}),
            Entry("stop.planned", "cong-xa", {"begins": ahead, "code": "cong-xa-1"}),
            Entry("plan.decide", "2027", {"at": now.isoformat()}),
            Entry("plan.complete", "2027", {"at": now.isoformat()}),
        ])  # fmt: skip
    loaded = load_estate(estate)
    duties, setting = load_duties(loaded).duties, make_setting(loaded)

    def standings() -> Counter[tuple[str, str]]:
        with catalog.reading() as session:
            return Counter(
                (verdict.outcome, duty.name)
                for duty in duties
                for verdict in find_verdicts(session, duty, setting, setting.today.year)
            )

    before, taken = standings(), set[str]()
    for duty in duties:
        for subject in ("", "cong-xa", *(f"ht-{it}" for it in (1, 2, 3))):
            bare = Record(duty=duty.name, period=setting.today.isoformat(), subject=subject)
            named = replace(bare, document="7/BB")
            for wish in (bare, named, replace(named, elsewhere="Trên giấy")):
                try:
                    record_done(wish)
                    taken.add(duty.name)
                except WrongUseError:
                    continue
    after = standings()

    green = {name: count for (outcome, name), count in after.items() if outcome == "ok"}
    assert green == {name: count for (outcome, name), count in before.items() if outcome == "ok"}
    stated = {name for outcome, name in after if outcome == "stated"}
    assert taken <= {it.name for it in duties if it.evidence.query == "statement"}
    assert stated == taken - {"shared-platform-minimum"}  # its only period ends years ahead
    assert {"penetration-test", "fire-extinguisher", "plan-to-ministry"} <= stated
