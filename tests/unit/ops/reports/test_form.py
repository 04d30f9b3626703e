"""The form checker finds each fault that it is for: one is planted, and it is told by its rule."""

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from ops.reports.papers import pdf as pdf_writer
from ops.reports.papers.paper import (
    Annex,
    Chart,
    Heading,
    Paper,
    PaperColumn,
    Paragraph,
    Signature,
    Table,
)
from ops.reports.papers.pdf import TEMPLATE, write_pdf
from tests.form_checker import RULES, check_form, read_shown
from tests.unit.ops.reports.test_papers import HEAD

pytestmark = pytest.mark.slow
CODES = ("near", "trang-so-noi-vu")
LONG = (
    "Trung tâm kiểm tra, bảo dưỡng máy chủ theo lịch và ghi kết quả vào sổ theo dõi bảo trì. " * 3
)
TABLE = Table(
    (
        PaperColumn("STT", 0.4, "center"),
        PaperColumn("Nội dung", 3),
        PaperColumn("Tiền", 1, "right"),
    ),
    tuple((str(it), f"Hạng mục thứ {it}", "12.500.000") for it in range(1, 30)),
    (("", "Tổng cộng", "362.500.000"),),
    "Kinh phí",
)
DECISION = Paper(
    kind="Quyết định",
    about="Về việc phê duyệt Kế hoạch duy trì Cổng Thông tin điện tử năm 2027",
    letterhead=replace(HEAD, sign="QĐ-UBND"),
    issuer="Chủ tịch Ủy ban nhân dân thành phố Đồng Nai",
    bases=(
        "Căn cứ Luật An ninh mạng ngày 10 tháng 12 năm 2025",
        "Căn cứ Nghị định số 224/2026/NĐ-CP ngày 24 tháng 6 năm 2026 của Chính phủ về dữ liệu",
        "Theo đề nghị của Sở Tài chính tại Tờ trình số 12/TTr-STC ngày 20 tháng 01 năm 2027",
    ),
    blocks=(
        Paragraph("QUYẾT ĐỊNH:", "verdict"),
        Paragraph("Điều 1. Phê duyệt Kế hoạch năm 2027.", "article"),
        Heading("1. Nội dung"),
        *(Paragraph(LONG) for _it in range(8)),
        Paragraph("Thời gian khôi phục (RTO): 4 giờ; RTO đạt 3 giờ, tỷ lệ 99,9%."),
        Heading("2. Kinh phí"),
        TABLE,
        Paragraph("Điều 2. Quyết định này có hiệu lực kể từ ngày ký./.", "article"),
        Annex("Danh mục", is_wide=True),
        TABLE,
        Annex("Máy chủ"),
        Table(
            (PaperColumn("Tên"), PaperColumn("Địa chỉ"), PaperColumn("Nơi đặt"), PaperColumn("")),
            (("Cổng", "cong-thong-tin-dien-tu.dongnai.gov.vn", "Trung tâm dữ liệu", ""),),
        ),
    ),
    signatures=(Signature(post="Giám đốc", name="Nguyễn Văn A"),),
    recipients=("Như Điều 2", "Lưu: VT"),
)


def complaints(paper: Paper) -> list[str]:
    words = [
        word
        for it in paper.blocks
        for text in ([it.text] if isinstance(it, Paragraph) else _cells(it))
        for word in text.split()
    ]
    return check_form(read_shown(write_pdf(paper)[0], CODES, words))


def _cells(block: object) -> Iterator[str]:
    for row in block.rows if isinstance(block, Table) else ():
        yield from row


def with_block(*blocks: Heading | Paragraph | Table | Chart | Annex) -> Paper:
    """Give the decision with blocks before its second article."""
    found = list(DECISION.blocks)
    place = next(n for n, it in enumerate(found) if isinstance(it, Annex)) - 1
    return replace(DECISION, blocks=(*found[:place], *blocks, *found[place:]))


def test_a_paper_in_the_decrees_form_is_not_complained_of() -> None:
    assert complaints(DECISION) == []


SAID = {
    "a store's name": ("words", Paragraph("Nơi lưu near còn trống.")),
    "a site's name over two lines": ("words", Paragraph(f"{'rất dài ' * 9} trang-so-noi-vu.")),
    "English": ("words", Paragraph("Lý do: failed.")),
    "a Python value": ("words", Paragraph("Người phụ trách: None.")),
    "a subject": ("words", Paragraph("Dung lượng của host:localhost.")),
    "a duty's version": ("words", Paragraph("Nghĩa vụ sao lưu@2026-11-30.")),
    "a clock's offset": ("words", Paragraph("Lúc 22:00 +07:00.")),
    "a file system's word": ("words", Paragraph("Hết inode.")),
    "a UUID": ("words", Paragraph("Mã 0190b7e2-1c2d-7000-8000-000000000001.")),
    "a name that nobody filled": ("words", Paragraph("Năm {year}.")),
    "two decimals": ("words", Paragraph("Đạt 99,96%.")),
    "RPO alone": ("words", Paragraph("RPO đạt 1 giờ.")),
}


@pytest.mark.parametrize("fault", SAID)
def test_what_is_no_word_for_a_paper(fault: str) -> None:
    rule, block = SAID[fault]
    found = complaints(with_block(block))

    assert found
    assert {it.split(":")[0] for it in found} == {rule}


BASES = {
    "a law with its number": "Căn cứ Luật An ninh mạng số 116/2025/QH15",
    "a decree without its day": "Căn cứ Nghị định số 224/2026/NĐ-CP của Chính phủ",
    "a decree without its body": "Căn cứ Nghị định số 224/2026/NĐ-CP ngày 24 tháng 6 năm 2026",
}


@pytest.mark.parametrize("fault", BASES)
def test_a_base_that_is_no_citation(fault: str) -> None:
    found = complaints(replace(DECISION, bases=(BASES[fault], *DECISION.bases[1:])))

    assert [it.split(":")[0] for it in found] == ["citations"]


FORM = {
    "left margin": ("margins", "left: 30mm", "left: 26mm"),
    "wide left margin": ("margins", "left: 30mm", "left: 38mm"),
    "right margin": ("margins", "right: 18mm", "right: 12mm"),
    "wide right margin": ("margins", "right: 18mm", "right: 24mm"),
    "margin above": ("margins", "(top: 20mm", "(top: 30mm"),
    "margin below": ("margins", "bottom: 20mm", "bottom: 10mm"),
    "Quốc hiệu": ("sizes", '12pt, weight: "bold", "CỘNG', '11pt, weight: "bold", "CỘNG'),
    "Tiêu ngữ": ("sizes", 'size: 13pt, weight: "bold", "Độc', 'size: 13pt, "Độc'),
    "place and day": ("sizes", 'style: "italic", paper.date', "paper.date"),
    "number": ("sizes", "text(size: 13pt, paper.number)", "text(size: 12pt, paper.number)"),
    "body": ("sizes", 'text(weight: "bold", upper12(paper.body))', "upper12(paper.body)"),
    "kind": ("sizes", "show title: set text(size: 14pt)", "show title: set text(size: 16pt)"),
    "bases": ("sizes", 'text(style: "italic", fit(basis))', "text(fit(basis))"),
    "receivers": ("sizes", "parbreak(); text(size: 11pt", "parbreak(); text(size: 10pt"),
    "small cells": ("sizes", "text(size: 11pt, weight: if", "text(size: 8pt, weight: if"),
    "head turned round": ("order", "head-left, head-right)", "head-right, head-left)"),
    "number below the kind": ("order", "text(size: 13pt, paper.number)",
                              "move(dy: 40mm, text(size: 13pt, paper.number))"),
    "authority line": ("centring", "block(width: 100%, below: gap, align(center, par(",
                       "block(below: gap, align(center, par("),
    "verdict": ("centring", "if it.sticks { block(width: 100%,", "if it.sticks { block("),
    "kind to the left": ("centring", "  set align(center)\n  set par(justify: false)\n  show title",
                         "  set par(justify: false)\n  show title"),
    "day to the left": ("centring", 'text(size: 13pt, style: "italic", paper.date)',
                        'align(left, text(size: 13pt, style: "italic", paper.date))'),
    "head of an annex": ("centring", "align(center, {\n      show heading",
                         "align(left, {\n      show heading"),
    "number on page 1": ("page numbers", "if number > 1 {", "if number > 0 {"),
    "no numbers": ("page numbers", "if number > 1 {", "if number > 100 {"),
    "number of the file": ("page numbers", "str(number)", "str(here().page())"),
    "small number": ("page numbers", "size: 13pt, str(number)", "size: 11pt, str(number)"),
    "number to the right": ("page numbers", "align(center, text(size: 13pt, str",
                            "align(right, text(size: 13pt, str"),
    "title in small letters": ("annexes", "linebreak() + fit(title)", "linebreak() + lower(title)"),
    "annex without its paper": ("annexes", "fit(belongs)", '"(Kèm theo Quyết định)"'),
    "mark in capitals": ("annexes", 'mark + " "', 'upper(mark) + " "'),
    "table in one piece": ("fill", "breakable: not it.whole, sticky", "breakable: false, sticky"),
    "heading alone": ("alone", "above: gap, below: gap, par(it.body))",
                      "above: gap, below: gap, par(it.body)) + pagebreak()"),
    "signature alone": ("alone", "  block(breakable: false, above: 14pt, if",
                        "  pagebreak()\n  block(breakable: false, above: 14pt, if"),
    "name cut": ("cuts", "if piece.text.len() < longest { box", "if false { box"),
}  # fmt: skip


@pytest.mark.parametrize("fault", FORM)
def test_a_form_that_is_not_the_decrees(
    fault: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rule, right, wrong = FORM[fault]
    template = TEMPLATE.read_text(encoding="utf-8")
    assert template.count(right) == 1
    path = tmp_path / TEMPLATE.name
    path.write_text(template.replace(right, wrong), encoding="utf-8")
    monkeypatch.setattr(pdf_writer, "TEMPLATE", path)
    found = complaints(DECISION)

    assert rule in {it.split(":")[0] for it in found}


def test_every_rule_has_a_fault() -> None:
    assert {it[0] for it in (*SAID.values(), *FORM.values())} | {"citations"} == set(RULES)


def test_the_file_has_bookmarks_a_language_and_a_title() -> None:
    shown = read_shown(write_pdf(DECISION)[0])

    assert shown.bookmarks == (
        "1. Nội dung", "2. Kinh phí", "Phụ lục I DANH MỤC", "Phụ lục II MÁY CHỦ",
    )  # fmt: skip
    assert re.search(rb"/Lang ?\(vi", write_pdf(DECISION)[0])
