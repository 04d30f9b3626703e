"""Every kind as files: the decree's measures, nothing lost in LibreOffice, hostile text as text."""

import io
import re
import subprocess
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest
from docx import Document
from docx.enum.section import WD_ORIENT
from sqlalchemy import select

from ops.catalog.open import Catalog, open_catalog
from ops.catalog.tables.drills import Drill
from ops.catalog.tables.register import RegisterEntry
from ops.duties.table.load import load_duties
from ops.estate.model.estate import Estate
from ops.estate.model.references import reveal
from ops.reports.kinds.table import KINDS
from ops.reports.make import make
from tests.a_year import NOW, name_of, write_estate, write_year
from tests.form_checker import check_form, read_shown
from tests.unit.ops.reports.a_drill import write_minutes
from tests.unit.ops.reports.a_plan import write_decided, write_plan
from tests.unit.ops.reports.test_kinds import HOSTILE, text_of, wish_of

pytestmark = pytest.mark.slow
PAPERS = [it.name for it in KINDS.values() if "docx" in it.files]
WIDE = {"plan", "plan-progress", "decision", "security"}
START = "<b>&\"'{year}#let $x$"
SITES = 3
LONG = 2_500


def fill(estate: Estate, *, title: str = "") -> None:
    """Write a year and a plan; with a title that everything bears."""
    write_year(estate)
    with open_catalog(reveal(estate.catalog.url)) as catalog:
        write_plan(estate, catalog, title=title)
        write_decided(catalog, **({"title": title} if title else {}))
        with catalog.writing() as session:
            write_minutes(session, name_of(0))
            if title:
                for entry in session.execute(select(RegisterEntry)).scalars():
                    entry.title = title
                drill = session.execute(
                    select(Drill).where(Drill.minutes.is_not(None))
                ).scalar_one()
                minutes = dict(drill.minutes or {})
                drill.minutes = {**minutes, "scenario": {**minutes["scenario"], "title": title}}


def make_all(estate: Estate) -> dict[str, dict[str, bytes]]:
    """Give the files of every kind, by its name and their endings."""
    catalog: Catalog = open_catalog(reveal(estate.catalog.url))
    with catalog:
        return {
            kind: {Path(name).suffix[1:]: content
                   for name, content in make(estate, catalog, wish_of(kind, estate), NOW).items()}
            for kind in PAPERS
        }  # fmt: skip


Files = Mapping[str, Mapping[str, bytes]]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Files:
    estate = write_estate(tmp_path_factory.mktemp("year"), SITES)
    fill(estate)
    return make_all(estate)


@pytest.fixture(scope="module")
def codes(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Give what things are called in commands: no paper says it."""
    estate = write_estate(tmp_path_factory.mktemp("codes"), SITES)
    return [
        *(it.name for it in estate.named_sites),
        *(it.name for it in estate.stores),
        *(it.name for it in estate.systems),
        *(it.name for it in estate.units),
        *(it.name for it in load_duties(estate).duties),
    ]


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Files:
    estate = write_estate(tmp_path_factory.mktemp("hostile"), 1)
    fill(estate, title=HOSTILE)
    named = {
        "sites": tuple(it.model_copy(update={"title": HOSTILE}) for it in estate.named_sites),
        "systems": tuple(it.model_copy(update={"title": HOSTILE}) for it in estate.systems),
    }
    return make_all(estate.model_copy(update=named))


def read_pdf(content: bytes) -> str:
    """Give its text in the order in which it was written: cell by cell."""
    return subprocess.run(
        ["pdftotext", "-raw", "-", "-"], input=content, capture_output=True, check=True
    ).stdout.decode()


def find_lost(docx: bytes, shown: str) -> list[str]:
    """Give the words of a file that are not shown as often; lines may end within them."""
    words = Counter(re.findall(r"[^\W\d_]{4,}", text_of(docx)))
    there, squeezed = Counter(re.findall(r"[^\W\d_]{4,}", shown)), squeeze(shown)
    assert words
    return [it for it, count in words.items() if there[it] < count and squeezed.count(it) < count]


def squeeze(text: str) -> str:
    """Give a text without blanks and hyphens."""
    return re.sub(r"[\s\u2010-]+", "", text)


@pytest.mark.parametrize("kind", PAPERS)
def test_the_measures_are_the_decrees(made: Files, kind: str) -> None:
    document = Document(io.BytesIO(made[kind]["docx"]))
    for section in document.sections:
        is_wide = section.orientation == WD_ORIENT.LANDSCAPE
        size = (section.page_width, section.page_height)
        sides = (section.top_margin, section.bottom_margin, section.left_margin,
                 section.right_margin)  # fmt: skip
        top, bottom, left, right = (round(it.mm, 1) for it in sides if it is not None)

        assert [round(it.mm) for it in size if it is not None] == (
            [297, 210] if is_wide else [210, 297]
        )
        assert 20 <= top <= 25
        assert 20 <= bottom <= 25
        assert 30 <= left <= 35
        assert 15 <= right <= 20
        assert section.different_first_page_header_footer
    assert any(it.orientation == WD_ORIENT.LANDSCAPE for it in document.sections) == (kind in WIDE)


@pytest.mark.parametrize("kind", PAPERS)
def test_the_form_is_the_decrees(made: Files, codes: Sequence[str], kind: str) -> None:
    shown = read_shown(made[kind]["pdf"], codes, text_of(made[kind]["docx"]).split())

    assert check_form(shown) == []
    assert len(shown.bookmarks) >= len(shown.parts) - 1


@pytest.mark.parametrize("kind", PAPERS)
def test_tables_stand_within_the_page(made: Files, kind: str) -> None:
    document = Document(io.BytesIO(made[kind]["docx"]))
    widest = max(
        (it.page_width or 0) - (it.left_margin or 0) - (it.right_margin or 0)
        for it in document.sections
    )

    for table in document.tables:
        assert sum(it.width or 0 for it in table.columns) <= widest + 10_000  # EMU: a hair


@pytest.mark.parametrize("kind", PAPERS)
def test_the_fonts_are_embedded_and_ours(made: Files, kind: str, tmp_path: Path) -> None:
    path = tmp_path / "paper.pdf"
    path.write_bytes(made[kind]["pdf"])
    told = subprocess.run(["pdffonts", path], capture_output=True, text=True, check=True).stdout
    fonts = [line.split() for line in told.splitlines()[2:]]

    assert fonts
    assert all("LiberationSerif" in it[0] and it[-5] == "yes" for it in fonts)


def test_libreoffice_loses_no_word_of_any_kind(made: Files, tmp_path: Path) -> None:
    paths = []
    for kind in PAPERS:
        paths.append(tmp_path / f"{kind}.docx")
        paths[-1].write_bytes(made[kind]["docx"])
    profile = f"-env:UserInstallation=file://{tmp_path}/profile"
    subprocess.run(
        ["soffice", profile, "--headless", "--convert-to", "pdf", "--outdir", tmp_path, *paths],
        check=True, capture_output=True, timeout=240, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    for kind in PAPERS:
        shown = read_pdf((tmp_path / f"{kind}.pdf").read_bytes())

        assert find_lost(made[kind]["docx"], shown) == [], kind


@pytest.mark.parametrize("kind", PAPERS)
def test_both_files_say_the_same(made: Files, kind: str) -> None:
    assert find_lost(made[kind]["docx"], read_pdf(made[kind]["pdf"])) == []


@pytest.mark.parametrize("kind", PAPERS)
def test_hostile_text_stays_text_in_every_kind(hostile: Files, kind: str) -> None:
    docx, pdf = text_of(hostile[kind]["docx"]), read_pdf(hostile[kind]["pdf"])
    shown = squeeze(pdf)

    assert START in docx
    # No line ends within it, or it does: it is all there.
    assert squeeze(START) in shown
    assert docx.count("dài") >= LONG
    assert shown.count("dài") >= LONG
    for sign in "\u202e\u202c\x1b":
        assert sign not in docx
        assert sign not in pdf


def test_the_plan_says_what_lies_behind_it(made: Files) -> None:
    told = text_of(made["plan"]["docx"])

    for wanted in (
        "Phương án khi chỉ được cấp 60%", "DANH MỤC THIẾT BỊ, PHẦN MỀM", "Thiết bị server số 0",
        "LỊCH BẢO DƯỠNG, SAO LƯU VÀ DIỄN TẬP KHÔI PHỤC NĂM 2027", "Diễn tập một trang thành phần",
        "Số phút ngừng của các trang thông tin", "Các cuộc diễn tập khôi phục trong năm 2026",
        "Nhiệm vụ Trung tâm tự thực hiện, không phát sinh kinh phí",
        "Sổ tài sản: hết hỗ trợ 01/01/2027",
        "Dung lượng đã dùng của máy chủ may-chu-web, phân vùng /var",
    ):  # fmt: skip
        assert wanted in told
    assert "Chưa có kế hoạch năm 2026 được phê duyệt để so sánh." in told


def test_the_first_page_answers_what_is_asked_first(made: Files, tmp_path: Path) -> None:
    path = tmp_path / "plan.pdf"
    path.write_bytes(made["plan"]["pdf"])
    words = ["pdftotext", "-l", "1", str(path), "-"]
    told = " ".join(subprocess.run(words, capture_output=True, check=True).stdout.decode().split())

    for question in ("Tổng kinh phí đề nghị", "Lý do", "Rủi ro nếu không", "trách nhiệm",
                     "So với năm trước", "cấp 80%", "cấp 60%"):  # fmt: skip
        assert question in told


def test_annexes_number_their_own_pages(made: Files, tmp_path: Path) -> None:
    path = tmp_path / "plan.pdf"
    path.write_bytes(made["plan"]["pdf"])
    pages = subprocess.run(
        ["pdftotext", "-layout", path, "-"], capture_output=True, check=True
    ).stdout.decode().split("\f")[:-1]  # fmt: skip
    begins = [
        number for number, page in enumerate(pages) if "Phụ lục " in page.split("\n(", 1)[0][:200]
    ]
    first_lines = [
        next(line.strip() for line in page.splitlines() if line.strip()) for page in pages
    ]

    assert len(begins) == 5
    assert first_lines[1] == "2"
    for begin in begins:
        assert first_lines[begin].startswith("Phụ lục")
        if begin + 1 < len(pages) and begin + 1 not in begins:
            assert first_lines[begin + 1] == "2"
