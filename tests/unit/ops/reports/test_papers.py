"""A paper as PDF and DOCX: the decree's measures, each letter back, hostile text stays text."""

import io
import subprocess
import unicodedata
import zipfile
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from docx import Document
from docx.oxml.ns import qn

from ops.reports.papers.docx import write_docx
from ops.reports.papers.docx_styles import FACE, STYLES
from ops.reports.papers.paper import (
    Annex,
    Chart,
    Heading,
    Letterhead,
    Paper,
    PaperColumn,
    Paragraph,
    Signature,
    Table,
    annex_heads,
    date_line,
    number_line,
    roman,
)
from ops.reports.papers.pdf import UNPRINTABLE, show_unprintable, write_pdf

pytestmark = pytest.mark.slow
BASE = "aăâeêioôơuưy"
TONES = ("", "\u0300", "\u0301", "\u0303", "\u0309", "\u0323")
HEAD = Letterhead(
    authority="Sở Khoa học và Công nghệ",
    body="Trung tâm Công nghệ thông tin và Truyền thông",
    place="Đồng Nai",
    year=2027,
    number=5,
    sign="KH-TTCNTT",
    day=date(2027, 2, 5),
)
SVG = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 60 20">'
    '<rect width="60" height="20"/></svg>'
)
PAPER = Paper(
    kind="Kế hoạch",
    about="Duy trì Cổng Thông tin điện tử năm 2027",
    letterhead=HEAD,
    addressees=("Ủy ban nhân dân thành phố Đồng Nai", "Văn phòng Ủy ban nhân dân thành phố"),
    bases=("Căn cứ Luật An ninh mạng", "Căn cứ Quyết định số 57/2018/QĐ-UBND"),
    blocks=(
        Heading("I. HIỆN TRẠNG"),
        Paragraph("Cổng chạy trên hai máy chủ."),
        Table(
            (
                PaperColumn("STT", 0.5, "center"),
                PaperColumn("Nội dung", 3),
                PaperColumn("Tiền", 1, "right"),
            ),
            (("1", "Thay ổ đĩa", "12.500.000"),),
            (("", "Tổng cộng", "12.500.000"),),
            "Bảng 1. Kinh phí",
        ),
        Chart(SVG, "Hình 1"),
        Annex("Danh mục thiết bị"),
        Paragraph("Hết."),
    ),
    signatures=(Signature(post="Giám đốc", name="Nguyễn Văn A"),),
    recipients=("Như trên", "Lưu: VT"),
)


def letters() -> str:
    small = [unicodedata.normalize("NFC", base + tone) for base in BASE for tone in TONES] + ["đ"]
    return "".join(small + [it.upper() for it in small])


def text_of(pdf: bytes, folder: Path) -> str:
    path = folder / "paper.pdf"
    path.write_bytes(pdf)
    return subprocess.run(
        ["pdftotext", "-layout", path, "-"], capture_output=True, text=True, check=True
    ).stdout


def docx_text(made: bytes) -> str:
    document = Document(io.BytesIO(made))
    cells = [cell.text for table in document.tables for row in table.rows for cell in row.cells]
    return "\n".join([*(it.text for it in document.paragraphs), *cells])


def test_number_and_date_as_the_decree_writes_them() -> None:
    assert number_line(HEAD) == "Số: 05/KH-TTCNTT"
    assert number_line(replace(HEAD, number=0)).startswith("Số:  ")
    assert number_line(replace(HEAD, sign="")) == "Số: 05"
    assert number_line(replace(HEAD, sign="", number=0)) == ""
    assert date_line(HEAD) == "Đồng Nai, ngày 05 tháng 02 năm 2027"
    assert date_line(replace(HEAD, day=date(2027, 10, 15))) == (
        "Đồng Nai, ngày 15 tháng 10 năm 2027"
    )
    assert date_line(replace(HEAD, day=date(2027, 3, 1))) == "Đồng Nai, ngày 01 tháng 3 năm 2027"
    assert "2027" in date_line(replace(HEAD, day=None))


def test_annexes_are_numbered_by_who_writes_them() -> None:
    belongs = (
        "(Kèm theo Kế hoạch số 05/KH-TTCNTT ngày 05 tháng 02 năm 2027 của Trung tâm Công nghệ thông"
        " tin và Truyền thông)"
    )
    assert annex_heads(PAPER) == [("Phụ lục", "DANH MỤC THIẾT BỊ", belongs)]

    draft = replace(
        PAPER,
        kind="",
        letterhead=replace(HEAD, number=0, day=None, sign="TTCNTT"),
        blocks=(*PAPER.blocks, Annex("Hai"), Annex("Ba"), Annex("Bốn")),
    )
    heads = annex_heads(draft)
    assert [it[0] for it in heads] == ["Phụ lục I", "Phụ lục II", "Phụ lục III", "Phụ lục IV"]
    assert heads[0][2].startswith(
        "(Kèm theo Công văn số ...../TTCNTT ngày ..... tháng ..... năm 2027 của"
    )
    minutes = replace(PAPER, kind="Biên bản", letterhead=replace(HEAD, sign="", number=0))
    assert annex_heads(minutes)[0][2].startswith("(Kèm theo Biên bản ngày 05 tháng 02 năm 2027")
    assert [roman(it) for it in (4, 9, 10, 14, 20)] == ["IV", "IX", "X", "XIV", "XX"]


def test_every_vietnamese_letter_comes_back(tmp_path: Path) -> None:
    wanted = letters()
    paper = replace(PAPER, blocks=(Paragraph(" ".join(wanted)),))

    assert len(wanted) == 146  # 12 vowels of 6 tones and đ, twice
    found = text_of(write_pdf(paper)[0], tmp_path)
    assert [it for it in wanted if it not in found] == []
    assert [it for it in wanted if it not in docx_text(write_docx(paper))] == []


def test_the_fonts_are_embedded_and_ours(tmp_path: Path) -> None:
    path = tmp_path / "paper.pdf"
    path.write_bytes(write_pdf(PAPER)[0])
    told = subprocess.run(["pdffonts", path], capture_output=True, text=True, check=True).stdout
    fonts = [line.split() for line in told.splitlines()[2:]]

    assert fonts
    assert all("LiberationSerif" in it[0] for it in fonts)
    assert all(it[-5] == "yes" for it in fonts)


def test_the_same_paper_gives_the_same_bytes() -> None:
    assert write_pdf(PAPER) == write_pdf(PAPER)
    first, second = (zipfile.ZipFile(io.BytesIO(write_docx(PAPER))) for _time in range(2))
    with first, second:
        assert first.read("word/document.xml") == second.read("word/document.xml")


def test_measures_stand_in_the_docx() -> None:
    document = Document(io.BytesIO(write_docx(PAPER)))
    section = document.sections[0]

    measures = {
        "page_width": (210, 210), "page_height": (297, 297), "top_margin": (20, 25),
        "bottom_margin": (20, 25), "left_margin": (30, 35), "right_margin": (15, 20),
    }  # fmt: skip
    found = {name: round(getattr(section, name).mm, 1) for name in measures}
    assert all(low <= found[name] <= high for name, (low, high) in measures.items()), found
    assert f'w:ascii="{FACE}"' in document.styles.element.xml
    assert section.different_first_page_header_footer
    assert len(document.sections) == 2  # an annex numbers its own pages


def test_every_paragraph_of_the_docx_is_in_a_named_style_and_no_other_look() -> None:
    document = Document(io.BytesIO(write_docx(PAPER)))
    body = document.element.body
    used = {it.get(qn("w:val")) for it in body.iter(qn("w:pStyle"))}

    assert used <= set(STYLES)
    assert {"Title", "Heading1", "BodyText", "Basis", "TableText", "TableTotal", "Caption",
            "FigureCaption", "AnnexTitle", "Signature", "Receivers"} <= used  # fmt: skip
    assert not list(body.iter(qn("w:sz")))
    levels = {it.style.name: it.style.element.find(".//" + qn("w:outlineLvl"))
              for it in document.paragraphs if it.style is not None}  # fmt: skip
    assert levels["Heading 1"] is not None
    assert levels["Tên phụ lục"] is not None
    assert levels["Body Text"] is None
    sizes = {it.size for it in STYLES.values()}
    assert sizes <= {11, 12, 13, 14}


def test_a_draft_says_the_day_on_which_it_was_made() -> None:
    head = replace(HEAD, day=None, drawn_on=date(2026, 11, 30))
    made = write_docx(replace(PAPER, letterhead=head, draft=True))

    assert Document(io.BytesIO(made)).core_properties.created == datetime(2026, 11, 30, tzinfo=UTC)


def test_the_docx_says_what_it_is_and_in_which_language() -> None:
    made = write_docx(PAPER)
    core = Document(io.BytesIO(made)).core_properties

    assert core.title == "Kế hoạch Duy trì Cổng Thông tin điện tử năm 2027"
    assert core.subject == PAPER.about
    assert core.author == HEAD.body
    assert (core.language, core.created) == ("vi-VN", datetime(2027, 2, 5, tzinfo=UTC))
    with zipfile.ZipFile(io.BytesIO(made)) as packed:
        assert {it for it in packed.namelist() if it.startswith("docProps/")} == {
            "docProps/core.xml"
        }
        assert b'<w:lang w:val="vi-VN"' in packed.read("word/styles.xml")
        assert b"en-US" not in packed.read("word/styles.xml")
        assert b'descr="H\xc3\xacnh 1"' in packed.read("word/document.xml")


def test_signatures_stand_before_the_annex(tmp_path: Path) -> None:
    told = text_of(write_pdf(PAPER)[0], tmp_path)

    assert told.index("Nguyễn Văn A") < told.index("DANH MỤC THIẾT BỊ")


@pytest.mark.parametrize(
    "text",
    [
        "A & B <b>c</b> \"'",
        "#let x = 1; $x$ @label *bold* _i_ `code` = head",
        "x" * 10_000,
        "שלום عربي 中文 😀",
        "\x1b[31m\u202edlroW\x00",
        "",
    ],
)
def test_hostile_text_stays_text(text: str, tmp_path: Path) -> None:
    table = Table((PaperColumn("Tên"),), ((text,),), caption=text)
    paper = replace(
        PAPER, about=text, blocks=(Paragraph(text), Heading(text), table), recipients=(text, "VT")
    )
    told = text_of(write_pdf(paper)[0], tmp_path)
    made = docx_text(write_docx(paper))

    for sign in "\x1b\u202e\x00":
        assert sign not in told.replace("\x0c", "")
        assert sign not in made
    if text.startswith("A &"):
        assert text in told
        assert text in made


def test_what_the_font_has_not_is_seen() -> None:
    assert show_unprintable("trang 中 😀") == f"trang {UNPRINTABLE} {UNPRINTABLE}"
    assert show_unprintable("Đồng Nai") == "Đồng Nai"


def test_libreoffice_opens_the_docx_and_loses_nothing(tmp_path: Path) -> None:
    path = tmp_path / "paper.docx"
    path.write_bytes(write_docx(PAPER))
    profile = f"-env:UserInstallation=file://{tmp_path}/profile"
    subprocess.run(
        ["soffice", profile, "--headless", "--convert-to", "pdf", "--outdir", tmp_path, path],
        check=True, capture_output=True, timeout=120, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    told = subprocess.run(
        ["pdftotext", "-layout", tmp_path / "paper.pdf", "-"],
        capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip

    wanted = (
        "CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM", "Độc lập - Tự do - Hạnh phúc", "KẾ HOẠCH",
        "Số: 05/KH-TTCNTT", "12.500.000", "DANH MỤC THIẾT BỊ", "Nguyễn Văn A", "Nơi nhận:",
    )  # fmt: skip
    assert [it for it in wanted if it not in told] == []
