"""Every kind of paper out of a year's records: figures as written, hostile text as text."""

import csv
import hashlib
import io
import json
import subprocess
import sys
import zipfile
from collections import Counter
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import pytest
from docx import Document
from python_calamine import CalamineWorkbook

import ops.wiring  # noqa: F401 - who asks for parts needs them given
from ops.assets.asset import read_assets
from ops.assets.records import list_assets, plan_import
from ops.assets.sheet import read_lines
from ops.catalog.open import Catalog, open_catalog
from ops.catalog.tables.drills import Drill
from ops.errors import Problem, WrongUseError
from ops.estate.model.estate import Estate
from ops.estate.model.references import reveal
from ops.reports import tasks
from ops.reports.cli import make_report, read_wish
from ops.reports.figures.figure import read_day
from ops.reports.kinds.table import KINDS
from ops.reports.make import Wish, make
from ops.reports.requests import AskedReport, ReportRequest
from ops.terminal.task import tasks_of
from tests.a_year import FIRST, LAST, NOW, name_of, outcome_of, write_estate, write_year
from tests.unit.ops.reports.a_drill import write_minutes
from tests.unit.ops.reports.a_plan import DONE_YEAR, YEAR, write_decided, write_plan

pytestmark = pytest.mark.slow
SITES = 6
HOSTILE = "<b>&\"'{year}#let $x$ " + "\u202eDROP\u202c \U0001f600 =1+1 " + "dài " * 2500
ASKED: dict[str, dict[str, object]] = {
    **{name: {"year": YEAR} for name in ("plan", "submission", "decision")},
    **{name: {"year": DONE_YEAR} for name in ("plan-progress", "completion")},
    "activity": {"from_": "1/1/2026", "to": "31/03/2026"},
    "site": {"site": name_of(0), "year": 2026},
    "backup-log": {"from_": "2026-03-01", "to": "2026-03-02"},
    "backup-minutes": {"site": name_of(0), "year": 2026},
    "notice": {"of": "cong-chinh-20260820-2200"},
}


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Estate:
    folder = tmp_path_factory.mktemp("year")
    estate = write_estate(folder, SITES)
    write_year(estate)
    opened = open_catalog(reveal(estate.catalog.url))
    try:
        write_plan(estate, opened)
        write_decided(opened)
        with opened.writing() as session:
            write_minutes(session, name_of(0))
    finally:
        opened.close()
    return estate


@pytest.fixture
def catalog(written: Estate) -> Iterator[Catalog]:
    opened = open_catalog(reveal(written.catalog.url))
    yield opened
    opened.close()


def wish_of(kind: str, estate: Estate, **changes: object) -> Wish:
    year = {"year": 2026} if "year" in KINDS[kind].takes else {}
    given = {**year, **ASKED.get(kind, {}), **changes}
    if "from_" in given:
        given.pop("year")
    return read_wish(tasks.Make(kind=kind, out="", **given), estate, NOW)  # type: ignore[arg-type] # flags by name


def text_of(docx: bytes) -> str:
    document = Document(io.BytesIO(docx))
    cells = [cell.text for table in document.tables for row in table.rows for cell in row.cells]
    return "\n".join([*(it.text for it in document.paragraphs), *cells])


def test_every_kind_gives_the_files_it_names(written: Estate, catalog: Catalog) -> None:
    for kind in KINDS.values():
        files = make(written, catalog, wish_of(kind.name, written), NOW)

        assert tuple(Path(it).suffix[1:] for it in files) == kind.files
        if "docx" in kind.files:
            text = text_of(next(iter(files.values())))
            assert "{" not in text, (kind.name, text[text.index("{") :][:80])
            assert ("DỰ THẢO" in text) == bool(kind.sign)


def test_the_years_figures_are_those_of_the_records(written: Estate, catalog: Catalog) -> None:
    files = make(written, catalog, wish_of("annual", written), NOW)
    text = text_of(files["annual-2026.docx"])
    nights = (LAST - FIRST).days
    ended = Counter(outcome_of(site, night) for site in range(SITES) for night in range(nights))
    # The table asks for backups from 2026 on; a night's run ends on the morning after; the last
    # day is not over.
    owed, first = (LAST - date(2026, 1, 1)).days, (date(2025, 12, 31) - FIRST).days
    met = sum(outcome_of(0, night) == "ok" for night in range(first, nights - 1))

    assert f"Trong {SITES * nights:,} lượt sao lưu đã chạy".replace(",", ".") in text
    assert f"chưa đầy đủ {ended['incomplete']}, thất bại {ended['failed']}" in text
    assert f"Cổng Thông tin điện tử\n{owed}\n{met}\n{owed - met}\n0\n" in text
    assert "Đã tổ chức" in text
    assert "1 sự cố nghiêm trọng" in text
    assert "Nguồn: sổ lượt chạy của hệ thống" in text
    assert "Kỳ báo cáo chưa kết thúc" in text
    whole = make(written, catalog, wish_of("annual", written), NOW + timedelta(days=3))
    assert "Kỳ báo cáo chưa kết thúc" not in text_of(whole["annual-2026.docx"])


def test_the_list_of_devices_is_taken_back_as_it_is(
    written: Estate, catalog: Catalog, tmp_path: Path
) -> None:
    path = tmp_path / "inventory.xlsx"
    path.write_bytes(
        next(iter(make(written, catalog, wish_of("inventory", written), NOW).values()))
    )
    problems: list[Problem] = []
    sheet = read_assets(read_lines(path), problems)
    with catalog.reading() as session:
        changes = plan_import(list_assets(session), sheet)

    assert problems == []
    assert {it.kind for it in sheet.rows} >= {"server", "storage", "ups"}
    assert changes == []


@pytest.mark.parametrize(
    ("kind", "given"),
    [
        ("annual", {"date": "13/12/2026"}), ("annual", {"date": "21/12/2026"}),
        ("security", {"year": 2027}), ("activity", {"from_": "1/1/2026", "to": "31/12/2026"}),
        ("policy", {"date": "21/12/2026"}),
    ],
)  # fmt: skip
def test_what_is_not_over_or_to_come_makes_a_draft_alone(
    written: Estate, kind: str, given: dict[str, object]
) -> None:
    wish_of(kind, written, **given)
    with pytest.raises(WrongUseError, match=r"has not come yet|reports on a time"):
        wish_of(kind, written, **given, number=5)


def test_a_paper_with_a_number_is_no_draft(written: Estate, catalog: Catalog) -> None:
    wish = wish_of("annual", written, number=5, date="14/12/2026")
    text = text_of(make(written, catalog, wish, NOW)["annual-2026.docx"])

    assert "DỰ THẢO" not in text
    assert "Số: 05/BC-TTCNTT" in text
    assert "Đồng Nai, ngày 14 tháng 12 năm 2026" in text


def test_who_asked_for_a_report_stands_in_it(written: Estate, catalog: Catalog) -> None:
    asked = AskedReport(
        kind="activity", requester="Văn phòng", reference="99/VP", due=date(2026, 12, 5),
        first=date(2026, 2, 1), last=date(2026, 2, 28),
    )  # fmt: skip
    request = ReportRequest(called="2026-001", asked=asked, noted_at=NOW, noted_by="nva")
    wish = read_wish(tasks.Make(kind="activity", out="", request="2026-001"), written, NOW, request)
    made = make(written, catalog, wish, NOW)
    text = text_of(next(iter(made.values())))

    assert set(made) == {f"activity-20260201-20260228.{it}" for it in ("docx", "pdf")}
    assert "yêu cầu của Văn phòng tại văn bản số 99/VP (thời hạn báo cáo: 05/12/2026)" in text


def test_what_nobody_knows_is_said_to_be_so(tmp_path: Path) -> None:
    estate = write_estate(tmp_path, 2)
    with open_catalog(reveal(estate.catalog.url)) as catalog:
        text = text_of(make(estate, catalog, wish_of("annual", estate), NOW)["annual-2026.docx"])

    assert "không nêu tỷ lệ sẵn sàng vì không có căn cứ" in text
    assert "Chưa có lượt rà soát an ninh mạng nào" in text
    assert "Có 2 trang" not in text  # nothing ran: that is told, and no more
    assert "100%" not in text


def test_the_chain_is_checked_without_our_software(
    written: Estate, catalog: Catalog, tmp_path: Path
) -> None:
    made = make(written, catalog, wish_of("evidence", written, from_="2026-01-01",
                                          to="2030-12-31"), NOW)  # fmt: skip
    with zipfile.ZipFile(io.BytesIO(next(iter(made.values())))) as packed:
        packed.extractall(tmp_path)
    rows = (tmp_path / "journal.jsonl").read_text(encoding="utf-8").splitlines()

    assert len(rows) > 2
    for line in (tmp_path / "SHA256SUMS").read_text().splitlines():
        digest, name = line.split("  ")
        assert hashlib.sha256((tmp_path / name).read_bytes()).hexdigest() == digest
    assert "the chain of" in checked(tmp_path)[1]
    subprocess.run(["sha256sum", "--check", "--quiet", "SHA256SUMS"], cwd=tmp_path, check=True)
    fields = json.loads(rows[1])
    fields[7] += "!"
    changes = {
        f"row {fields[0]} does not hold": [rows[0], json.dumps(fields, ensure_ascii=False)],
        "the last rows are missing": rows[:-1],
        "does not hold": [rows[0], *rows[2:]],
        "rows are missing": [],
    }
    for told, lines in changes.items():
        text = "".join(f"{it}\n" for it in lines)
        assert "journal.jsonl is not what was written" in rewrite(tmp_path, text, with_sums=False)
        assert told in rewrite(tmp_path, text, with_sums=True)


def rewrite(folder: Path, journal: str, *, with_sums: bool) -> str:
    """Put another journal into a package, also as somebody who writes the hashes anew."""
    path, sums = folder / "journal.jsonl", folder / "SHA256SUMS"
    old, before = sums.read_text(), path.read_bytes()
    path.write_text(journal, encoding="utf-8")
    if with_sums:
        was, now = (hashlib.sha256(it).hexdigest() for it in (before, path.read_bytes()))
        sums.write_text(old.replace(was, now))
    status, told = checked(folder)
    sums.write_text(old)
    path.write_bytes(before)
    assert status == 1
    return told


def checked(folder: Path) -> tuple[int, str]:
    ended = subprocess.run(
        [sys.executable, "-I", "check.py"], cwd=folder, capture_output=True, text=True, check=False
    )
    return ended.returncode, ended.stdout + ended.stderr


def test_hostile_text_stays_text(tmp_path: Path) -> None:
    estate = write_estate(tmp_path, 1)
    catalog = open_catalog(reveal(estate.catalog.url))
    site = estate.named_sites[0]
    changed = estate.model_copy(update={"sites": (site.model_copy(update={"title": HOSTILE}),)})
    with catalog:
        for kind in ("annual", "sites", "site", "inventory"):
            about = {"site": site.name} if kind in {"site", "inventory"} else {}
            files = make(changed, catalog, wish_of(kind, changed, **about), NOW)
            if kind != "inventory":
                docx, pdf = files.values()
                assert "<b>&\"'{year}#let $x$" in text_of(docx)
                assert "\u202e" not in text_of(docx)
                told = subprocess.run(
                    ["pdftotext", "-", "-"], input=pdf, capture_output=True, check=True
                ).stdout.decode()
                assert "<b>&\"'{year}#let $x$" in " ".join(told.split())


def test_cells_of_lists_are_never_reckoned(written: Estate, catalog: Catalog) -> None:
    made = make(written, catalog, wish_of("inventory", written), NOW)
    book = CalamineWorkbook.from_filelike(io.BytesIO(next(iter(made.values()))))

    assert book.sheet_names == ["Thiết bị", "Phần mềm", "Bản sao lưu"]
    assert len(book.get_sheet_by_index(2).to_python()) == 1 + SITES * 2 * 14


def test_made_files_are_journaled_with_their_hashes(
    written: Estate, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.setenv("GIUCONG_ESTATE", str(written.path))
    out = tmp_path / "out"

    assert make_report(tasks.Make(kind="sites", out=str(out), year=2026)) == 0
    found = {it.name: hashlib.sha256(it.read_bytes()).hexdigest() for it in out.iterdir()}
    assert set(found) == {"sites-2026.docx", "sites-2026.pdf"}
    opened = open_catalog(reveal(written.catalog.url))
    try:
        with opened.reading() as session:
            from ops.catalog.tables.core import JournalRow

            row = session.query(JournalRow).filter_by(action="report.made").all()[-1]
    finally:
        opened.close()
    assert json.loads(row.details)["files"] == found
    assert str(out / "sites-2026.pdf") in capsys.readouterr().out


def test_drills_of_the_records_are_counted(written: Estate, catalog: Catalog) -> None:
    made = make(written, catalog, wish_of("evidence", written, from_="2025-12-15",
                                          to="2026-12-14"), NOW)  # fmt: skip
    with zipfile.ZipFile(io.BytesIO(next(iter(made.values())))) as packed:
        rows = list(csv.reader(io.StringIO(packed.read("drills.csv").decode("utf-8-sig"))))
    with catalog.reading() as session:
        kept = session.query(Drill).filter(Drill.outcome.is_not(None)).count()

    assert len(rows) - 1 == kept
    assert all(date.fromisoformat(it[4][:10]).year == 2026 for it in rows[1:])


def test_a_step_that_was_not_checked_is_a_remark_of_the_minutes(
    written: Estate, catalog: Catalog
) -> None:
    text = text_of(next(iter(make(written, catalog, wish_of("drill", written), NOW).values())))

    assert "Chưa kiểm tra: lần quét mã độc" in text
    assert "Không có." not in text


def test_a_notice_names_the_article_that_asks_for_it(written: Estate, catalog: Catalog) -> None:
    text = text_of(next(iter(make(written, catalog, wish_of("notice", written), NOW).values())))

    assert "Thực hiện điểm a khoản 1 Điều 13 Nghị định số 224/2026/NĐ-CP" in text


@pytest.mark.parametrize("day", ["1/1/0001", "31/12/9999", "30/2/2026", "0", "x" * 999])
def test_a_day_that_is_none_is_refused(day: str) -> None:
    with pytest.raises(WrongUseError, match="is no day"):
        read_day(day, "from")


@pytest.mark.parametrize(
    ("kind", "flags"),
    [
        ("annual", {"site": name_of(0)}),
        ("annual", {"from_": "1/1/2026", "to": "2/1/2026"}),
        ("policy", {"year": 2026}),
        ("drill", {"number": 5}),
        ("evidence", {"request": "2026-001"}),
        ("backup-minutes", {"of": "x", "site": name_of(0)}),
    ],
)
def test_a_flag_that_a_kind_does_not_heed_is_refused(
    written: Estate, kind: str, flags: dict[str, object]
) -> None:
    with pytest.raises(WrongUseError, match="takes no"):
        read_wish(tasks.Make(kind=kind, out="", **flags), written, NOW)  # type: ignore[arg-type] # flags by name


def test_what_ran_for_sites_that_are_gone_is_added_too(written: Estate, catalog: Catalog) -> None:
    fewer = written.model_copy(update={"sites": written.sites[1:]})
    made = make(fewer, catalog, wish_of("annual", fewer), NOW)
    document = Document(io.BytesIO(made["annual-2026.docx"]))
    (table,) = [it for it in document.tables if it.rows[0].cells[0].text == "STT"]
    rows = [[cell.text for cell in row.cells] for row in table.rows]

    assert rows[-2][1].startswith("Trang thông tin không còn trong tệp khai báo")
    found = [
        [tuple(map(int, row[it].split(" / "))) for it in (2, 3, 4, 5, 7)] for row in rows[1:-1]
    ]
    total = [tuple(int(it.replace(".", "")) for it in rows[-1][at].split(" / "))
             for at in (2, 3, 4, 5, 7)]  # fmt: skip
    assert total == [
        tuple(map(sum, zip(*column, strict=True))) for column in zip(*found, strict=True)
    ]


def test_a_short_form_has_no_flag_that_its_kind_does_not_heed() -> None:
    found = {it.name.partition(".")[2]: it for it in tasks_of(tasks)}
    short = {name: it for name, it in found.items() if name in KINDS}
    for name, task in short.items():
        flags = {it.rstrip("_") for it in task.flags} - {"out", "json"}
        of = {"of" if it == "id" else it for it in flags}
        assert of <= set(KINDS[name].takes), name

    assert len(short) == 8
    assert {"kind", "out", "of"} <= set(found["make"].flags)
