"""Reports on an incident: from the register's entry to clocks that papers have ended."""

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy.orm import Session

from ops.access.session import at_bench
from ops.catalog.open import open_catalog
from ops.duties.evidence.due import Period
from ops.duties.evidence.events import find_event_dues
from ops.duties.evidence.judge import judge_due
from ops.duties.reminders import make_setting
from ops.duties.table.load import load_duties
from ops.errors import WrongUseError
from ops.estate.model.estate import Estate
from ops.estate.model.references import reveal
from ops.journal import journal
from ops.journal.journal import Entry as Act
from ops.journal.journal import Origin
from ops.register.clocks import read_clocks
from ops.register.entry import Change, Entry, NewEntry
from ops.register.records import add_entry, change_entry, find_entry
from ops.reports import tasks
from ops.reports.cli import make_report, read_wish
from ops.reports.issue import issue
from ops.reports.make import make
from ops.reports.tasks import Issue
from tests.a_year import write_estate
from tests.unit.ops.reports.test_kinds import text_of

pytestmark = pytest.mark.slow
HOUR = timedelta(hours=1)
BEGAN = datetime(2026, 11, 20, 11, tzinfo=UTC)
NOW = BEGAN + 30 * HOUR
DUTIES = {"incident-first": "incident-first-report", "incident-full": "incident-full-report"}


@pytest.fixture
def estate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Estate:
    found = write_estate(tmp_path, 1)
    monkeypatch.setenv("GIUCONG_ESTATE", str(found.path))
    return found


def write(estate: Estate, change: Callable[[Session, Origin], Entry]) -> Entry:
    with at_bench(estate) as bench, bench.catalog.writing() as session:
        return change(session, Origin(via="cli", person="nva"))


def enter(estate: Estate, title: str = "Trang chủ bị thay nội dung") -> Entry:
    new = NewEntry(kind="incident", title=title, site="cong-chinh", unit="u-cong-chinh",
                   occurred_at=BEGAN, received_at=BEGAN + HOUR, is_serious=True)  # fmt: skip
    return write(estate, lambda s, who: add_entry(s, who, new, zone=estate.zone, now=NOW))


def go_on(estate: Estate, entry: Entry, change: Change) -> None:
    write(estate, lambda s, who: change_entry(s, who, entry, change, now=NOW))


def read(estate: Estate, kind: str, of: str = "", number: int = 0, year: int = 0) -> str:
    wish = read_wish(tasks.Make(kind=kind, out="", of=of, number=number, year=year), estate, NOW)
    with open_catalog(reveal(estate.catalog.url)) as catalog:
        return text_of(next(iter(make(estate, catalog, wish, NOW).values())))


def hand_in(folder: Path, kind: str, of: str, number: str) -> None:
    scan = folder / "scan.pdf"
    scan.write_bytes(f"%PDF-1.7 {kind} {of}".encode())
    wish = Issue(kind=kind, file=str(scan), number=number, date="21/11/2026", of=of, scan=True)
    assert issue(wish) == 0


def clocks_of(estate: Estate, entry: Entry) -> Mapping[str, str]:
    with open_catalog(reveal(estate.catalog.url)) as catalog, catalog.reading() as session:
        found = read_clocks(session, load_duties(estate).duties, make_setting(estate, NOW), entry)
    return {it.duty.name: it.document for it in found}


def test_what_nobody_knows_the_beginning_of_has_a_blank_there(estate: Estate) -> None:
    new = NewEntry(kind="incident", title="x", occurred_at=BEGAN, received_at=BEGAN,
                   is_serious=True)  # fmt: skip
    entry = write(estate, lambda s, who: add_entry(s, who, new, zone=estate.zone, now=NOW))
    told = read(estate, "incident-first", entry.called)

    assert "Xảy ra: ...." in told
    assert "tiếp nhận: 18 giờ 00 phút ngày 20/11/2026" in told
    assert "Nguyễn Văn A, 0251 0000000" in told  # of no site: whoever entered it


def test_reports_follow_the_entry_and_end_its_clocks(estate: Estate, tmp_path: Path) -> None:
    entry = enter(estate)
    first = read(estate, "incident-first")
    for told in (
        "Sự cố đối với Cổng Thông tin điện tử (báo cáo lần đầu)",
        "Thực hiện điểm d khoản 2 Điều 31 Nghị định số 331/2026/NĐ-CP ngày 19 tháng 8 năm 2026",
        f"mục {entry.called} của sổ theo dõi",
        "Cơ quan, đơn vị có trang thông tin: Đơn vị số 0",
        "Hệ thống thông tin: Hệ thống Cổng Thông tin điện tử",
        "Cấp độ: 3; quyết định phê duyệt: 123/QĐ-UBND",
        "Xảy ra: 18 giờ 00 phút ngày 20/11/2026",
        "tiếp nhận: 19 giờ 00 phút ngày 20/11/2026",
        "Bắt đầu xử lý: ....",
        "Mô tả: Trang chủ bị thay nội dung",
        "Mức độ: nghiêm trọng",
        "chưa ghi nhận bị ảnh hưởng",
        "Không ghi nhận lần khôi phục nào từ bản sao lưu",
        "Nguyễn Văn A, 0251 0000000",
    ):
        assert told in first
    assert clocks_of(estate, entry) == dict.fromkeys(DUTIES.values(), "")
    hand_in(tmp_path, "incident-first", entry.called, "07/BC-TTCNTT")
    assert clocks_of(estate, entry) == {
        "incident-first-report": "07/BC-TTCNTT", "incident-full-report": "",
    }  # fmt: skip

    go_on(estate, entry, Change(acknowledged_at=BEGAN + 2 * HOUR, note="Đã ngắt mạng",
                                cause="Lỗ hổng của mô-đun cũ", is_serious=True))  # fmt: skip
    with at_bench(estate) as bench, bench.catalog.writing() as session:
        details = {"snapshot": "ab" * 32, "store": "near", "in_place": True, "outcome": "ok"}
        who = Origin(via="cli", person="nva")
        journal.append(session, who, [Act("backup.restore", "cong-chinh", details)])
    full = read(estate, "incident-full", entry.called)
    assert "(báo cáo nguyên nhân, phạm vi, khắc phục)" in full
    assert "Lỗ hổng của mô-đun cũ" in full
    assert "Đã ngắt mạng" in full
    hand_in(tmp_path, "incident-full", entry.called, "09/BC-TTCNTT")
    assert clocks_of(estate, entry)["incident-full-report"] == "09/BC-TTCNTT"

    open_ones = find(estate, entry)
    go_on(estate, open_ones, Change(restored_at=BEGAN + 5 * HOUR, closed_at=NOW,
                                    result="Đã vá, đã rà soát toàn bộ"))  # fmt: skip
    end = read(estate, "incident-end", entry.called)
    assert "Hoạt động trở lại: 23 giờ 00 phút ngày 20/11/2026, sau 5 giờ" in end
    assert "Kết quả xử lý: Đã vá, đã rà soát toàn bộ" in end
    assert "Kết thúc xử lý: 00 giờ 00 phút ngày 22/11/2026" in end


def test_a_report_at_the_end_has_a_number_only_once_there_is_an_end(estate: Estate) -> None:
    entry = enter(estate)
    assert "DỰ THẢO" in read(estate, "incident-end", entry.called)
    with pytest.raises(WrongUseError, match="nguyên nhân, kết quả xử lý, thời điểm kết thúc"):
        read(estate, "incident-end", entry.called, number=10)
    assert "DỰ THẢO" not in read(estate, "incident-first", entry.called, number=9)
    go_on(estate, entry, Change(restored_at=NOW, closed_at=NOW, cause="Lỗ hổng", result="Đã vá"))
    assert "DỰ THẢO" not in read(estate, "incident-end", entry.called, number=10)


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ("", "Cơ quan chuyên trách an ninh mạng"),
        (
            '[[organisation.roles]]\nfrom = 2026-01-01\nspecialised = "Sở Khoa học và Công nghệ"\n',
            "Sở Khoa học và Công nghệ",
        ),
    ],
)
def test_it_is_addressed_to_the_body_for_security(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, more: str, told: str
) -> None:
    estate = write_estate(tmp_path, 1, more=more)
    monkeypatch.setenv("GIUCONG_ESTATE", str(estate.path))
    entry = enter(estate)
    assert told in read(estate, "incident-first", entry.called).partition("Trên đây")[0]


def test_a_difficulty_stays_in_the_papers_until_it_is_closed(estate: Estate) -> None:
    before = BEGAN - timedelta(days=700)
    new = NewEntry(kind="difficulty", title="Thiếu người trực", unit="u-cong-chinh",
                   occurred_at=before, received_at=before)  # fmt: skip
    entry = write(estate, lambda s, who: add_entry(s, who, new, zone=estate.zone, now=NOW))
    told = read(estate, "difficulties", year=2026)
    assert "Ngoài ra còn 1 mục tiếp nhận trước kỳ chưa đóng" in told
    assert "Thiếu người trực" in told
    assert "Thiếu người trực" in read(estate, "annual", year=2026)
    go_on(estate, entry, Change(closed_at=NOW, result="Đã bổ sung"))
    assert "Thiếu người trực" not in read(estate, "difficulties", year=2026)


def find(estate: Estate, entry: Entry) -> Entry:
    with open_catalog(reveal(estate.catalog.url)) as catalog, catalog.reading() as session:
        return find_entry(session, entry.called)


def verdict_of(estate: Estate, name: str) -> tuple[str, str]:
    (duty,) = load_duties(estate).named(name)
    day, setting = BEGAN.astimezone(estate.zone).date(), make_setting(estate, NOW + 48 * HOUR)
    with open_catalog(reveal(estate.catalog.url)) as catalog, catalog.reading() as session:
        ((due, _names),) = find_event_dues(session, [duty], setting, Period(day, day))
        (found,) = judge_due(session, due, setting)
    return found.outcome, found.reason


def test_a_duty_is_answered_once_each_incident_of_the_day_has_its_paper(
    estate: Estate, tmp_path: Path
) -> None:
    one, two = enter(estate), enter(estate, "Máy chủ web bị xâm nhập")
    hand_in(tmp_path, "incident-first", one.called, "07/BC-TTCNTT")
    assert verdict_of(estate, "incident-first-report") == ("incomplete", "partly")
    hand_in(tmp_path, "incident-first", two.called, "08/BC-TTCNTT")
    # The scans came back after the day: that they are of that day is somebody's word.
    assert verdict_of(estate, "incident-first-report") == ("stated", "stated")
    assert verdict_of(estate, "incident-full-report")[0] != "ok"


def test_what_the_register_does_not_know_is_told(
    estate: Estate, tmp_path: Path, capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setenv("GIUCONG_LANG", "en")
    entry = enter(estate)
    asked = tasks.Make(kind="incident-first", out=str(tmp_path / "out"), of=entry.called)
    assert make_report(asked) == 0
    told = capsys.readouterr().out

    assert f"incident-first-{entry.called}.pdf" in told
    blanks = [it.strip() for it in told.partition("by hand:")[2].splitlines() if it.strip()]
    assert "Loại sự cố: …" in blanks
    assert "5. Nguyên nhân" in blanks
    assert not [it for it in blanks if it.startswith(("Mô tả", "Cấp độ"))]


def test_a_paper_on_an_incident_names_its_entry(estate: Estate, tmp_path: Path) -> None:
    with pytest.raises(WrongUseError, match="no such incident"):
        read(estate, "incident-first")
    entry = enter(estate)
    for kind, of in (("incident-end", ""), ("annual", entry.called), ("incident-end", "2026-999")):
        with pytest.raises(WrongUseError):
            hand_in(tmp_path, kind, of, "07/BC-TTCNTT")
    remark = NewEntry(kind="remark", title="x", occurred_at=BEGAN, received_at=BEGAN)
    other = write(estate, lambda s, who: add_entry(s, who, remark, zone=estate.zone, now=NOW))
    with pytest.raises(WrongUseError, match="no such incident"):
        read(estate, "incident-first", other.called)
    assert date(2026, 11, 20) == BEGAN.astimezone(estate.zone).date()
