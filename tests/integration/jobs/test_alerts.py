"""Alerts in a real catalog: opened, escalated once, taken up, closed; the summary once a day."""

import json
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, text

from ops.alerts.courier import Courier, deliver_waiting
from ops.alerts.notice_wording import Message, NoticeRow, word_notice
from ops.alerts.outbox import escalate, write_green, write_notices
from ops.alerts.overview import list_alerts
from ops.alerts.records import acknowledge, read_open
from ops.catalog.open import Catalog, open_catalog
from ops.catalog.tables.alerts import Alert
from ops.catalog.tables.core import Job, JournalRow, Notice, Occurrence
from ops.catalog.tables.index import Snapshot
from ops.estate.load.load import load_estate
from ops.estate.versions import remember_estate
from ops.jobs.definitions import list_jobs
from ops.schedule.ledger import overview
from ops.schedule.ledger.claims import begin_run, claim_due
from ops.schedule.ledger.endings import BY_CLOCK, Recording, end_run, record_events
from ops.schedule.ledger.job import JobResult, LedgerEvent
from ops.status.daily_summary import note_summary, tell_problems
from tests.instant_clock import InstantClock
from tests.integration.jobs.small_estate import build_estate, giucong
from tests.smtp_sink import smtp_sink

# apprise imports a module that Python 3.13 no longer has, and has an answer for that
pytestmark = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")

MORE = """
[[people]]
name = "ttb"
title = "Trần Thị B"
mail = "ttb@example.vn"
[notices]
relay = "env:GIUCONG_TEST_RELAY"
escalate_after_minutes = 30
[[notices.routes]]
severity = "warning"
people = ["ttb"]
[[notices.roster]]
person = "nva"
from = 2020-01-01
until = 2100-01-01
"""
ANOTHER_SITE = """
[[sites]]
name = "cong-tam"
title = "Cổng tạm"
unit = "xa"
  [[sites.files]]
  name = "www"
  path = "www"
"""
WAIT = timedelta(minutes=30)


def an_event(**changes: Any) -> LedgerEvent:
    values: dict[str, Any] = {
        "occasion": "ended", "job": "backup/cong-xa", "kind": "backup", "site": "cong-xa",
        "due_at": datetime(2026, 11, 24, 18, tzinfo=UTC), "outcome": "failed", "reason": "lost",
        "attempt": 3,
    }  # fmt: skip
    return LedgerEvent(**values | changes)


FAILED = an_event()
GOOD = an_event(outcome="ok", reason="", due_at=datetime(2026, 11, 25, 18, tzinfo=UTC))


@pytest.fixture
def estate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, port: int) -> Path:
    del port
    path = build_estate(tmp_path / "estate", MORE)
    (path.parent / "state").mkdir()
    monkeypatch.setenv("GIUCONG_ESTATE", str(path))
    monkeypatch.setenv("LOGNAME", "nobody-in-particular")
    monkeypatch.delenv("SUDO_USER", raising=False)
    return path


def tell(catalog: Catalog, *events: LedgerEvent) -> None:
    with catalog.writing() as session:
        record_events(session, Recording(listener=write_notices), list(events))


def targets(catalog: Catalog, prefix: str = "") -> list[str]:
    with catalog.reading() as session:
        query = select(Notice.target).where(Notice.subject_key.startswith(prefix))
        return list(session.execute(query.order_by(Notice.created_at, Notice.target)).scalars())


def test_a_failure_opens_one_alert_and_a_good_run_closes_it(catalog: Catalog) -> None:
    tell(catalog, FAILED)
    tell(catalog, an_event(due_at=GOOD.due_at - timedelta(hours=1)))
    with catalog.reading() as session:
        (alert,) = list_alerts(session)
    tell(catalog, GOOD)
    with catalog.reading() as session:
        still_open = read_open(session)
        (row,) = session.execute(select(Alert)).scalars()

    assert (alert.subject, alert.severity, alert.times) == ("job:backup/cong-xa", "critical", 2)
    assert [(it.target, it.state) for it in alert.told] == [("nva", "waiting")]
    assert still_open == []
    assert row.closed_at is not None


def test_a_run_by_hand_closes_an_alert_and_opens_none(catalog: Catalog) -> None:
    tell(catalog, FAILED)
    with catalog.writing() as session:
        record_events(session, Recording(listener=write_green), [an_event(job="check/cong-xa")])
        record_events(session, Recording(listener=write_green), [GOOD])
    with catalog.reading() as session:
        assert read_open(session) == []


def test_the_second_person_is_told_once_when_nobody_answers(catalog: Catalog) -> None:
    tell(catalog, FAILED)
    now = datetime.now(UTC)
    steps = [escalate(catalog, now + delay) for delay in (WAIT / 2, WAIT * 2, WAIT * 2.5, WAIT * 9)]

    assert steps == [0, 1, 0, 0]
    assert targets(catalog) == ["nva", "ttb"]


def test_nobody_more_is_told_after_somebody_has_answered(catalog: Catalog) -> None:
    tell(catalog, FAILED)
    now = datetime.now(UTC)
    with catalog.writing() as session:
        (alert,) = read_open(session)
        taken = [acknowledge(session, alert.id, name, "on it", now) for name in ("nva", "ttb")]

    assert taken == [True, False]
    assert escalate(catalog, now + timedelta(days=2)) == 0
    assert targets(catalog) == ["nva"]


def test_an_answer_no_longer_holds_when_it_gets_graver(catalog: Catalog) -> None:
    tell(catalog, an_event(outcome="incomplete", reason="unreadable",
                           params={"count": 1, "first": []}))  # fmt: skip
    with catalog.writing() as session:
        (alert,) = read_open(session)
        acknowledge(session, alert.id, "ttb", "seen", datetime.now(UTC))
    tell(catalog, an_event(due_at=GOOD.due_at))
    with catalog.reading() as session:
        (graver,) = read_open(session)

    assert (alert.severity, graver.severity, graver.acked_at) == ("warning", "critical", None)
    assert escalate(catalog, datetime.now(UTC) + timedelta(hours=1)) == 2  # both are reminded
    assert targets(catalog) == ["ttb", "nva", "nva", "ttb"]


def take_up(catalog: Catalog) -> None:
    with catalog.writing() as session:
        (alert,) = read_open(session)
        assert acknowledge(session, alert.id, "ttb", "on it", datetime.now(UTC))


def test_what_somebody_has_taken_up_tells_nobody_until_its_cause_changes(catalog: Catalog) -> None:
    hour = timedelta(hours=1)
    tell(catalog, FAILED)
    take_up(catalog)
    again = [an_event(due_at=FAILED.due_at + hour * count) for count in (1, 2, 3)]
    for event in again:
        tell(catalog, event)
    with catalog.reading() as session:
        (alert,) = list_alerts(session)
        waiting = session.execute(select(Notice).where(Notice.state == "waiting")).all()
    tell(catalog, an_event(due_at=FAILED.due_at + hour * 4, reason="store_full"))
    with catalog.reading() as session:
        (other,) = read_open(session)

    assert (alert.times, alert.acked_by, waiting) == (4, "ttb", [])
    assert [(it.target, it.state) for it in alert.told] == [("nva", "dropped")]
    assert other.acked_at is None  # the answer was to another cause
    assert targets(catalog) == ["nva", "nva"]


def test_who_has_looked_at_one_loss_is_told_of_the_next(catalog: Catalog) -> None:
    def lose(*tables: str, hours: int) -> None:
        losses = [{"what": "table", "part": "db", "name": it, "before": 9, "now": 0}
                  for it in tables]  # fmt: skip
        params = {"oddities": [], "losses": losses, "lost": len(losses)}
        due_at = FAILED.due_at + timedelta(hours=hours)
        tell(catalog, an_event(outcome="ok", reason="suspicious", params=params, due_at=due_at))

    lose("users", hours=0)
    take_up(catalog)
    lose("users", hours=1)
    assert targets(catalog) == ["ttb"]
    lose("users", "news", hours=2)
    assert targets(catalog) == ["ttb", "ttb"]
    with catalog.reading() as session:
        (alert,) = read_open(session)
    assert alert.acked_at is None


def test_the_summary_still_names_what_somebody_has_taken_up(catalog: Catalog, port: int) -> None:
    tell(catalog, an_event(job="backup/cong-xa/db"))
    take_up(catalog)
    morning = datetime.now(UTC).replace(hour=1) + timedelta(days=1)  # the summary is due at 07:30
    note_summary(catalog, morning)
    with smtp_sink(port) as sink:
        deliver_waiting(catalog, morning + timedelta(days=1))

    assert sink.mails
    assert all("lần sao lưu 25/11/2026 01:00 +07:00 thất bại" in it.body for it in sink.mails)


def test_a_late_site_is_an_alert_until_it_has_a_young_backup(catalog: Catalog) -> None:
    now = datetime(2026, 11, 24, 18, tzinfo=UTC)

    def add_snapshot(age: timedelta) -> None:
        with catalog.writing() as session:
            session.add(
                Snapshot(site="cong-xa", store="near", id=str(age), taken_at=now - age,
                         hostname="cong-xa", paths=["/cong-xa"], tags=[], summary={})
            )  # fmt: skip

    def look() -> list[tuple[str, int]]:
        tell_problems(catalog, now)
        with catalog.reading() as session:
            return [(it.subject, it.times) for it in read_open(session)]

    add_snapshot(timedelta(days=3))
    found = [look(), look()]
    add_snapshot(timedelta(hours=1))
    found.append(look())

    assert found == [[("late:cong-xa", 1)], [("late:cong-xa", 1)], []]


def test_whoever_got_the_alarm_is_told_when_it_is_over(catalog: Catalog) -> None:
    tell(catalog, FAILED)
    escalate(catalog, datetime.now(UTC) + WAIT * 2)
    tell(catalog, GOOD)
    with catalog.reading() as session:
        query = select(Notice).where(Notice.severity == "info").order_by(Notice.target)
        over = [(it.target, it.code, it.params["was"]) for it in session.execute(query).scalars()]

    assert over == [("nva", "cleared", "failed"), ("ttb", "cleared", "failed")]


def test_a_run_by_hand_tells_the_others_that_it_is_over(catalog: Catalog) -> None:
    tell(catalog, FAILED)
    with catalog.writing() as session:
        record_events(session, Recording(listener=write_green), [GOOD, GOOD])

    assert targets(catalog, "cleared:") == ["nva"]


def test_a_vanished_site_is_told_once_and_so_is_that_it_is_back(
    catalog: Catalog, estate: Path
) -> None:
    gone = estate.read_text(encoding="utf-8")
    whole = gone + ANOTHER_SITE
    now = datetime.now(UTC)

    def look(text: str) -> tuple[int, list[str]]:
        estate.write_text(text, encoding="utf-8")
        with catalog.writing() as session:
            remember_estate(session, load_estate(estate).document(), now=now, origin=BY_CLOCK)
        count = tell_problems(catalog, now)
        with catalog.reading() as session:
            return count, [it.subject for it in read_open(session) if it.code == "vanished"]

    found = [look(text) for text in (whole, gone, gone, whole + "#\n", gone)]
    vanished = "vanished:cong-tam"
    notices = {key: targets(catalog, key) for key in (f"{vanished}:0", f"{vanished}:1", "cleared:")}
    back = worded(catalog, "cleared:")

    assert [count for count, _open in found[:4]] == [0, 1, 0, 1]
    assert [it for _count, it in found] == [[], [vanished], [vanished], [], [vanished]]
    assert notices == {f"{vanished}:0": ["nva"], f"{vanished}:1": ["nva"], "cleared:": ["nva"]}
    assert "trở lại bình thường" in back.title
    assert "lại có tên trong tệp khai báo" in back.body


def worded(catalog: Catalog, prefix: str) -> Message:
    with catalog.reading() as session:
        query = select(Notice).where(Notice.subject_key.startswith(prefix)).limit(1)
        row = session.execute(query).scalar_one()
    told = NoticeRow(row.severity, row.code, row.params, row.job, row.site, row.created_at)
    return word_notice(told, organisation="TT", zone="Asia/Ho_Chi_Minh")


def test_the_service_itself_is_late_like_any_site(catalog: Catalog) -> None:
    now = datetime.now(UTC)
    with catalog.writing() as session:
        session.add(
            Snapshot(site="giucong", store="near", id="own", taken_at=now - timedelta(days=3),
                     hostname="giucong", paths=["/giucong"], tags=[], summary={})
        )  # fmt: skip
    tell_problems(catalog, now)

    assert len(targets(catalog, "late:giucong:")) == 1


def test_an_alert_about_a_retired_job_is_closed(catalog: Catalog) -> None:
    now = datetime.now(UTC)
    tell(catalog, FAILED)
    with catalog.writing() as session:
        session.add(
            Job(name="backup/cong-xa", kind="backup", site="cong-xa", schedule="",
                timezone="UTC", spread_key="", listed_until=now, retired_at=now)
        )  # fmt: skip
    tell_problems(catalog, now)
    with catalog.reading() as session:
        assert read_open(session) == []


@pytest.mark.slow
def test_a_relay_that_is_dead_for_a_day_loses_and_doubles_nothing(
    catalog: Catalog, port: int
) -> None:
    clock, start = InstantClock(), datetime.now(UTC)
    tell(catalog, FAILED)

    def look() -> int:
        now = start + timedelta(seconds=clock.monotonic())
        escalate(catalog, now)
        clock.sleep(timedelta(minutes=5))
        return deliver_waiting(catalog, now)

    dead = sum(look() for _turn in range(24 * 12))
    with smtp_sink(port) as sink:
        alive = sum(look() for _turn in range(24 * 12))
    with catalog.reading() as session:
        states = list(session.execute(select(Notice.state)).scalars())

    assert (dead, alive) == (0, 2)
    assert states == ["sent", "sent"]
    assert sorted(mail.recipients for mail in sink.mails) == [
        ("nva@example.vn",),
        ("ttb@example.vn",),
    ]
    second = next(mail for mail in sink.mails if mail.recipients == ("ttb@example.vn",))
    assert "CHƯA CÓ NGƯỜI NHẬN XỬ LÝ: nghiêm trọng: Cổng xã Bình Minh" in second.subject
    assert "Đã 30 phút chưa có người nhận xử lý. Những người đã được báo: nva." in second.body
    assert "giucong monitor.ack --alert " in second.body


MORNING = datetime(2026, 11, 25, 0, 30, tzinfo=UTC)


def test_the_summary_comes_once_a_day_whatever_happens(estate: Path, port: int) -> None:
    del port
    url = f"sqlite:///{estate.parent / 'state/giucong.db'}"
    moments = [
        MORNING - timedelta(minutes=1),
        MORNING,
        MORNING + timedelta(seconds=5),
        MORNING + timedelta(hours=9),
        MORNING - timedelta(hours=2),  # the clock goes back, and on again
        MORNING,
        MORNING + timedelta(days=3, hours=2),  # after a standstill: the day's own, late
        MORNING + timedelta(days=3, hours=3),
        MORNING + timedelta(days=4),
    ]
    written = []
    for moment in moments:
        catalog = open_catalog(url)  # each time a service that has just started
        written.append(note_summary(catalog, moment))
        catalog.close()

    assert written == [0, 2, 0, 0, 0, 0, 2, 0, 2]


def test_the_summary_says_what_is_red_or_that_all_is_well(catalog: Catalog, port: int) -> None:
    with catalog.writing() as session:
        session.add(
            Snapshot(site="cong-xa", store="near", id="x", taken_at=MORNING - timedelta(hours=3),
                     hostname="cong-xa", paths=["/cong-xa"], tags=[], summary={})
        )  # fmt: skip
    note_summary(catalog, MORNING)
    note_summary(catalog, MORNING + timedelta(days=2))
    with smtp_sink(port) as sink:
        deliver_waiting(catalog, datetime.now(UTC) + timedelta(days=30))
    by_subject = {mail.subject: mail.body for mail in sink.mails if "nva@example.vn" in
                  mail.recipients}  # fmt: skip

    calm = next(text for subject, text in by_subject.items() if "25/11/2026" in subject)
    red = next(text for subject, text in by_subject.items() if "27/11/2026" in subject)
    assert calm.startswith("25/11/2026: không có cảnh báo")
    assert "1 trên 1 trang có bản sao lưu đúng mục tiêu" in calm
    assert red.splitlines()[0] == "27/11/2026: 1 cảnh báo đang mở"
    assert "● cong-xa: " in red
    assert "backup.run --site cong-xa" in red


@pytest.mark.slow
def test_what_is_tried_again_is_said_where_people_look(catalog: Catalog, estate: Path) -> None:
    jobs = {job.name: job for job in list_jobs(load_estate(estate))}
    job, now = jobs["backup/cong-xa"], datetime.now(UTC)
    failed = JobResult("failed", "something-new")
    with catalog.writing() as session:
        overview.trigger(session, job, now=now, origin=BY_CLOCK)
    told = []
    for attempt in (1, 2, 3):
        with catalog.writing() as session:
            later = now + attempt * timedelta(hours=1)
            (claim,) = claim_due(session, jobs=[job.name], now=later, limit=1, host="here")
            begin_run(session, claim.run_id, pid=1, now=now)
            recording = Recording(listener=write_notices)
            end_run(session, claim.run_id, failed, now=now, recording=recording, retry=job.retry)
        told.append((giucong(estate, "monitor.alerts"), giucong(estate).stdout))

    for alerts, all_red in told[:2]:
        assert alerts.returncode == 0
        assert "No alert is open." in alerts.stdout
        assert "when the last try fails too" in " ".join(all_red.split())
        assert "nobody answers yet" not in all_red
    assert "backup/cong-xa: it has failed 2 of 3 times" in told[1][0].stdout
    assert told[2][0].returncode == 1
    assert "last try" not in told[2][0].stdout + told[2][1]


def test_an_alert_is_listed_and_taken_up_at_the_terminal(catalog: Catalog, estate: Path) -> None:
    tell(catalog, FAILED)
    listed = giucong(estate, "monitor.alerts")
    (alert,) = json.loads(giucong(estate, "monitor.alerts", "--json").stdout)["items"]
    assert alert["headline"] in " ".join(listed.stdout.split())
    assert "{" not in json.dumps([alert[it] for it in ("headline", "what", "why", "next_step")])
    rehearsed = giucong(estate, "monitor.ack", "--alert", alert["id"], "--note", "x", "--dry-run")
    empty = giucong(estate, "monitor.ack", "--alert", alert["id"], "--note", " ")
    unknown = giucong(estate, "monitor.ack", "--alert", "ffffffff0", "--note", "x")
    before = targets(catalog)
    taken = giucong(estate, "monitor.ack", "--alert", alert["id"], "--note", "disk is full")
    again = giucong(estate, "monitor.ack", "--alert", alert["id"], "--note", "me too")
    alone = giucong(estate)
    with catalog.reading() as session:
        query = select(JournalRow).where(JournalRow.action == "alert.ack")
        (row,) = session.execute(query).scalars()

    assert listed.returncode == 1
    assert "told: nva (not delivered yet)" in listed.stdout
    assert "nobody answers yet: `giucong monitor.ack --alert" in listed.stdout
    assert (rehearsed.returncode, empty.returncode, unknown.returncode) == (0, 2, 2)
    assert (taken.returncode, again.returncode) == (0, 1)
    assert 'says: "disk is full"' in again.stderr
    assert (row.subject, row.login) == ("job:backup/cong-xa", "nobody-in-particular")
    assert json.loads(row.details)["note"] == "disk is full"
    assert "taken up by nobody-in-particular" in alone.stdout
    assert before == targets(catalog)


def test_missed_runs_are_no_problem_once_somebody_has_looked(
    catalog: Catalog, estate: Path
) -> None:
    def miss(hours: int) -> None:
        now = datetime.now(UTC)
        with catalog.writing() as session:
            session.add(
                Occurrence(job="backup/cong-xa", kind="backup", site="cong-xa", state="ended",
                           due_at=now - timedelta(hours=hours), outcome="missed", reason="down",
                           params={}, arguments={}, trigger="clock", attempts=0, created_at=now,
                           ended_at=now)
            )  # fmt: skip

    said, told = "1 run was missed", "runs.missed-seen"
    miss(2)
    before = giucong(estate).stdout
    empty = giucong(estate, "service.missed", "--seen")
    rehearsed = giucong(estate, "service.missed", "--seen", "--note", "moved", "--dry-run")
    still = giucong(estate).stdout
    noted = giucong(estate, "service.missed", "--seen", "--note", "moved")
    after = giucong(estate)
    miss(3)
    anew = giucong(estate).stdout

    assert (empty.returncode, rehearsed.returncode, noted.returncode) == (2, 0, 0)
    assert [said in text for text in (before, still, after.stdout, anew)] == [
        True, True, False, True,
    ]  # fmt: skip
    assert after.returncode == 1  # there is no backup yet: somebody is needed now
    with catalog.reading() as session:
        rows = session.execute(select(JournalRow).where(JournalRow.action == told)).scalars().all()
    assert [json.loads(row.details)["note"] for row in rows] == ["moved"]


@pytest.mark.slow
def test_a_test_message_says_of_each_target_what_came_of_it(
    estate: Path, port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    planned = giucong(estate, "service.notify-test", "--dry-run")
    dead = giucong(estate, "service.notify-test")
    with smtp_sink(port) as sink:
        alive = giucong(estate, "service.notify-test", "--person", "ttb")
    nobody = giucong(estate, "service.notify-test", "--person", "xyz")
    monkeypatch.delenv("GIUCONG_TEST_RELAY")
    unset = giucong(estate, "service.notify-test")

    assert (planned.returncode, dead.returncode, alive.returncode) == (0, 1, 0)
    assert (nobody.returncode, unset.returncode) == (2, 1)
    assert "nothing was sent" in planned.stdout
    assert dead.stdout.count("@example.vn") == 2
    assert [mail.recipients for mail in sink.mails] == [("ttb@example.vn",)]
    assert "TIN THỬ" in sink.mails[0].subject


def test_a_relay_that_is_no_mail_is_told_once_more(
    catalog: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIUCONG_TEST_RELAY", "json://127.0.0.1:1/")
    tell(catalog, FAILED)
    now = datetime.now(UTC)
    steps = [escalate(catalog, now + WAIT * number) for number in (2, 4, 6)]

    assert steps == [1, 0, 0]
    assert targets(catalog) == ["relay", "relay"]


@pytest.mark.slow
def test_a_summary_that_cannot_be_made_holds_no_notice_up(
    catalog: Catalog, estate: Path, port: int
) -> None:
    text_of_estate = estate.read_text()
    estate.write_text(text_of_estate.replace("[notices]", '[notices]\ndaily_summary = "00:00"'))
    tell(catalog, FAILED)
    with catalog.writing() as session:
        session.execute(text("ALTER TABLE snapshots RENAME TO taken_away"))
    with smtp_sink(port) as sink:
        courier = Courier(catalog)
        deadline = time.monotonic() + 60
        while not sink.mails and time.monotonic() < deadline:
            time.sleep(0.1)
        courier.close()

    assert [mail.recipients for mail in sink.mails] == [("nva@example.vn",)]
