"""The register as people type it: entries, their clocks, what happened around them, a year."""

import json
import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select

from ops.alerts.drafts import Draft
from ops.alerts.records import take_in
from ops.catalog.columns import new_id
from ops.catalog.open import Catalog
from ops.catalog.tables.alerts import Alert
from ops.catalog.tables.core import JournalRow
from ops.catalog.tables.drills import Drill
from ops.errors import WrongUseError
from ops.estate.load.load import load_estate
from ops.estate.versions import remember_estate
from ops.journal.journal import Origin
from ops.monitor.series.minutes import write_minutes
from ops.monitor.series.store import open_series, series_url
from ops.monitor.series.write import write_change
from ops.register.cli import add, close, update
from ops.register.cli_show import show_entries, show_entry, show_year
from ops.register.tasks import AddEntry, Close, ListEntries, ShowEntry, Update
from ops.security.findings import Sighting, ToolLook
from ops.security.records import remember_looks
from tests.integration.jobs.small_estate import build_estate, giucong

pytestmark = pytest.mark.slow
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)


@pytest.fixture(autouse=True)
def estate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = build_estate(tmp_path / "estate")
    (path.parent / "state").mkdir()
    monkeypatch.setenv("GIUCONG_ESTATE", str(path))
    monkeypatch.setenv("GIUCONG_LANG", "en")
    return path


def ago(hours: float) -> str:
    return (datetime.now(UTC) - timedelta(hours=hours)).isoformat()


def read_json(estate: Path, *words: str) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = json.loads(giucong(estate, *words, "--json").stdout)["items"]
    return items


def test_an_incident_from_receipt_to_its_end(estate: Path, catalog: Catalog) -> None:
    wish = AddEntry(kind="incident", title="Trang chủ bị thay", site="cong-xa", serious=True,
                   personal_data=True, received=ago(30), occurred=ago(31))  # fmt: skip
    assert add(wish) == 0
    called = read_json(estate, "register.list")[0]["called"]
    assert update(Update(id=called, acknowledged=True, at=ago(29), note="đã ngắt mạng")) == 0
    assert update(Update(id=called, restored=True, at=ago(2), cause="lỗ hổng cũ")) == 0
    shown = read_json(estate, "register.show", "--id", called)[0]
    clocks = {it["duty"]: it for it in shown["clocks"]}

    assert shown["state"] == "restored"
    assert shown["unit"] == "xa"
    # 31 hours after it happened the first report is over, the full one and the notice are not.
    assert {name: it["is_over"] for name, it in clocks.items()} == {
        "incident-first-report": True, "incident-full-report": False, "breach-notice": False,
    }  # fmt: skip
    assert [it["what"] for it in shown["timeline"] if it["source"] != "journal"] == [
        "occurred", "received", "acknowledged", "restored", "noted",
    ]  # fmt: skip
    assert giucong(estate, "register.show", "--id", called).returncode == 1

    scan = estate.parent / "scan.pdf"
    scan.write_bytes(b"%PDF-1.7 signed by hand")
    done = giucong(estate, "report.issue", "--kind", "incident-first", "--of", called, "--scan",
                   "--file", str(scan), "--number", "12/BC-TT", "--date", "1/12/2026")  # fmt: skip
    assert done.returncode == 0, done.stderr
    shown = read_json(estate, "register.show", "--id", called)[0]
    told = {it["duty"]: it["document"] for it in shown["clocks"]}
    assert told["incident-first-report"] == "12/BC-TT"
    assert giucong(estate, "register.show", "--id", called).returncode == 0

    assert close(Close(id=called, result="đã vá")) == 0
    with pytest.raises(WrongUseError, match="is closed"):
        update(Update(id=called, note="còn nữa"))
    with catalog.reading() as session:
        actions = session.execute(
            select(JournalRow.action)
            .where(JournalRow.action.startswith("register."))
            .order_by(JournalRow.sequence)
        ).scalars().all()  # fmt: skip
    assert actions == [
        "register.add", "register.incident", "register.breach", "register.update",
        "register.update", "register.close",
    ]  # fmt: skip


def test_an_alert_becomes_an_incident_by_one_command(estate: Path, catalog: Catalog) -> None:
    now = datetime.now(UTC)
    draft = Draft(
        subject_key="late:cong-xa:never", severity="critical", code="late", site="cong-xa",
        params={"newest": None, "age_seconds": None, "rpo_seconds": 86_400},
        job="backup/cong-xa", subject="late:cong-xa",
    )  # fmt: skip
    with catalog.writing() as session:
        take_in(session, (), [draft], now - HOUR)
    alert = read_json(estate, "monitor.alerts")[0]["id"]
    assert add(AddEntry(from_alert=alert)) == 0
    entry = read_json(estate, "register.list")[0]
    shown = read_json(estate, "register.show", "--id", entry["called"])[0]

    assert (entry["kind"], entry["site"], entry["unit"]) == ("incident", "cong-xa", "xa")
    assert entry["title"]
    assert [it["kind"] for it in shown["links"]] == ["alert"]
    assert "late" in [it["what"] for it in shown["timeline"]]
    with pytest.raises(WrongUseError):
        add(AddEntry(from_alert="ffffffff"))
    with pytest.raises(WrongUseError):
        add(AddEntry(kind="remark", title="x", unit="khong-co"))


def test_an_outage_is_as_long_as_the_watch_measured_it(estate: Path, catalog: Catalog) -> None:
    """Down for 66 minutes; the alert came two minutes late, and people noted it later still."""
    loaded, now = load_estate(estate), datetime.now(UTC).replace(second=0, microsecond=0)
    began, ended = now - 100 * MINUTE, now - 34 * MINUTE
    verdicts = [
        ("cong-xa", began + it * MINUTE, "down" if 0 <= it < 66 else "up") for it in range(-5, 95)
    ]
    with closing(open_series(series_url(loaded))) as store:
        write_minutes(store, verdicts, loaded.zone)  # type: ignore[arg-type] # two of its verdicts
    row = Alert(id=new_id(), subject="site:cong-xa", severity="critical", code="site_down",
                site="cong-xa", opened_at=began + 2 * MINUTE, seen_at=now, told_at=now)  # fmt: skip
    with catalog.writing() as session:
        remember_estate(session, loaded.document(), now=now, origin=Origin(via="cli"))
        session.add(row)
        alert = row.id.hex

    with pytest.raises(WrongUseError, match="has measured that moment"):
        add(AddEntry(from_alert=alert, title="x", occurred=ago(3)))
    assert add(AddEntry(from_alert=alert, title="Không truy cập được")) == 0
    called = read_json(estate, "register.list")[0]["called"]
    with pytest.raises(WrongUseError, match="has not seen the site answer"):
        update(Update(id=called, restored=True))
    with catalog.writing() as session:
        session.get_one(Alert, row.id).closed_at = ended + MINUTE
    with pytest.raises(WrongUseError, match="has measured that moment"):
        update(Update(id=called, restored=True, at=ago(0.2)))
    assert close(Close(id=called, cause="đầy ổ đĩa", result="đã dọn")) == 0
    shown = read_json(estate, "register.show", "--id", called)[0]

    assert datetime.fromisoformat(shown["occurred_at"]) == began
    assert datetime.fromisoformat(shown["restored_at"]) == ended


def test_numbers_are_counted_each_year_and_lists_filter(
    capsys: pytest.CaptureFixture[str],
) -> None:
    for title, moment in (("Năm cũ", "31/12/2025 23:59"), ("Năm mới", "01/01/2026 00:00"),
                          ("Nữa", "02/01/2026 08:00")):  # fmt: skip
        assert add(AddEntry(kind="difficulty", title=title, received=moment, unit="xa")) == 0
    capsys.readouterr()
    assert show_entries(ListEntries(kind="difficulty", site="", unit="", all=False, json=True)) == 0
    called = [it["called"] for it in json.loads(capsys.readouterr().out)["items"]]
    assert called == ["2026-002", "2026-001", "2025-001"]

    assert show_year(ListEntries(year=2026, json=False)) == 0
    told = capsys.readouterr().out
    assert "Năm mới" in told
    assert "Năm cũ" in told  # not counted in this year, and still open
    assert show_year(ListEntries(year=2026, json=True)) == 0
    items = json.loads(capsys.readouterr().out)["items"]
    assert [it["count"] for it in items if it["group"] == "total"] == [2]
    assert show_entry(ShowEntry(id="2025-001", json=False)) == 0
    assert "Xã Bình Minh" in capsys.readouterr().out


def test_a_year_of_one_site_tells_of_no_other(capsys: pytest.CaptureFixture[str]) -> None:
    for title, site in (("Của mình", "cong-xa"), ("Của đơn vị khác", "")):
        assert add(AddEntry(kind="difficulty", title=title, received=ago(0), site=site)) == 0
    capsys.readouterr()
    year = datetime.now(ZoneInfo("Asia/Ho_Chi_Minh")).year
    assert show_year(ListEntries(year=year, site="cong-xa", json=True)) == 0
    told = capsys.readouterr().out

    assert "Của mình" in told
    assert "Của đơn vị khác" not in told
    assert [it["count"] for it in json.loads(told)["items"] if it["group"] == "total"] == [1]
    for year in (-1, 10_000):
        with pytest.raises(WrongUseError):
            show_year(ListEntries(year=year))


def test_what_an_entry_begins_with_is_about_its_site(estate: Path, catalog: Catalog) -> None:
    drill = Drill(
        id=new_id(), site="cong-xa", scope="site", source="backup", engine="ours", wanted="",
        from_paper=False, store="", snapshot="", run="", person="", via="clock", reason="",
        document="", incident_at=datetime.now(UTC), started_at=datetime.now(UTC) - HOUR,
        ended_at=datetime.now(UTC), outcome="ok", reason_code="", params={}, minutes_sha256="",
    )  # fmt: skip
    seen = Sighting(check="A", severity="high", title="Lỗ hổng A\x1b[2J")
    known = ToolLook(subject="site:cong-xa", tool="tls", sightings=(seen,))
    with catalog.writing() as session:
        session.add(drill)
        who = Origin(login="nva", via="cli")
        remember_looks(session, who, [known], now=datetime.now(UTC) - HOUR)
    finding = read_json(estate, "security.findings")[0]["id"]
    with pytest.raises(WrongUseError, match="passed"):
        add(AddEntry(from_drill=drill.id.hex))
    with pytest.raises(WrongUseError, match="one thing"):
        add(AddEntry(from_drill=drill.id.hex, from_finding=finding))
    assert add(AddEntry(from_finding=finding)) == 0
    entry = read_json(estate, "register.list")[0]

    assert (entry["kind"], entry["site"]) == ("incident", "cong-xa")
    assert entry["title"].startswith("site:cong-xa: Lỗ hổng A")
    shown = read_json(estate, "register.show", "--id", entry["called"])[0]
    assert {"drilled", "found"} <= {it["what"] for it in shown["timeline"]}


def test_what_the_watch_saw_stands_in_the_timeline(estate: Path) -> None:
    store = open_series(f"sqlite:///{estate.parent}/state/series.db")
    write_change(store, "site:cong-xa", "answer", datetime.now(UTC) - HOUR, "refused", "cổng 443")
    store.close()
    assert (
        add(AddEntry(kind="incident", title="Không mở được", site="cong-xa", received=ago(0.5)))
        == 0
    )
    called = read_json(estate, "register.list")[0]["called"]
    seen = [it["text"] for it in read_json(estate, "register.show", "--id", called)[0]["timeline"]
            if it["source"] == "watch"]  # fmt: skip

    assert seen == ["answer: refused (cổng 443)"]


def test_hostile_text_stays_text(capsys: pytest.CaptureFixture[str]) -> None:
    text = "\x1b]0;x\x07<b>&\u202e%s{unit}' OR 1=1 --"
    assert add(AddEntry(kind="remark", title=text, reporter=text)) == 0
    assert show_entries(ListEntries(kind="", site="", unit="", all=True, json=False)) == 0
    told = capsys.readouterr().out

    assert "\x1b" not in told
    assert "\u202e" not in told
    assert "OR 1=1" in told


def test_a_dry_run_writes_nothing(estate: Path) -> None:
    assert show_entries(ListEntries(kind="", site="", unit="", all=True, json=False)) == 0
    assert add(AddEntry(kind="support", title="Cần hỗ trợ", dry_run=True)) == 0
    path = estate.parent / "state/giucong.db"
    with closing(sqlite3.connect(path)) as database:
        count = database.execute("SELECT count(*) FROM register_entries").fetchone()[0]
    assert count == 0
