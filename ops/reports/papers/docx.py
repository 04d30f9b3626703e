"""Write a paper as DOCX, so that the office can go on with it; the layout is the decree's.

The file names Times New Roman and no other face. Charts become pictures with their words: a DOCX
holds no SVG that every program shows.
"""

import io
from collections.abc import Iterator, Sequence
from typing import Any

from docx import Document
from docx.document import Document as DocumentObject
from docx.enum.section import WD_ORIENT, WD_SECTION
from docx.enum.text import WD_ALIGN_PARAGRAPH
from docx.opc.constants import RELATIONSHIP_TYPE as RT
from docx.oxml import parse_xml
from docx.oxml.ns import qn
from docx.shared import Length, Mm, Pt

from ops.reports.papers.docx_styles import TEXT_WIDTH_MM, describe, set_up
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
from ops.reports.papers.wordml import NORMAL, Row, blank, named, paragraph, table

_COLUMNS_MM = (70, 92)
_ROOM_TO_SIGN_MM = 22


def write_docx(paper: Paper) -> bytes:
    """Give the file; the same paper always gives the same text and layout."""
    writer = _Writer(paper, svgs_to_png([it.svg for it in paper.blocks if isinstance(it, Chart)]))
    writer.add(table(_COLUMNS_MM, [Row(cells=_heads(paper))], is_ruled=False))
    for markup in (
        *_title(paper),
        *(paragraph(it, "Basis") for it in end_bases(paper.bases)),
    ):
        writer.add(markup)
    text, annexes = split_annexes(paper.blocks)
    writer.write(text, None)
    if paper.signatures or paper.recipients:
        writer.add(blank(10, keeps=True))
        writer.add(_end(paper))
    for heads, (annex, blocks) in zip(annex_heads(paper), annexes, strict=True):
        writer.begin(annex, heads)
        writer.write(blocks, annex)
    return writer.finish()


def _drop_strangers(document: DocumentObject) -> None:
    """Take out what python-docx's template says of its own origin: a program, and a picture."""
    package: Any = document.part.package
    strange = {RT.EXTENDED_PROPERTIES, RT.THUMBNAIL}
    for name in [it for it, rel in package.rels.items() if rel.reltype in strange]:
        package.rels.pop(name)


class _Writer:
    """A document that grows at its end.

    Args:
        paper: Whose text it takes.
        pictures: Of its charts, in order.
    """

    def __init__(self, paper: Paper, pictures: Sequence[bytes]) -> None:
        self._document: DocumentObject = Document()
        self._pictures: Iterator[bytes] = iter(pictures)
        set_up(self._document)
        describe(self._document, paper)

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
        _drop_strangers(self._document)
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
        for text, key in zip(heads, ("AnnexMark", "AnnexTitle", "Day"), strict=True):
            self.add(paragraph(text, key, keeps=True))

    def _draw(self, chart: Chart, *, holds_on: bool) -> None:
        line = self._document.add_paragraph()
        line.alignment = WD_ALIGN_PARAGRAPH.CENTER
        line.paragraph_format.keep_with_next = True
        line.paragraph_format.space_before = Pt(6)
        picture = io.BytesIO(next(self._pictures))
        shown = line.add_run().add_picture(picture, width=Mm(self._width_mm() - 1))
        shown._inline.docPr.set("descr", chart.caption)  # noqa: SLF001 - for who does not see it
        self.add(paragraph(chart.caption, "FigureCaption", keeps=holds_on))

    def _write_table(self, block: Table, *, holds_on: bool) -> None:
        # No blank line between a heading and a table: LibreOffice loses rows of some that break.
        if block.caption:
            self.add(paragraph(block.caption, "Caption", keeps=True))
        shares = [it.share for it in block.columns]
        width = self._width_mm() / sum(shares)
        self.add(
            table([width * it for it in shares], _rows(block, holds_on=holds_on), is_ruled=True)
        )
        self.add(blank(4, keeps=holds_on))


def _heads(paper: Paper) -> tuple[str, str]:
    """Give what stands on top: who issues it, and the nation's name with place and day."""
    head = paper.letterhead
    left = [
        paragraph(head.authority.upper(), "Authority") if head.authority else "",
        paragraph(head.body.upper(), "Body"),
        blank(3, rule_mm=24),
        paragraph(number, "Number") if (number := number_line(head)) else "",
        paragraph(f"V/v {paper.about}", "Authority") if paper.about and not paper.kind else "",
        paragraph("DỰ THẢO", "Body") if paper.draft else "",
    ]
    right = [
        paragraph("CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM", "Body"),
        paragraph("Độc lập - Tự do - Hạnh phúc", "Motto"),
        blank(3, rule_mm=18),
        paragraph(date_line(head), "Day"),
    ]
    return "".join(left), "".join(right)


def _title(paper: Paper) -> Iterator[str]:
    yield blank(14)
    if paper.kind:
        yield paragraph(paper.kind.upper(), "Title")
        yield paragraph(paper.about, "Subtitle")
        yield blank(3, rule_mm=58)
    if paper.issuer:
        yield blank(6)
        yield paragraph(paper.issuer.upper(), "Verdict")
    names = paper.addressees
    if len(names) == 1:
        yield blank(6)
        yield paragraph(f"Kính gửi: {names[0]}.", "Addressee", align="center")
    elif names:
        yield blank(6)
        yield paragraph("Kính gửi:", "Addressee")
        for number, name in enumerate(names, start=1):
            mark = "." if number == len(names) else ";"
            yield paragraph(f"- {name}{mark}", "Addressee")


def _text(block: Heading | Paragraph, *, holds_on: bool) -> str:
    match block:
        case Heading():
            return paragraph(block.text, f"Heading{block.level}", keeps=holds_on)
        case Paragraph(kind="note"):
            return paragraph(block.text, "Note", keeps=holds_on)
        case Paragraph(kind="verdict"):
            return paragraph(block.text, "Verdict", keeps=holds_on)
        case _:
            lead, text = split_lead(block.text) if block.kind == "article" else ("", block.text)
            text = f"- {text}" if block.kind == "item" else text
            return paragraph(text, "BodyText", lead=lead, keeps=holds_on)


def _rows(block: Table, *, holds_on: bool) -> Iterator[Row]:
    """Yield a table's rows; a short one stays on one page, and heads and totals never alone."""
    heads: list[tuple[str, str]] = [(it.head, "center") for it in block.columns]
    aligns: list[str] = [it.align for it in block.columns]
    lines = [list(zip(row, aligns, strict=True)) for row in (*block.rows, *block.totals)]
    last, is_whole = len(lines), holds_on or is_short(block)
    bold_from = len(block.rows) + 1
    for number, line in enumerate([heads, *lines]):
        keeps = number < last and (is_whole or number == 0 or number >= bold_from - 1)
        key = "TableHead" if number == 0 else "TableTotal" if number >= bold_from else "TableText"
        yield Row(
            cells=[
                paragraph(text, key, align=align, keeps=keeps or (holds_on and number == last))
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
                paragraph("Nơi nhận:", "ReceiversHead"),
                *(paragraph(it, "Receivers") for it in end_recipients(paper.recipients)),
            ]
        )
        if paper.recipients
        else paragraph("", NORMAL)
    )
    signed = paper.signatures
    if len(signed) <= 1:
        right = "".join(f"{_posts(it)}{_room()}{_name(it)}" for it in signed)
        cells = [receivers, right or paragraph("", NORMAL)]
        return table([TEXT_WIDTH_MM / 2] * 2, [Row(cells=cells)], is_ruled=False)
    room = paragraph("", NORMAL, keeps=True)
    rows = [
        Row(cells=[_posts(it) for it in signed]),
        Row(cells=[room for _it in signed], height_mm=_ROOM_TO_SIGN_MM),
        Row(cells=[_name(it) for it in signed]),
        *([Row(cells=[receivers], span=len(signed))] if paper.recipients else []),
    ]
    return table([TEXT_WIDTH_MM / len(signed)] * len(signed), rows, is_ruled=False)


def _posts(signature: Signature) -> str:
    lines = (*signature.authority, signature.post)
    return "".join(paragraph(it.upper(), "Signature", keeps=True) for it in lines)


def _room() -> str:
    return "".join(paragraph("", NORMAL, keeps=True) for _line in range(4))


def _name(signature: Signature) -> str:
    return paragraph(signature.name, "Signature")
