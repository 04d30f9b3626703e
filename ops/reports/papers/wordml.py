"""WordprocessingML as text: paragraphs and tables, thousands of cells in milliseconds; pure.

Source: ECMA-376 part 1, 17.3 and 17.4; the order of elements is that of its schema. Lengths are
twentieths of a point, sizes of letters half points.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

MM = 1440 / 25.4
"""Twentieths of a point in a millimetre."""

NORMAL = "Normal"
"""Key of the style that all others begin from."""

_NAMESPACE = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
_ALIGN = {"left": "left", "center": "center", "right": "right", "justify": "both"}
_INDENT_MM = 10
_CELL_SIDE = 60
_NOT_TEXT = re.compile(
    r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Style:
    """A named style: how its paragraphs look, said once for all of them.

    Attributes:
        name: As programs list it; `heading 1`, `Body Text` and the like are those they know.
        size: Of the letters, in points.
        bold, italic: Their style.
        align: left, center, right or justify.
        indent: Whether its first line begins further in.
        before: Room above it, in points.
        left_mm: How far in all of it begins.
        level: Where it stands in the outline, from 1; 0 for nowhere.
    """

    name: str
    size: float = 13
    bold: bool = False
    italic: bool = False
    align: str = "left"
    indent: bool = False
    before: float = 0
    left_mm: float = 0
    level: int = 0


def clean(text: str) -> str:
    """Give a text without what XML does not hold and what turns its direction."""
    return _NOT_TEXT.sub("", text)


def style(key: str, look: Style) -> str:
    """Give the definition of a style, by the key that paragraphs name it with."""
    indent = f'w:left="{look.left_mm * MM:.0f}"'
    if look.indent:
        indent += f' w:firstLine="{_INDENT_MM * MM:.0f}"'
    outline = f'<w:outlineLvl w:val="{look.level - 1}"/>' if look.level else ""
    based = "" if key == NORMAL else f'<w:basedOn w:val="{NORMAL}"/>'
    return (
        f'<w:style w:type="paragraph" w:styleId="{key}"><w:name w:val="{look.name}"/>'
        f"{based}<w:qFormat/><w:pPr>"
        f"{'<w:keepNext/>' if look.level else ''}"
        f'<w:spacing w:before="{look.before * 20:.0f}" w:after="0" w:line="240" w:lineRule="auto"/>'
        f'<w:ind {indent}/><w:jc w:val="{_ALIGN[look.align]}"/>{outline}</w:pPr>'
        f"<w:rPr>{'<w:b/>' if look.bold else ''}{'<w:i/>' if look.italic else ''}"
        f'<w:sz w:val="{look.size * 2:.0f}"/><w:szCs w:val="{look.size * 2:.0f}"/></w:rPr>'
        "</w:style>"
    )


def paragraph(text: str, key: str, *, lead: str = "", keeps: bool = False, align: str = "") -> str:
    """Give a paragraph in a style; whatever stands in a text stays text.

    Args:
        text: What it says.
        key: Of its style.
        lead: What stands in front in bold.
        keeps: Whether it stays on the page of what follows.
        align: Where it is not as its style has it.
    """
    runs = (_run(lead, "<w:rPr><w:b/></w:rPr>") if lead else "") + (_run(text) if text else "")
    place = f'<w:jc w:val="{_ALIGN[align]}"/>' if align else ""
    return (
        f'<w:p><w:pPr><w:pStyle w:val="{key}"/>{"<w:keepNext/>" if keeps else ""}{place}</w:pPr>'
        f"{runs}</w:p>"
    )


def blank(points: float, *, keeps: bool = False, rule_mm: float | None = None) -> str:
    """Give room of so many points; with a line below it that begins and ends so far in."""
    rule = indent = ""
    if rule_mm is not None:
        rule = '<w:pBdr><w:bottom w:val="single" w:sz="6" w:space="1" w:color="000000"/></w:pBdr>'
        indent = f'<w:ind w:left="{rule_mm * MM:.0f}" w:right="{rule_mm * MM:.0f}"/>'
    return (
        f'<w:p><w:pPr><w:pStyle w:val="{NORMAL}"/>{"<w:keepNext/>" if keeps else ""}{rule}'
        f'<w:spacing w:line="{points * 20:.0f}" w:lineRule="exact"/>{indent}</w:pPr></w:p>'
    )


def _run(text: str, properties: str = "") -> str:
    told = escape(clean(text)).replace("\t", "</w:t><w:tab/><w:t>")
    lines = re.split(r"\r\n?|\n", told)
    inside = '</w:t><w:br/><w:t xml:space="preserve">'.join(lines)
    return f'<w:r>{properties}<w:t xml:space="preserve">{inside}</w:t></w:r>'


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A row of a table.

    Attributes:
        cells: Each the markup of its paragraphs.
        is_head: Whether it is said again on each page.
        is_whole: Whether it stays on one page.
        height_mm: At least so high; 0 for what it holds.
        span: Of its only cell, over so many columns; 0 for a cell each.
    """

    cells: Sequence[str]
    is_head: bool = False
    is_whole: bool = True
    height_mm: float = 0
    span: int = 0


def table(widths_mm: Sequence[float], rows: Iterable[Row], *, is_ruled: bool) -> str:
    """Give a table; one without rules has no room beside its cells either."""
    widths = [round(it * MM) for it in widths_mm]
    side = _CELL_SIDE if is_ruled else 0
    margins = "".join(f'<w:{it} w:w="{side}" w:type="dxa"/>' for it in ("left", "right"))
    style = '<w:tblStyle w:val="TableGrid"/>' if is_ruled else ""
    grid = "".join(f'<w:gridCol w:w="{it}"/>' for it in widths)
    return (
        f'<w:tbl><w:tblPr>{style}<w:tblW w:w="{sum(widths)}" w:type="dxa"/><w:jc w:val="center"/>'
        f'<w:tblLayout w:type="fixed"/><w:tblCellMar>{margins}</w:tblCellMar></w:tblPr>'
        f"<w:tblGrid>{grid}</w:tblGrid>{''.join(_row(it, widths) for it in rows)}</w:tbl>"
    )


def _row(row: Row, widths: Sequence[int]) -> str:
    properties = "<w:cantSplit/>" if row.is_whole else ""
    if row.height_mm:
        properties += f'<w:trHeight w:val="{row.height_mm * MM:.0f}" w:hRule="atLeast"/>'
    properties += "<w:tblHeader/>" if row.is_head else ""
    shown = [sum(widths)] if row.span else widths
    span = f'<w:gridSpan w:val="{row.span}"/>' if row.span else ""
    cells = "".join(
        f'<w:tc><w:tcPr><w:tcW w:w="{width}" w:type="dxa"/>{span}</w:tcPr>{cell}</w:tc>'
        for width, cell in zip(shown, row.cells, strict=True)
    )
    return f"<w:tr><w:trPr>{properties}</w:trPr>{cells}</w:tr>"


PAGE_NUMBER = (
    '<w:p><w:pPr><w:jc w:val="center"/></w:pPr><w:fldSimple w:instr="PAGE"><w:r><w:rPr>'
    '<w:sz w:val="26"/></w:rPr><w:t>2</w:t></w:r></w:fldSimple></w:p>'
)


def named(markup: str) -> str:
    """Give markup of one element as it is parsed alone."""
    head, rest = markup.split(">", 1)
    is_empty = head.endswith("/")
    return f"{head.rstrip('/')} {_NAMESPACE}{'/' if is_empty else ''}>{rest}"
