"""What became of a plan on paper: the report, a line's completion with its duty, the log."""

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

import ops.wiring  # noqa: F401 - who asks for parts needs them given
from ops.access.session import at_bench
from ops.catalog.columns import new_id
from ops.catalog.open import Catalog, open_catalog
from ops.catalog.tables.drills import RunbookRun
from ops.catalog.tables.plans import Plan, PlanItem, PlanNote
from ops.duties.evidence.due import Period
from ops.duties.evidence.events import find_event_dues
from ops.duties.evidence.judge import judge_due
from ops.duties.reminders import make_setting
from ops.duties.table.load import load_duties
from ops.errors import WrongUseError
from ops.estate.model.estate import Estate
from ops.estate.model.references import reveal
from ops.journal import journal
from ops.journal.journal import Entry, Origin
from ops.planning.item import Item
from ops.planning.on_assets import AssetNews
from ops.planning.read import read_document
from ops.planning.records import add_note, add_revision, get_plan, set_plan
from ops.planning.work import CONTRACT, Acceptance, accept_item
from ops.reports import tasks
from ops.reports.cli import read_wish
from ops.reports.issue import issue
from ops.reports.make import make
from tests.a_year import NOW, write_estate
from tests.unit.ops.reports.a_plan import DONE_YEAR, YEAR, write_decided, write_plan
from tests.unit.ops.reports.test_kinds import text_of

pytestmark = pytest.mark.slow
WHO = Origin(via="cli", person="nva")


@pytest.fixture
def estate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Estate:
    found = write_estate(tmp_path, 1)
    monkeypatch.setenv("GIUCONG_ESTATE", str(found.path))
    return found


@pytest.fixture
def catalog(estate: Estate) -> Iterator[Catalog]:
    with open_catalog(reveal(estate.catalog.url)) as opened:
        write_decided(opened)
        yield opened


def read(estate: Estate, catalog: Catalog, kind: str, **flags: object) -> str:
    wish = read_wish(tasks.Make(kind=kind, out="", **flags), estate, NOW)  # type: ignore[arg-type] # flags by name
    return text_of(next(iter(make(estate, catalog, wish, NOW).values())))


def test_the_report_tells_each_line_and_what_lags(estate: Estate, catalog: Catalog) -> None:
    told = read(estate, catalog, "plan-progress", year=DONE_YEAR)

    for wanted in (
        "Quyết định số 118/QĐ-UBND ngày 20/01/2025",
        "được phê duyệt 17.000.000 đồng, đã ký hợp đồng 15.500.000 đồng, đã nghiệm thu 4.500.000",
        "Kế hoạch có 3 hạng mục: đã nghiệm thu 1, chưa nghiệm thu 2",
        "Có 3 hạng mục chưa hoàn thành hoặc chưa thanh toán hết",
        "Hạng mục 1, Gia hạn tên miền: đã nghiệm thu ngày 03/06/2025; còn lại 500.000 đồng",
        "(Tên miền có hiệu lực đến năm 2030)",
        "Hạng mục 2, Thay pin bộ lưu điện: đã ký hợp đồng, chưa nghiệm thu; còn lại 12.000.000",
        "chưa giải trình: ..........",
        "lùi theo quyết định phê duyệt",
    ):
        assert wanted in told
    with pytest.raises(WrongUseError, match="no plan for 2024"):
        read(estate, catalog, "plan-progress", year=2024)


def test_a_report_on_a_time_tells_nothing_of_later_days(estate: Estate, catalog: Catalog) -> None:
    def told(last: str) -> str:
        return read(estate, catalog, "activity", from_=f"1/1/{DONE_YEAR}", to=last)

    assert "118/QĐ-UBND" not in told(f"15/1/{DONE_YEAR}")  # decided on the 20th
    assert "nghiệm thu ngày" not in told(f"31/3/{DONE_YEAR}")  # accepted on 3 June
    assert "đã nghiệm thu ngày 03/06/2025" in told(f"30/6/{DONE_YEAR}")
    with catalog.writing() as session:
        details = {"item": 2, "contracted": 11_000_000, "paid": 0}
        journal.append(session, WHO, [Entry("plan.progress", str(DONE_YEAR), details)])
    spring = told(f"31/3/{DONE_YEAR}")
    assert "Quyết định số 118/QĐ-UBND" in spring
    assert "đã nghiệm thu 0 đồng" in spring
    assert f"số liệu đến hết ngày 31/03/{DONE_YEAR}" in spring
    assert "đã ký hợp đồng 4.500.000 đồng" in spring  # the other contract was noted today
    assert "đã thanh toán 0 đồng" in spring
    assert "Tên miền có hiệu lực đến năm 2030" not in spring  # came of it in June


@pytest.mark.parametrize(("state", "is_carried"), [("draft", False), ("decided", True)])
def test_a_line_is_carried_on_once_the_next_plan_is_decided(
    estate: Estate, catalog: Catalog, state: str, is_carried: bool
) -> None:
    with catalog.writing() as session:
        decided = {"decided_on": date(DONE_YEAR, 12, 20), "decided_at": NOW}
        following = Plan(
            id=new_id(), year=DONE_YEAR + 1, state=state, authors=["nva"], made_at=NOW,
            made_by="nva", **(decided if is_carried else {}),
        )  # fmt: skip
        session.add(following)
        session.flush()
        session.add(PlanItem(
            id=new_id(), plan_id=following.id, number=1, key=f"plan:{DONE_YEAR}:2",
            body=Item(group="duy-tri", title="Thay pin bộ lưu điện").as_values(),
        ))  # fmt: skip
    told = read(estate, catalog, "plan-progress", year=DONE_YEAR)
    assert ("chuyển tiếp sang kế hoạch năm sau" in told) == is_carried


def test_completion_is_told_of_what_was_accepted(estate: Estate, catalog: Catalog) -> None:
    told = read(estate, catalog, "completion", year=DONE_YEAR)

    assert read(estate, catalog, "completion", year=DONE_YEAR, of="1") == told
    for wanted in ("thông tin hoàn thành: Gia hạn tên miền", "03/06/2025", "32/BB-TTCNTT",
                   "4.500.000 đồng", "Đã gia hạn: Tên miền có hiệu lực",
                   "31/BB-TTCNTT"):  # fmt: skip
        assert wanted in told
    for of in ("2", "9", "x"):
        with pytest.raises(WrongUseError, match="is accepted"):
            read(estate, catalog, "completion", year=DONE_YEAR, of=of)


def test_papers_cite_no_article_of_a_law_before_it_holds(estate: Estate, catalog: Catalog) -> None:
    new, old = (
        read(estate, catalog, "completion", year=DONE_YEAR, number=1, date=it)
        for it in ("1/12/2026", "1/12/2025")
    )
    assert "Thực hiện khoản 2 Điều 68 Nghị định số 224/2026/NĐ-CP" in new
    assert "Điều 68" not in old
    assert "Điều 65" not in old
    assert "Không phải lập dự án" in old

    write_plan(estate, catalog)
    told = [
        read(estate, catalog, kind, year=YEAR, number=1, date="1/12/2025")
        for kind in ("plan", "decision")
    ]
    assert not [it for paper in told for it in ("Điều 34", "Điều 65") if it in paper]
    assert "Khoản 4 Điều 34" in read(estate, catalog, "decision", year=YEAR)


def test_a_plan_of_2025_is_held_against_no_share_of_the_law_of_2026(
    estate: Estate, catalog: Catalog
) -> None:
    write_plan(estate, catalog)
    with catalog.reading() as session:
        plan = get_plan(session, YEAR)
        old, new = (
            read_document(session, estate, plan, day, with_annexes=False)
            for day in (datetime(2025, 12, 1, tzinfo=UTC), NOW)
        )
    assert (old.security_percent, old.security_basis) == (0, "")
    assert new.security_percent == 15
    assert "116/2025" in new.security_basis


def test_the_letter_tells_the_contract_and_what_was_noted_before_a_revision(
    estate: Estate, catalog: Catalog
) -> None:
    with catalog.writing() as session:
        plan = get_plan(session, DONE_YEAR)
        contract = PlanNote(item=1, kind="money", at=NOW, document="42/HĐ", code=CONTRACT)
        add_note(session, WHO, plan, contract)
        payment = PlanNote(item=1, kind="money", at=NOW, document="43/UNC")
        add_note(session, WHO, plan, payment)
        revision = add_revision(session, WHO, plan, "Giá đổi", now=NOW)
        values = {"state": "running", "decided_at": NOW, "decision": "300/QĐ-UBND"}
        set_plan(session, WHO, revision, "plan.decide", values, {})
    told = read(estate, catalog, "completion", year=DONE_YEAR)

    for wanted in ("300/QĐ-UBND", "42/HĐ", "32/BB-TTCNTT", "Đã gia hạn", "31/BB-TTCNTT"):
        assert wanted in told
    assert "43/UNC" not in told
    progress = read(estate, catalog, "plan-progress", year=DONE_YEAR)
    assert "(Tên miền có hiệu lực đến năm 2030)" in progress


@pytest.mark.usefixtures("catalog")
def test_nothing_is_accepted_before_the_plan_was_decided(estate: Estate) -> None:
    given = Acceptance(number=2, document="7/BB", day=date(DONE_YEAR, 1, 19), news=AssetNews())
    with at_bench(estate) as bench:
        with pytest.raises(WrongUseError, match="was decided on 20/01/2025"):
            accept_item(bench, DONE_YEAR, given, NOW)
        later = replace(given, day=date(DONE_YEAR, 1, 20))
        assert accept_item(bench, DONE_YEAR, later, NOW)[0].accepted_on == later.day


def test_the_letter_that_is_taken_back_proves_the_duty(
    estate: Estate, catalog: Catalog, tmp_path: Path
) -> None:
    at = datetime.now(estate.zone)
    with catalog.writing() as session:
        details = {"item": 1, "line": f"{DONE_YEAR}-1", "at": at.isoformat()}
        journal.append(session, WHO, [Entry("plan.complete", str(DONE_YEAR), details)])

    def verdict() -> str:
        (duty,) = load_duties(estate).named("completion-information")
        setting = make_setting(estate, at + timedelta(days=60))
        with catalog.reading() as session:
            ((due, _names),) = find_event_dues(
                session, [duty], setting, Period(at.date(), at.date())
            )
            (found,) = judge_due(session, due, setting)
        return found.reason

    assert verdict() != "by_paper"
    scan = tmp_path / "scan.pdf"
    scan.write_bytes(b"%PDF-1.7 x")
    wish = tasks.Issue(kind="completion", file=str(scan), number="40/TTCNTT", date=f"{at.date()}",
                       year=DONE_YEAR, of="1", scan=True)  # fmt: skip
    assert issue(wish) == 0
    assert verdict() == "by_paper"


def test_the_log_of_maintenance_has_what_was_recorded(estate: Estate, catalog: Catalog) -> None:
    at = datetime(DONE_YEAR, 6, 5, 2, tzinfo=UTC)
    run = RunbookRun(
        id=new_id(), runbook="restore-a-site", text='+++\ntitle = "Khôi phục trang"\n+++\n',
        text_sha256="", person="nva", standing="done", going_back=False, values={},
        started_at=at, ended_at=at + timedelta(hours=1),
    )  # fmt: skip
    with catalog.writing() as session:
        session.add(run)
    told = read(estate, catalog, "maintenance", from_="1/1/2025", to="14/12/2025")

    for wanted in ("Ghi 2 công việc", "Gia hạn tên miền: Đã gia hạn", "Nguyễn Văn A",
                   "Tên miền có hiệu lực đến năm 2030; 31/BB-TTCNTT",
                   "Thực hiện quy trình: Khôi phục trang", "hoàn thành"):  # fmt: skip
        assert wanted in told
    assert date(DONE_YEAR, 6, 5) == at.date()

    with catalog.writing() as session:
        plan = session.execute(select(Plan)).scalar_one()
        repaired = Item(group="sua-chua", title="Thay quạt máy chủ").as_values()
        session.add(PlanItem(
            id=new_id(), plan_id=plan.id, number=4, decision="granted", body=repaired, granted=9,
            contracted=9, accepted=9, accepted_on=date(DONE_YEAR, 7, 8),
        ))  # fmt: skip
        session.add(PlanNote(plan_id=plan.id, item=4, kind="window", at=at, begins=at,
                             person="nva", text="Chỉ mới dự kiến"))  # fmt: skip
    told = read(estate, catalog, "maintenance", from_="1/1/2025", to="14/12/2025")
    assert "Ghi 3 công việc" in told
    assert re.search(r"08/07/2025\s+–\s+Thay quạt máy chủ\s+đã nghiệm thu", told)
    assert "Chỉ mới dự kiến" not in told
