"""Write a paper as DOCX, so that the office can go on with it; the layout is the decree's.

The file names Times New Roman and no other face. Charts become pictures: a DOCX holds no SVG that
every program shows.
"""

import io
import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from itertools import chain
from typing import Any

from docx import Document
from docx.document import Document as DocumentObject
from docx.enum.section import WD_ORIENT, WD_SECTION
from docx.enum.table import WD_TABLE_ALIGNMENT
from docx.enum.text import WD_ALIGN_PARAGRAPH
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docx.shared import Length, Mm, Pt
from docx.table import Table as DocxTable
from docx.table import _Cell
from docx.text.paragraph import Paragraph as DocxParagraph

from ops.reports.papers.paper import (
    Align,
    Annex,
    Block,
    Chart,
    Heading,
    Paper,
    Paragraph,
    Signature,
    Table,
    date_line,
    end_bases,
    end_recipients,
    is_short,
    number_line,
    split_annexes,
    split_lead,
    sticks,
)
from ops.reports.papers.pdf import svgs_to_png

FACE = "Times New Roman"
MARGINS_MM = {"top": 20, "bottom": 20, "left": 30, "right": 18}
TEXT_WIDTH_MM = 210 - MARGINS_MM["left"] - MARGINS_MM["right"]
INDENT_MM = 10
BODY_PT = 13

_ALIGN = {
    "left": WD_ALIGN_PARAGRAPH.LEFT,
    "center": WD_ALIGN_PARAGRAPH.CENTER,
    "right": WD_ALIGN_PARAGRAPH.RIGHT,
    "justify": WD_ALIGN_PARAGRAPH.JUSTIFY,
}
_CONTROL = re.compile(
    r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ufffe\uffff]"
)
_NO_MOMENT = datetime(2000, 1, 1, tzinfo=UTC)
_COLUMNS_MM = (70, 92)


def write_docx(paper: Paper) -> bytes:
    """Give the file; the same paper always gives the same text and layout."""
    document = Document()
    _set_up(document)
    _head(document, paper)
    _title(document, paper)
    for basis in end_bases(paper.bases):
        _line(document, basis, italic=True, align="justify", indent=True)
    pictures = iter(svgs_to_png([it.svg for it in paper.blocks if isinstance(it, Chart)]))
    text, annexes = split_annexes(paper.blocks)
    _blocks(document, text, None, pictures)
    _end(document, paper)
    for annex in annexes:
        _blocks(document, annex, annex[0], pictures)
    buffer = io.BytesIO()
    document.save(buffer)
    return buffer.getvalue()


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
    _number_pages(section)
    core = document.core_properties
    core.author = core.comments = core.last_modified_by = ""
    core.created = core.modified = _NO_MOMENT.replace(tzinfo=None)


def _number_pages(section: Any) -> None:
    """Put the page's number in the middle of the top margin, and none on the first page."""
    section.different_first_page_header_footer = True
    section.header.is_linked_to_previous = False
    paragraph = section.header.paragraphs[0]
    paragraph.alignment = _ALIGN["center"]
    run = paragraph.add_run()
    run.font.size = Pt(BODY_PT)
    for kind, text in (("begin", ""), ("", "PAGE"), ("end", "")):
        if text:
            element = OxmlElement("w:instrText")
            element.text = text
        else:
            element = OxmlElement("w:fldChar")
            element.set(qn("w:fldCharType"), kind)
        run._r.append(element)  # noqa: SLF001 - python-docx has no fields


def _head(document: DocumentObject, paper: Paper) -> None:
    table = document.add_table(rows=1, cols=2)
    table.alignment = WD_TABLE_ALIGNMENT.CENTER
    cells = table.rows[0].cells
    _set_widths(table, [cells], _COLUMNS_MM)
    left, right = cells
    head = paper.letterhead
    if head.authority:
        _put(left, head.authority.upper(), size=12)
    _put(left, head.body.upper(), size=12, bold=True)
    _rule(_put(left, "", size=4), 24)
    if number := number_line(head):
        _put(left, number)
    if paper.about and not paper.kind:
        _put(left, f"V/v {paper.about}", size=12)
    if paper.draft:
        _put(left, "DỰ THẢO", size=12, bold=True)
    _put(right, "CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM", size=12, bold=True)
    _put(right, "Độc lập - Tự do - Hạnh phúc", size=13, bold=True)
    _rule(_put(right, "", size=4), 18)
    _put(right, date_line(head), italic=True)
    for cell in (left, right):
        _drop_first(cell)


def _title(document: DocumentObject, paper: Paper) -> None:
    if paper.kind:
        _line(document, paper.kind.upper(), size=14, bold=True, align="center", before=14)
        _line(document, paper.about, size=14, bold=True, align="center", before=0)
        _rule(_line(document, "", size=4, align="center", before=0), 58)
    if paper.issuer:
        _line(document, paper.issuer.upper(), bold=True, align="center", before=12)
    names = paper.addressees
    if len(names) == 1:
        _line(document, f"Kính gửi: {names[0]}.", size=14, align="center", before=12)
    elif names:
        _line(document, "Kính gửi:", size=14, left_mm=40, before=12)
        for number, name in enumerate(names, start=1):
            mark = "." if number == len(names) else ";"
            _line(document, f"- {name}{mark}", size=14, left_mm=55, before=3)


def _blocks(
    document: DocumentObject, blocks: list[Block], after: Block | None, pictures: Iterator[bytes]
) -> None:
    """Write blocks; `after` is what follows the last one, as in `sticks`."""
    for block, following in zip(blocks, [*blocks[1:], after], strict=True):
        match block:
            case Annex():
                _annex(document, block)
            case Table():
                _table(document, block, holds_on=sticks(block, following))
            case Chart():
                _chart(document, block, next(pictures), holds_on=sticks(block, following))
            case _:
                line = _text(document, block)
                line.paragraph_format.keep_with_next = sticks(block, following)


def _text(document: DocumentObject, block: Heading | Paragraph) -> DocxParagraph:
    match block:
        case Heading():
            return _line(document, block.text, bold=block.level < 3, italic=block.level == 3,  # noqa: PLR2004 - its marks
                         align="justify", indent=True)  # fmt: skip
        case Paragraph(kind="note"):
            return _line(document, block.text, size=11, italic=True, align="justify")
        case Paragraph(kind="verdict"):
            return _line(document, block.text, bold=True, align="center")
        case Paragraph(kind="article"):
            lead, rest = split_lead(block.text)
            line = _line(document, lead, bold=True, align="justify", indent=True)
            return _write(line, rest, align="justify", indent=True)
        case _:
            text = f"- {block.text}" if block.kind == "item" else block.text
            return _line(document, text, align="justify", indent=True)


def _annex(document: DocumentObject, annex: Annex) -> None:
    section = document.add_section(WD_SECTION.NEW_PAGE)
    if (section.orientation == WD_ORIENT.LANDSCAPE) != annex.is_wide:
        section.page_width, section.page_height = section.page_height, section.page_width
        section.orientation = WD_ORIENT.LANDSCAPE if annex.is_wide else WD_ORIENT.PORTRAIT
    if not section._sectPr.findall(qn("w:pgNumType")):  # noqa: SLF001 - a section begins as the one before
        numbering = OxmlElement("w:pgNumType")
        numbering.set(qn("w:start"), "1")
        section._sectPr.append(numbering)  # noqa: SLF001 - python-docx has no page numbers
    heads = [(annex.mark, True), (annex.title, True)]
    heads += [(f"({annex.belongs})", False)] if annex.belongs else []
    for text, is_bold in heads:
        line = _line(document, text, size=14 if is_bold else BODY_PT, bold=is_bold,
                     italic=not is_bold, align="center", before=0)  # fmt: skip
        line.paragraph_format.keep_with_next = True


def _width_mm(document: DocumentObject) -> float:
    """Give how wide text is on the page that is written."""
    section = document.sections[-1]
    width, sides = section.page_width or 0, (section.left_margin, section.right_margin)
    return Length(width - sum(it or 0 for it in sides)).mm


def _chart(document: DocumentObject, chart: Chart, picture: bytes, *, holds_on: bool) -> None:
    paragraph = _line(document, "", align="center")
    paragraph.paragraph_format.line_spacing = 1.0
    paragraph.paragraph_format.keep_with_next = True
    paragraph.add_run().add_picture(io.BytesIO(picture), width=Mm(_width_mm(document) - 2))
    caption = _line(document, chart.caption, size=12, italic=True, align="center", before=0)
    caption.paragraph_format.keep_with_next = holds_on


def _table(document: DocumentObject, table: Table, *, holds_on: bool) -> None:
    if table.caption:
        caption = _line(document, table.caption, size=12, bold=True, align="center")
        caption.paragraph_format.keep_with_next = True
    shares = [it.share for it in table.columns]
    rows = [*table.rows, *table.totals]
    drawn = document.add_table(rows=1 + len(rows), cols=len(shares))
    drawn.style = "Table Grid"
    drawn.alignment = WD_TABLE_ALIGNMENT.CENTER
    whole = _width_mm(document)
    lines = [row.cells for row in drawn.rows]
    _set_widths(drawn, lines, [whole * it / sum(shares) for it in shares], margins=True)
    for cell, column in zip(lines[0], table.columns, strict=True):
        _fill(cell, column.head, bold=True, align="center")
    _keep_whole(drawn)
    _repeat_first_row(drawn)
    bold_from = len(table.rows)
    for number, (cells, row) in enumerate(zip(lines[1:], rows, strict=True)):
        for cell, text, column in zip(cells, row, table.columns, strict=True):
            _fill(cell, text, bold=number >= bold_from, align=column.align)
    # A short table stays on one page, and its heads never stand alone.
    held = lines if holds_on else lines[:-1] if is_short(table) else lines[:1]
    for cell in chain.from_iterable(held):
        cell.paragraphs[0].paragraph_format.keep_with_next = True
    gap = _line(document, "", size=4, before=0)
    gap.paragraph_format.keep_with_next = holds_on


def _repeat_first_row(table: DocxTable) -> None:
    properties = table.rows[0]._tr.get_or_add_trPr()  # noqa: SLF001 - python-docx has no such word
    element = OxmlElement("w:tblHeader")
    element.set(qn("w:val"), "true")
    properties.append(element)


def _end(document: DocumentObject, paper: Paper) -> None:
    """Put who receives it to the left, and who signs to the right; several sign side by side."""
    if not paper.signatures and not paper.recipients:
        return
    gap = _line(document, "", size=4, before=6)
    gap.paragraph_format.keep_with_next = True
    signed = len(paper.signatures)
    if signed > 1:
        table = _frame(document, signed)
        _sign(table, paper.signatures)
    else:
        table = _frame(document, 2)
        _sign(table, [None, *paper.signatures] if signed else [])
    if paper.recipients:
        cell = table.add_row().cells[0].merge(table.rows[3].cells[-1]) if signed > 1 else (
            table.cell(0, 0).merge(table.cell(2, 0)))  # fmt: skip
        _receivers(cell, paper)
        _drop_first(cell)
    _keep_whole(table)


def _frame(document: DocumentObject, columns: int) -> DocxTable:
    """Give a table without lines: posts, room to sign, names."""
    table = document.add_table(rows=3, cols=columns)
    widths = [TEXT_WIDTH_MM / columns] * columns
    _set_widths(table, [it.cells for it in table.rows], widths)
    return table


def _sign(table: DocxTable, signatures: Sequence[Signature | None]) -> None:
    """Put posts and names in rows of their own, so that names stand on one line."""
    table.rows[1].height = Mm(22)
    for place, signature in enumerate(signatures):
        post, room, name = (table.cell(row, place) for row in range(3))
        if signature is None:
            continue
        for words in (*signature.authority, signature.post):
            _put(post, words.upper(), bold=True)
        _drop_first(post)
        _put(name, signature.name, bold=True)
        _drop_first(name)
        for cell in (post, room):
            for line in cell.paragraphs:
                line.paragraph_format.keep_with_next = True


def _receivers(cell: _Cell, paper: Paper) -> None:
    if paper.recipients:
        _put(cell, "Nơi nhận:", size=12, bold=True, italic=True, align="left")
    for name in end_recipients(paper.recipients):
        _put(cell, name, size=11, align="left")


def _set_widths(
    table: DocxTable,
    lines: Sequence[Sequence[_Cell]],
    widths: Sequence[float],
    *,
    margins: bool = False,
) -> None:
    table.autofit = False
    if not margins:
        _take_margins(table)
    for column, width in zip(table.columns, widths, strict=True):
        column.width = Mm(width)
    for cells in lines:
        for cell, width in zip(cells, widths, strict=True):
            cell.width = Mm(width)


def _take_margins(table: DocxTable) -> None:
    """Take the cells' margins away: the nation's name needs the whole width."""
    margins = OxmlElement("w:tblCellMar")
    for side in ("left", "right"):
        element = OxmlElement(f"w:{side}")
        element.set(qn("w:w"), "0")
        element.set(qn("w:type"), "dxa")
        margins.append(element)
    table._tbl.tblPr.append(margins)  # noqa: SLF001 - python-docx has no cell margins


def _keep_whole(table: DocxTable) -> None:
    """Break no row over two pages."""
    for row in table.rows:
        properties = row._tr.get_or_add_trPr()  # noqa: SLF001 - python-docx has no such word
        properties.append(OxmlElement("w:cantSplit"))


def _drop_first(cell: _Cell) -> None:
    """Take away the empty paragraph that each cell begins with."""
    first = cell.paragraphs[0]
    if not first.text and len(cell.paragraphs) > 1:
        first._p.getparent().remove(first._p)  # noqa: SLF001 - python-docx cannot remove


def _put(cell: _Cell, text: str, **look: Any) -> DocxParagraph:
    return _write(cell.add_paragraph(), text, **{"align": "center", "before": 0, **look})


def _fill(cell: _Cell, text: str, *, bold: bool, align: Align) -> None:
    _write(cell.paragraphs[0], text, size=11, bold=bold, align=align, before=0)


def _line(document: DocumentObject, text: str, **look: Any) -> DocxParagraph:
    return _write(document.add_paragraph(), text, **look)


def _write(  # noqa: PLR0913 - how a line looks
    paragraph: DocxParagraph,
    text: str,
    *,
    size: float = BODY_PT,
    bold: bool = False,
    italic: bool = False,
    align: str = "left",
    indent: bool = False,
    before: float = 6,
    left_mm: float = 0,
) -> DocxParagraph:
    run = paragraph.add_run(_CONTROL.sub("", text))
    run.font.size, run.bold, run.italic = Pt(size), bold, italic
    layout = paragraph.paragraph_format
    layout.space_before, layout.space_after = Pt(before), Pt(0)
    # An empty line is as high as its letters would be, not as the paragraph's own mark.
    layout.line_spacing = 1.0 if text else Pt(size)
    if indent:
        layout.first_line_indent = Mm(INDENT_MM)
    if left_mm:
        layout.left_indent = Mm(left_mm)
    paragraph.alignment = _ALIGN[align]
    return paragraph


def _rule(paragraph: DocxParagraph, inset_mm: float) -> None:
    """Draw a line below an empty paragraph, set in from both sides."""
    borders = OxmlElement("w:pBdr")
    bottom = OxmlElement("w:bottom")
    for name, value in (("val", "single"), ("sz", "6"), ("space", "1"), ("color", "000000")):
        bottom.set(qn(f"w:{name}"), value)
    borders.append(bottom)
    paragraph._p.get_or_add_pPr().append(borders)  # noqa: SLF001 - python-docx has no borders
    layout = paragraph.paragraph_format
    layout.left_indent = layout.right_indent = Mm(inset_mm)
