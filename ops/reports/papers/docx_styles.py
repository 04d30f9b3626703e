"""The styles, the page and the properties of a paper as DOCX.

Every paragraph is in a named style and in no other look: who goes on with the file changes a style.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from docx.document import Document as DocumentObject
from docx.oxml import parse_xml
from docx.oxml.ns import qn
from docx.shared import Mm

from ops.reports.papers.paper import Paper
from ops.reports.papers.wordml import NORMAL, PAGE_NUMBER, Style, clean, named, style

FACE = "Times New Roman"
MARGINS_MM = {"top": 20, "bottom": 20, "left": 30, "right": 18}
TEXT_WIDTH_MM = 210 - MARGINS_MM["left"] - MARGINS_MM["right"]

_LANGUAGE = "vi-VN"
_KEPT = {"DefaultParagraphFont", "TableNormal", "NoList", "TableGrid"}
"""Styles of python-docx's template that stay: what Word itself begins from, and ruled tables."""

_LONGEST_PROPERTY = 255
_DEFAULTS = (
    f'<w:docDefaults><w:rPrDefault><w:rPr><w:rFonts w:ascii="{FACE}" w:hAnsi="{FACE}"'
    f' w:eastAsia="{FACE}" w:cs="{FACE}"/><w:sz w:val="26"/><w:szCs w:val="26"/>'
    f'<w:lang w:val="{_LANGUAGE}" w:eastAsia="{_LANGUAGE}" w:bidi="ar-SA"/></w:rPr></w:rPrDefault>'
    "<w:pPrDefault/></w:docDefaults>"
)

STYLES: Mapping[str, Style] = {
    NORMAL: Style(name="Normal"),
    "BodyText": Style(name="Body Text", align="justify", indent=True, before=6),
    "Heading1": Style(name="heading 1", bold=True, align="justify", indent=True, before=6, level=1),
    "Heading2": Style(name="heading 2", bold=True, align="justify", indent=True, before=6, level=2),
    "Heading3": Style(name="heading 3", italic=True, align="justify", indent=True, before=6,
                      level=3),
    "Title": Style(name="Title", size=14, bold=True, align="center"),
    "Subtitle": Style(name="Subtitle", size=14, bold=True, align="center"),
    "Caption": Style(name="caption", size=12, bold=True, align="center", before=6),
    "FigureCaption": Style(name="Tên hình", size=12, italic=True, align="center"),
    "Note": Style(name="Nguồn, ghi chú", size=11, italic=True, align="justify", before=3),
    "TableText": Style(name="Nội dung bảng", size=11),
    "TableHead": Style(name="Đầu bảng", size=11, bold=True, align="center"),
    "TableTotal": Style(name="Dòng cộng", size=11, bold=True),
    "Basis": Style(name="Căn cứ", italic=True, align="justify", indent=True, before=6),
    "Verdict": Style(name="Thẩm quyền, quyết định", bold=True, align="center", before=6),
    "Authority": Style(name="Cơ quan chủ quản", size=12, align="center"),
    "Body": Style(name="Cơ quan ban hành, Quốc hiệu", size=12, bold=True, align="center"),
    "Motto": Style(name="Tiêu ngữ", bold=True, align="center"),
    "Number": Style(name="Số, ký hiệu", align="center"),
    "Day": Style(name="Địa danh, thời gian; kèm theo", italic=True, align="center"),
    "Addressee": Style(name="Kính gửi", size=14, left_mm=40, before=6),
    "AnnexMark": Style(name="Phụ lục", size=14, bold=True, align="center"),
    "AnnexTitle": Style(name="Tên phụ lục", size=14, bold=True, align="center", level=1),
    "Signature": Style(name="Chữ ký", bold=True, align="center"),
    "ReceiversHead": Style(name="Nơi nhận", size=12, bold=True, italic=True),
    "Receivers": Style(name="Danh sách nơi nhận", size=11),
}  # fmt: skip
"""By the keys that paragraphs name them with; sizes and styles are the decree's (annex I)."""


def set_up(document: DocumentObject) -> None:
    """Give a new document its page, its styles and its language."""
    section = document.sections[0]
    section.page_width, section.page_height = Mm(210), Mm(297)
    section.top_margin, section.bottom_margin = Mm(MARGINS_MM["top"]), Mm(MARGINS_MM["bottom"])
    section.left_margin, section.right_margin = Mm(MARGINS_MM["left"]), Mm(MARGINS_MM["right"])
    section.header_distance = Mm(10)
    styles: Any = document.styles.element
    for known in styles.findall(qn("w:style")):
        if known.get(qn("w:styleId")) not in _KEPT:
            styles.remove(known)
    defaults = styles.find(qn("w:docDefaults"))
    styles.replace(defaults, parse_xml(named(_DEFAULTS)))
    for key, look in STYLES.items():
        styles.append(parse_xml(named(style(key, look))))
    spoken: Any = document.settings.element.find(qn("w:themeFontLang"))
    spoken.set(qn("w:val"), _LANGUAGE)
    # The page's number stands in the middle of the top margin, and none on the first page.
    section.different_first_page_header_footer = True
    section.header.is_linked_to_previous = False
    first = section.header.paragraphs[0]._p  # noqa: SLF001 - python-docx has no fields
    first.getparent().replace(first, parse_xml(named(PAGE_NUMBER)))


def describe(document: DocumentObject, paper: Paper) -> None:
    """Say what the file is, for who lists or keeps it: title, subject, who issues it, when."""
    core, head = document.core_properties, paper.letterhead
    made = head.made_on
    told = {
        "title": f"{paper.kind} {paper.about}".strip(),
        "subject": paper.about,
        "author": head.body,
        "last_modified_by": head.body,
        "comments": "",
    }
    for name, text in told.items():
        setattr(core, name, clean(text)[:_LONGEST_PROPERTY])
    core.language = _LANGUAGE
    core.created = core.modified = datetime(made.year, made.month, made.day)  # noqa: DTZ001 - UTC by its format
