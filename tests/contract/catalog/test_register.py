"""The register, findings and their evidence are the same on SQLite and on PostgreSQL."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from ops.alerts.notice_wording import NoticeRow, word_notice
from ops.catalog.open import Catalog
from ops.catalog.tables.core import Notice
from ops.catalog.tables.register import Document, RegisterEntry, RegisterLink
from ops.catalog.tables.security import SecurityFinding
from ops.duties.evidence.due import Period
from ops.duties.evidence.events import find_event_dues
from ops.duties.evidence.judge import find_verdicts
from ops.duties.evidence.papers import state_done
from ops.duties.reminders import make_setting
from ops.duties.table.load import SHIPPED_DUTIES, read_duties
from ops.estate.load.load import load_estate
from ops.journal.journal import Origin
from ops.register.clocks import Clock, note_clocks, read_clocks
from ops.register.entry import Change, Entry, NewEntry
from ops.register.records import add_entry, as_entry, change_entry, find_link, read_links
from ops.register.timeline import collect_timeline
from ops.security.compliance import read_known
from ops.security.findings import Sighting, ToolLook
from ops.security.job import conclude
from ops.security.records import KeptLook, remember_looks
from tests.integration.jobs.small_estate import build_estate

ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
NOW = datetime(2026, 11, 25, 5, tzinfo=UTC)
HOUR = timedelta(hours=1)
WHO = Origin(login="nva", person="nva", via="cli")
MORE = """
[notices]
relay = "env:GIUCONG_TEST_RELAY"
[[notices.routes]]
severity = "warning"
people = ["nva"]
[[notices.routes]]
severity = "critical"
people = ["nva"]
"""


@pytest.fixture(autouse=True)
def _estate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIUCONG_ESTATE", str(build_estate(tmp_path / "estate", MORE)))
    monkeypatch.setenv("GIUCONG_TEST_RELAY", "mailto://127.0.0.1/?from=giucong@example.vn")
    monkeypatch.setenv("GIUCONG_LANG", "en")


def enter(catalog: Catalog, at: datetime = NOW, **changes: Any) -> Entry:
    values = {"kind": "incident", "title": "Trang chủ bị thay", "site": "cong-xa",
              "occurred_at": at, "received_at": at, **changes}  # fmt: skip
    with catalog.writing() as session:
        return add_entry(session, WHO, NewEntry(**values), zone=ZONE, now=values["received_at"])


def record_report(session: Session, duty: str, hours: int) -> None:
    period = Period(NOW.date(), (NOW + hours * HOUR).date()).key
    kept = Document(
        sha256=f"{hours:064}", type="pdf", size_bytes=1, name="a.pdf", title="Báo cáo",
        number="9/BC", about="", signatures=[], dated=None, added_at=NOW, added_by="nva",
    )  # fmt: skip
    session.add(kept)
    session.flush()
    state_done(session, WHO, duty=duty, subject="", period=period, done_on=NOW.date(), kept=kept)


def read_clock(session: Session) -> Clock:
    """Give the clock of the full report of the one incident there is."""
    row = session.execute(select(RegisterEntry).where(RegisterEntry.is_serious)).scalar_one()
    duties = read_duties((SHIPPED_DUTIES,)).named("incident-full-report")
    (clock,) = read_clocks(session, duties, make_setting(load_estate()), as_entry(row))
    return clock


def notices(catalog: Catalog) -> list[tuple[str, str]]:
    with catalog.reading() as session:
        rows = session.execute(select(Notice).order_by(Notice.created_at, Notice.subject_key))
        return [(it.subject_key.split(":", 2)[2], it.severity) for it in rows.scalars()]


def test_each_stage_of_a_clock_is_told_once_until_its_report_is_recorded(catalog: Catalog) -> None:
    enter(catalog, kind="remark")
    assert note_clocks(catalog, NOW) == 0  # a remark has no clock
    enter(catalog, is_serious=True)
    for hours in (0, 0.1, 17.9, 18.1, 23.9, 24.1, 30):
        note_clocks(catalog, NOW + hours * HOUR)
    assert notices(catalog) == [
        ("incident-first-report:runs", "warning"),
        ("incident-full-report:runs", "warning"),
        ("incident-first-report:near", "critical"),
        ("incident-first-report:over", "critical"),
    ]
    period = Period(NOW.date(), (NOW + 72 * HOUR).date()).key
    with catalog.writing() as session:
        state_done(session, WHO, duty="incident-full-report", subject="", period=period,
                   done_on=NOW.date())  # fmt: skip
    with catalog.reading() as session:
        assert read_clock(session).document == ""  # a word alone is no report
    with catalog.writing() as session:
        record_report(session, "incident-full-report", 72)
    with catalog.reading() as session:
        assert read_clock(session).document == "9/BC"
    assert note_clocks(catalog, NOW + 80 * HOUR) == 0


def test_a_clock_s_notice_says_what_is_due_and_where_to_look(catalog: Catalog) -> None:
    called = enter(catalog, is_serious=True).called
    note_clocks(catalog, NOW + 25 * HOUR)
    with catalog.reading() as session:
        row = session.execute(select(Notice).where(Notice.severity == "critical")).scalar_one()
        told = NoticeRow(row.severity, row.code, row.params, row.job, row.site, row.created_at)
    text = word_notice(told, organisation="Trung tâm", zone="Asia/Ho_Chi_Minh").body

    assert "First report of a serious incident was due by 26/11/2026 12:00" in text
    assert "Trang chủ bị thay" in text
    assert f"register.show --id {called}" in text


def test_a_report_of_one_incident_is_none_of_a_later_one(catalog: Catalog) -> None:
    with catalog.writing() as session:
        record_report(session, "incident-first-report", 24)
    later = datetime.now(UTC)
    enter(catalog, at=NOW, received_at=later, is_serious=True, title="Lần thứ hai")
    note_clocks(catalog, NOW + 25 * HOUR)

    assert ("incident-first-report:over", "critical") in notices(catalog)


def look(catalog: Catalog, *checks: str, grade: Any = "high") -> list[KeptLook]:
    seen = tuple(Sighting(check=it, severity=grade, title=f"Lỗ hổng {it}") for it in checks)
    found = ToolLook(subject="site:cong-xa", tool="tls", sightings=seen)
    with catalog.writing() as session:
        return remember_looks(session, WHO, [found], now=NOW + HOUR)


def test_only_what_is_grave_and_new_makes_an_audit_incomplete(catalog: Catalog) -> None:
    first = conclude(look(catalog, "A"))
    again = conclude(look(catalog, "A"))
    both = conclude(look(catalog, "A", "B"))
    low = conclude(look(catalog, "A", "B", "C", grade="low"))

    assert (first.reason, first.params["found"]) == ("audit_found", ["site:cong-xa tls A"])
    assert again.outcome == "ok"
    assert both.params["found"] == ["site:cong-xa tls B"]
    assert low.outcome == "ok"


def test_a_finding_belongs_to_an_incident_and_stands_in_its_timeline(catalog: Catalog) -> None:
    look(catalog, "A")
    with catalog.writing() as session:
        row = session.execute(select(SecurityFinding)).scalar_one()
        link = find_link(session, "finding", row.id.hex)
    entry = enter(catalog, links=(link,))
    with catalog.reading() as session:
        moments = collect_timeline(session, entry, NOW + 2 * HOUR).moments
        linked = select(RegisterLink.entry_id).where(RegisterLink.ref == link.ref)
        assert [it.hex for it in session.execute(linked).scalars()] == [entry.id]
        assert read_links(session, entry) == [link]

    assert [(it.what, it.text) for it in moments if it.source == "finding"] == [
        ("found", "Lỗ hổng A")
    ]


def test_what_is_known_of_a_pair_outlives_a_look_that_saw_nothing(catalog: Catalog) -> None:
    look(catalog, "A")
    with catalog.writing() as session:
        blind = ToolLook(subject="site:cong-xa", tool="tls", outcome="not_checked", reason="late")
        remember_looks(session, WHO, [blind], now=NOW + 2 * HOUR)
        known = read_known(session, NOW + 3 * HOUR)
    pair = ("site:cong-xa", "tls")

    assert known.looks[pair].outcome == "not_checked"
    assert known.answered[pair].outcome == "ok"
    assert [it.check for it in known.findings[pair]] == ["A"]


def test_a_remark_is_answered_once_all_of_that_day_are_closed(catalog: Catalog) -> None:
    duty = next(it for it in read_duties((SHIPPED_DUTIES,)).duties if it.name == "feedback-reply")
    setting = make_setting(load_estate(), NOW + 240 * HOUR)
    one, two = enter(catalog, kind="remark"), enter(catalog, kind="remark")

    def verdicts() -> list[str]:
        with catalog.reading() as session:
            found = find_verdicts(session, duty, setting, 2026)
        return [it.outcome for it in found]

    def close(entry: Entry, at: datetime) -> None:
        with catalog.writing() as session:
            change_entry(session, WHO, entry, Change(closed_at=at, result="đã trả lời"), now=at)

    assert verdicts() == ["incomplete"]
    close(one, NOW + HOUR)
    assert verdicts() == ["incomplete"]
    close(two, NOW + HOUR)
    assert verdicts() == ["ok"]


def test_a_day_of_long_ago_stops_no_clock(catalog: Catalog) -> None:
    """What was found late counts from when it was found, also where no duty was in force before."""
    enter(catalog, kind="incident", is_serious=True, occurred_at=datetime(2019, 11, 20, tzinfo=UTC))
    with catalog.reading() as session:
        clock = read_clock(session)
        duties = read_duties((SHIPPED_DUTIES,)).named("incident-full-report")
        day = datetime.now(ZONE).date()
        setting = make_setting(load_estate())
        dues = find_event_dues(session, duties, setting, Period(day, day))
    assert clock.due_at == NOW + 72 * HOUR
    assert len(dues) == 1
