"""Write a paper as DOCX, so that the office can go on with it; the layout is the decree's.

The file names Times New Roman and no other face. Charts become pictures: a DOCX holds no SVG that
every program shows.
"""

import io
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

from docx import Document
from docx.document import Document as DocumentObject
from docx.enum.section import WD_ORIENT, WD_SECTION
from docx.enum.text import WD_ALIGN_PARAGRAPH
from docx.oxml import parse_xml
from docx.oxml.ns import qn
from docx.shared import Length, Mm, Pt

from ops.reports.papers.paper import (
    MOST_WHOLE_CELL,
    Annex,
    Block,
    Chart,
    Content,
    Heading,
    Paper,
    Paragraph,
    Signature,
    Table,
    annex_heads,
    date_line,
    end_bases,
    end_recipients,
    is_short,
    number_line,
    split_annexes,
    split_lead,
    with_sticking,
)
from ops.reports.papers.pdf import svgs_to_png
from ops.reports.papers.wordml import PAGE_NUMBER, Row, Style, named, paragraph, table

FACE = "Times New Roman"
MARGINS_MM = {"top": 20, "bottom": 20, "left": 30, "right": 18}
TEXT_WIDTH_MM = 210 - MARGINS_MM["left"] - MARGINS_MM["right"]
BODY_PT = 13

_NO_MOMENT = datetime(2000, 1, 1, tzinfo=UTC)
_COLUMNS_MM = (70, 92)
_ROOM_TO_SIGN_MM = 22
_MIDDLE = Style(align="center", before=0)


def write_docx(paper: Paper) -> bytes:
    """Give the file; the same paper always gives the same text and layout."""
    writer = _Writer(svgs_to_png([it.svg for it in paper.blocks if isinstance(it, Chart)]))
    writer.add(table(_COLUMNS_MM, [Row(cells=_heads(paper))], is_ruled=False))
    for markup in (
        *_title(paper),
        *(
            paragraph(it, Style(italic=True, align="justify", indent=True))
            for it in end_bases(paper.bases)
        ),
    ):
        writer.add(markup)
    text, annexes = split_annexes(paper.blocks)
    writer.write(text, None)
    if paper.signatures or paper.recipients:
        writer.add(paragraph("", Style(size=4, keeps=True)))
        writer.add(_end(paper))
    for heads, (annex, blocks) in zip(annex_heads(paper), annexes, strict=True):
        writer.begin(annex, heads)
        writer.write(blocks, annex)
    return writer.finish()


class _Writer:
    """A document that grows at its end.

    Args:
        pictures: Of its charts, in order.
    """

    def __init__(self, pictures: Sequence[bytes]) -> None:
        self._document: DocumentObject = Document()
        self._pictures: Iterator[bytes] = iter(pictures)
        _set_up(self._document)

    def add(self, markup: str) -> None:
        """Add the markup of one element."""
        body: Any = self._document.element.body
        body.sectPr.addprevious(parse_xml(named(markup)))

    def write(self, blocks: Sequence[Content], after: Block | None) -> None:
        """Add blocks; `after` is what follows the last one, as in `sticks`."""
        for block, holds_on in with_sticking(blocks, after):
            match block:
                case Table():
                    self._write_table(block, holds_on=holds_on)
                case Chart():
                    self._draw(block, holds_on=holds_on)
                case _:
                    self.add(_text(block, holds_on=holds_on))

    def finish(self) -> bytes:
        """Give the file."""
        buffer = io.BytesIO()
        self._document.save(buffer)
        return buffer.getvalue()

    def _width_mm(self) -> float:
        section = self._document.sections[-1]
        sides = (section.left_margin or 0) + (section.right_margin or 0)
        return float(Length((section.page_width or 0) - sides).mm)

    def begin(self, annex: Annex, heads: tuple[str, str, str]) -> None:
        """Begin an annex on pages of its own, numbered from 1, with its three lines."""
        section = self._document.add_section(WD_SECTION.NEW_PAGE)
        if (section.orientation == WD_ORIENT.LANDSCAPE) != annex.is_wide:
            section.page_width, section.page_height = section.page_height, section.page_width
            section.orientation = WD_ORIENT.LANDSCAPE if annex.is_wide else WD_ORIENT.PORTRAIT
        properties = section._sectPr  # noqa: SLF001 - python-docx numbers no pages
        if not properties.findall(qn("w:pgNumType")):
            properties.append(parse_xml(named('<w:pgNumType w:start="1"/>')))
        mark, title, belongs = heads
        for text in (mark, title):
            self.add(
                paragraph(text, Style(size=14, bold=True, align="center", before=0, keeps=True))
            )
        self.add(paragraph(belongs, Style(italic=True, align="center", before=0, keeps=True)))

    def _draw(self, chart: Chart, *, holds_on: bool) -> None:
        line = self._document.add_paragraph()
        line.alignment = WD_ALIGN_PARAGRAPH.CENTER
        line.paragraph_format.keep_with_next = True
        line.paragraph_format.space_before = Pt(6)
        line.paragraph_format.space_after = Pt(0)
        picture = io.BytesIO(next(self._pictures))
        line.add_run().add_picture(picture, width=Mm(self._width_mm() - 1))
        look = Style(size=12, italic=True, align="center", before=0, keeps=holds_on)
        self.add(paragraph(chart.caption, look))

    def _write_table(self, block: Table, *, holds_on: bool) -> None:
        if block.caption:
            self.add(
                paragraph(block.caption, Style(size=12, bold=True, align="center", keeps=True))
            )
        else:
            self.add(paragraph("", Style(size=3, before=0, keeps=True)))
        shares = [it.share for it in block.columns]
        width = self._width_mm() / sum(shares)
        self.add(
            table([width * it for it in shares], _rows(block, holds_on=holds_on), is_ruled=True)
        )
        self.add(paragraph("", Style(size=4, before=0, keeps=holds_on)))


def _set_up(document: DocumentObject) -> None:
    section = document.sections[0]
    section.page_width, section.page_height = Mm(210), Mm(297)
    section.top_margin, section.bottom_margin = Mm(MARGINS_MM["top"]), Mm(MARGINS_MM["bottom"])
    section.left_margin, section.right_margin = Mm(MARGINS_MM["left"]), Mm(MARGINS_MM["right"])
    section.header_distance = Mm(10)
    style = document.styles["Normal"]
    style.font.name, style.font.size = FACE, Pt(BODY_PT)
    fonts = style.element.get_or_add_rPr().get_or_add_rFonts()
    for kind in ("w:ascii", "w:hAnsi", "w:eastAsia", "w:cs"):
        fonts.set(qn(kind), FACE)
    # The page's number stands in the middle of the top margin, and none on the first page.
    section.different_first_page_header_footer = True
    section.header.is_linked_to_previous = False
    first = section.header.paragraphs[0]._p  # noqa: SLF001 - python-docx has no fields
    first.getparent().replace(first, parse_xml(named(PAGE_NUMBER)))
    core = document.core_properties
    core.author = core.comments = core.last_modified_by = ""
    core.created = core.modified = _NO_MOMENT.replace(tzinfo=None)


def _heads(paper: Paper) -> tuple[str, str]:
    """Give what stands on top: who issues it, and the nation's name with place and day."""
    head, small = paper.letterhead, Style(size=12, align="center", before=0)
    bold = Style(size=12, bold=True, align="center", before=0)
    left = [
        paragraph(head.authority.upper(), small) if head.authority else "",
        paragraph(head.body.upper(), bold),
        paragraph("", Style(size=2, align="center", before=0, rule_mm=24)),
        paragraph(number, _MIDDLE) if (number := number_line(head)) else "",
        paragraph(f"V/v {paper.about}", small) if paper.about and not paper.kind else "",
        paragraph("DỰ THẢO", bold) if paper.draft else "",
    ]
    right = [
        paragraph("CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM", bold),
        paragraph("Độc lập - Tự do - Hạnh phúc", Style(bold=True, align="center", before=0)),
        paragraph("", Style(size=2, align="center", before=0, rule_mm=18)),
        paragraph(date_line(head), Style(italic=True, align="center", before=0)),
    ]
    return "".join(left), "".join(right)


def _title(paper: Paper) -> Iterator[str]:
    bold = Style(size=14, bold=True, align="center", before=0)
    yield paragraph("", Style(size=6))
    if paper.kind:
        yield paragraph(paper.kind.upper(), bold)
        yield paragraph(paper.about, bold)
        yield paragraph("", Style(size=2, align="center", before=0, rule_mm=58))
    if paper.issuer:
        yield paragraph(paper.issuer.upper(), Style(bold=True, align="center", before=12))
    names = paper.addressees
    if len(names) == 1:
        yield paragraph(f"Kính gửi: {names[0]}.", Style(size=14, align="center", before=12))
    elif names:
        yield paragraph("Kính gửi:", Style(size=14, left_mm=40, before=12))
        for number, name in enumerate(names, start=1):
            mark = "." if number == len(names) else ";"
            yield paragraph(f"- {name}{mark}", Style(size=14, left_mm=55, before=3))


def _text(block: Heading | Paragraph, *, holds_on: bool) -> str:
    match block:
        case Heading():
            return paragraph(
                block.text,
                Style(
                    bold=block.level < 3,  # noqa: PLR2004 -- a heading's level
                    italic=block.level == 3,  # noqa: PLR2004 -- a heading's level
                    align="justify",
                    indent=True,
                    keeps=holds_on,
                ),
            )
        case Paragraph(kind="note"):
            look = Style(size=11, italic=True, align="justify", before=3, keeps=holds_on)
            return paragraph(block.text, look)
        case Paragraph(kind="verdict"):
            return paragraph(block.text, Style(bold=True, align="center", keeps=holds_on))
        case _:
            lead, text = split_lead(block.text) if block.kind == "article" else ("", block.text)
            text = f"- {text}" if block.kind == "item" else text
            look = Style(align="justify", indent=True, keeps=holds_on)
            return paragraph(text, look, lead=lead)


def _rows(block: Table, *, holds_on: bool) -> Iterator[Row]:
    """Yield a table's rows; a short one stays on one page, and heads and totals never alone."""
    heads: list[tuple[str, str]] = [(it.head, "center") for it in block.columns]
    aligns: list[str] = [it.align for it in block.columns]
    lines = [list(zip(row, aligns, strict=True)) for row in (*block.rows, *block.totals)]
    last, is_whole = len(lines), holds_on or is_short(block)
    bold_from = len(block.rows) + 1
    for number, line in enumerate([heads, *lines]):
        keeps = number < last and (is_whole or number == 0 or number >= bold_from - 1)
        yield Row(
            cells=[
                paragraph(
                    text,
                    Style(
                        size=11,
                        bold=number == 0 or number >= bold_from,
                        align=align,
                        before=0,
                        keeps=keeps or (holds_on and number == last),
                    ),
                )
                for text, align in line
            ],
            is_head=number == 0,
            # A row that could fill a page has to break: it would be cut off.
            is_whole=max(len(text) for text, _align in line) <= MOST_WHOLE_CELL,
        )


def _end(paper: Paper) -> str:
    """Put who receives it to the left, and who signs to the right; several sign side by side.

    Posts, room to sign and names are rows of their own, so that names stand on one line.
    """
    receivers = (
        "".join(
            [
                paragraph("Nơi nhận:", Style(size=12, bold=True, italic=True, before=0)),
                *(
                    paragraph(it, Style(size=11, before=0))
                    for it in end_recipients(paper.recipients)
                ),
            ]
        )
        if paper.recipients
        else paragraph("", _MIDDLE)
    )
    signed = paper.signatures
    if len(signed) <= 1:
        right = "".join(f"{_posts(it)}{_room()}{_name(it)}" for it in signed)
        cells = [receivers, right or paragraph("", _MIDDLE)]
        return table([TEXT_WIDTH_MM / 2] * 2, [Row(cells=cells)], is_ruled=False)
    blank = paragraph("", Style(keeps=True))
    rows = [
        Row(cells=[_posts(it) for it in signed]),
        Row(cells=[blank for _it in signed], height_mm=_ROOM_TO_SIGN_MM),
        Row(cells=[_name(it) for it in signed]),
        *([Row(cells=[receivers], span=len(signed))] if paper.recipients else []),
    ]
    return table([TEXT_WIDTH_MM / len(signed)] * len(signed), rows, is_ruled=False)


def _posts(signature: Signature) -> str:
    look = Style(bold=True, align="center", before=0, keeps=True)
    return "".join(paragraph(it.upper(), look) for it in (*signature.authority, signature.post))


def _room() -> str:
    return "".join(paragraph("", Style(before=0, keeps=True)) for _line in range(4))


def _name(signature: Signature) -> str:
    return paragraph(signature.name, Style(bold=True, align="center", before=0))
