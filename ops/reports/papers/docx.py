"""Write a paper as DOCX, so that the office can go on with it; the layout is the decree's.

The file names Times New Roman and no other face. Charts become pictures: a DOCX holds no SVG that
every program shows.
"""

import io
import re
from datetime import UTC, datetime
from typing import Any

from docx import Document
from docx.document import Document as DocumentObject
from docx.enum.section import WD_SECTION
from docx.enum.table import WD_TABLE_ALIGNMENT
from docx.enum.text import WD_ALIGN_PARAGRAPH
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docx.shared import Mm, Pt
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
    number_line,
)
from ops.reports.papers.pdf import svg_to_png

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
    blocks = list(paper.blocks)
    first = next((n for n, it in enumerate(blocks) if isinstance(it, Annex)), len(blocks))
    for block in blocks[:first]:
        _block(document, block)
    _end(document, paper)
    for block in blocks[first:]:
        _block(document, block)
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
    _set_widths(table, _COLUMNS_MM)
    left, right = table.rows[0].cells
    head = paper.letterhead
    if head.authority:
        _put(left, head.authority.upper(), size=12)
    _put(left, head.body.upper(), size=12, bold=True)
    _rule(_put(left, "", size=4), 24)
    if number := number_line(head):
        _put(left, number)
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
    elif paper.about:
        _line(document, f"V/v {paper.about}", size=12, before=12)
    names = paper.addressees
    if len(names) == 1:
        _line(document, f"Kính gửi: {names[0]}.", size=14, align="center", before=12)
    elif names:
        _line(document, "Kính gửi:", size=14, left_mm=40, before=12)
        for number, name in enumerate(names, start=1):
            mark = "." if number == len(names) else ";"
            _line(document, f"- {name}{mark}", size=14, left_mm=55, before=3)


def _block(document: DocumentObject, block: Block) -> None:
    match block:
        case Heading():
            line = _line(document, block.text, bold=block.level < 3, italic=block.level == 3,  # noqa: PLR2004 - its marks
                         align="justify", indent=True)  # fmt: skip
            line.paragraph_format.keep_with_next = True
        case Paragraph(kind="note"):
            _line(document, block.text, size=11, italic=True, align="justify")
        case Paragraph():
            text = f"- {block.text}" if block.kind == "item" else block.text
            is_article = block.kind == "article"
            _line(document, text, bold=is_article, align="justify", indent=True)
        case Table():
            _table(document, block)
        case Chart():
            _chart(document, block)
        case Annex():
            _annex(document, block)


def _annex(document: DocumentObject, annex: Annex) -> None:
    section = document.add_section(WD_SECTION.NEW_PAGE)
    numbering = OxmlElement("w:pgNumType")
    numbering.set(qn("w:start"), "1")
    section._sectPr.append(numbering)  # noqa: SLF001 - python-docx has no page numbers
    _line(document, annex.mark, size=14, bold=True, align="center", before=0)
    _line(document, annex.title, size=14, bold=True, align="center", before=0)
    if annex.belongs:
        _line(document, f"({annex.belongs})", italic=True, align="center", before=0)


def _chart(document: DocumentObject, chart: Chart) -> None:
    paragraph = _line(document, "", align="center")
    paragraph.paragraph_format.keep_with_next = True
    paragraph.add_run().add_picture(io.BytesIO(svg_to_png(chart.svg)), width=Mm(TEXT_WIDTH_MM - 2))
    _line(document, chart.caption, size=12, italic=True, align="center", before=0)


def _table(document: DocumentObject, table: Table) -> None:
    if table.caption:
        caption = _line(document, table.caption, size=12, bold=True, align="center")
        caption.paragraph_format.keep_with_next = True
    shares = [it.share for it in table.columns]
    rows = [*table.rows, *table.totals]
    drawn = document.add_table(rows=1 + len(rows), cols=len(shares))
    drawn.style = "Table Grid"
    drawn.alignment = WD_TABLE_ALIGNMENT.CENTER
    _set_widths(drawn, [TEXT_WIDTH_MM * it / sum(shares) for it in shares], margins=True)
    lines = [row.cells for row in drawn.rows]
    for cell, column in zip(lines[0], table.columns, strict=True):
        _fill(cell, column.head, bold=True, align="center")
    _keep_whole(drawn)
    _repeat_first_row(drawn)
    bold_from = len(table.rows)
    for number, (cells, row) in enumerate(zip(lines[1:], rows, strict=True)):
        for cell, text, column in zip(cells, row, table.columns, strict=True):
            _fill(cell, text, bold=number >= bold_from, align=column.align)
    _line(document, "", size=4, before=0)


def _repeat_first_row(table: DocxTable) -> None:
    properties = table.rows[0]._tr.get_or_add_trPr()  # noqa: SLF001 - python-docx has no such word
    element = OxmlElement("w:tblHeader")
    element.set(qn("w:val"), "true")
    properties.append(element)


def _end(document: DocumentObject, paper: Paper) -> None:
    """Put who receives it to the left, and who signs to the right; several sign side by side."""
    if not paper.signatures and not paper.recipients:
        return
    count = len(paper.signatures)
    _line(document, "", size=4, before=6)
    table = document.add_table(rows=1, cols=max(2, count))
    _set_widths(table, [TEXT_WIDTH_MM / max(2, count)] * max(2, count))
    cells = table.rows[0].cells
    if count <= 1:
        _receivers(cells[0], paper)
        for signature in paper.signatures:
            _signed(cells[1], signature)
    for cell, signature in zip(cells, paper.signatures if count > 1 else (), strict=False):
        _signed(cell, signature)
    _keep_whole(table)
    for cell in cells:
        _drop_first(cell)
    if count > 1 and paper.recipients:
        row = table.add_row().cells[0].merge(table.rows[1].cells[-1])
        _receivers(row, paper)
        _drop_first(row)


def _receivers(cell: _Cell, paper: Paper) -> None:
    if paper.recipients:
        _put(cell, "Nơi nhận:", size=12, bold=True, italic=True, align="left")
    for name in end_recipients(paper.recipients):
        _put(cell, name, size=11, align="left")


def _signed(cell: _Cell, signature: Signature) -> None:
    for words in (*signature.authority, signature.post):
        _put(cell, words.upper(), bold=True)
    for _number in range(4):
        _put(cell, "")
    _put(cell, signature.name, bold=True)


def _set_widths(table: DocxTable, widths: Any, *, margins: bool = False) -> None:
    table.autofit = False
    if not margins:
        _take_margins(table)
    for column, width in zip(table.columns, widths, strict=True):
        column.width = Mm(width)
        for cell in column.cells:
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
    layout.line_spacing = 1.0
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
