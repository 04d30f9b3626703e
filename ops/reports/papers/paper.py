"""A paper as values: letterhead, text, tables, charts, signatures; pure, and in no format.

The layout is that of Decree 30/2020/NĐ-CP, annex I; what stands where is decided by the writers.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import chain
from typing import Any, Literal

from ops.language.formats import format_long_date

Align = Literal["left", "center", "right"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Letterhead:
    """Who issues a paper.

    Attributes:
        authority: The higher body; empty for none.
        body: The issuing body.
        number: Number of the paper, from 1; 0 leaves it blank, for drafts.
        sign: What follows the number, such as `KH-TTCNTT`; empty for papers without one (minutes).
        place: Where.
        day: When; None leaves day and month blank.
        year: Of the blank date.
        drawn_on: When a draft was made, as the properties of its file say.
    """

    authority: str
    body: str
    place: str
    year: int
    number: int = 0
    sign: str = ""
    day: date | None = None
    drawn_on: date | None = None

    @property
    def made_on(self) -> date:
        """When the file was made, for its properties."""
        return self.day or self.drawn_on or date(self.year, 1, 1)


@dataclass(frozen=True, slots=True)
class Heading:
    """A division: level 1 `I.`, 2 `1.`, 3 `a)`; the mark is part of the text."""

    text: str
    level: Literal[1, 2, 3] = 1


@dataclass(frozen=True, slots=True)
class Paragraph:
    """A paragraph.

    Attributes:
        text: What it says.
        kind: `item` has a dash; `note` is small and italic, as sources below a table are; of an
            `article` its mark (`Điều 1.`) is bold; a `verdict` is bold and in the middle.
    """

    text: str
    kind: Literal["text", "item", "note", "article", "verdict"] = "text"


@dataclass(frozen=True, slots=True)
class PaperColumn:
    """A column of a table: its head, its share of the width, how its cells stand."""

    head: str
    share: float = 1.0
    align: Align = "left"


@dataclass(frozen=True, slots=True)
class Table:
    """A table.

    Attributes:
        columns: In order, at least one.
        rows: Each as long as `columns`.
        totals: Rows at the end, set bold; may be empty.
        caption: Above it; empty for none.
    """

    columns: tuple[PaperColumn, ...]
    rows: tuple[tuple[str, ...], ...]
    totals: tuple[tuple[str, ...], ...] = ()
    caption: str = ""


@dataclass(frozen=True, slots=True)
class Chart:
    """A picture.

    Attributes:
        svg: As `ops.charts` writes it.
        caption: Below it.
    """

    svg: str
    caption: str


@dataclass(frozen=True, slots=True)
class Annex:
    """Begins an annex on pages of its own; its number and what it goes with are the writers'.

    Attributes:
        title: What it holds; written in capitals.
        is_wide: Its pages lie on their side, for tables of many columns.
    """

    title: str
    is_wide: bool = False


Content = Heading | Paragraph | Table | Chart
Block = Content | Annex


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """Who signs.

    Attributes:
        authority: Lines above the post, such as `KT. GIÁM ĐỐC`; may be empty.
        post: Such as `GIÁM ĐỐC`.
        name: Empty where it is not known yet.
    """

    post: str
    name: str = ""
    authority: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Paper:
    """A whole paper.

    Attributes:
        kind: Such as `KẾ HOẠCH`; empty for a letter (công văn).
        about: What it is about (trích yếu).
        letterhead: Who issues it.
        addressees: Of a Tờ trình, a Báo cáo, a letter; empty for none.
        issuer: Post and body that decide, above the bases of a Quyết định; empty for others.
        bases: Each `Căn cứ …` without its end mark.
        blocks: The text.
        signatures: From left to right; one, or those of minutes.
        recipients: Below `Nơi nhận:`, without the marks; empty for none.
        draft: Whether `DỰ THẢO` stands on it.
    """

    kind: str
    about: str
    letterhead: Letterhead
    addressees: tuple[str, ...] = ()
    issuer: str = ""
    bases: tuple[str, ...] = ()
    blocks: tuple[Block, ...] = ()
    signatures: tuple[Signature, ...] = ()
    recipients: tuple[str, ...] = ()
    draft: bool = False


def number_line(letterhead: Letterhead) -> str:
    """Give `Số: 05/KH-TTCNTT`: two digits at least, blank where there is no number yet."""
    number = f"{letterhead.number:02}" if letterhead.number else " " * 6
    if letterhead.sign:
        return f"Số: {number}/{letterhead.sign}"
    return f"Số: {number}" if letterhead.number else ""


def date_line(letterhead: Letterhead) -> str:
    """Give place and date: a 0 before days below 10 and before months 1 and 2."""
    return f"{letterhead.place}, {_day_of(letterhead, ' ' * 4)}"


def _day_of(letterhead: Letterhead, blank: str) -> str:
    day = letterhead.day
    if day is None:
        return f"ngày {blank} tháng {blank} năm {letterhead.year}"
    return f"ngày {format_long_date(day)}"


def annex_heads(paper: Paper) -> list[tuple[str, str, str]]:
    """Give what stands above each annex: `Phụ lục I`, its title, what it goes with.

    Source: Decree 30/2020/NĐ-CP, annex I, part III: one annex has no number, several have Roman
    ones; the word is in small letters, the title in capitals; number, day and issuing body of the
    paper stand in brackets, blank in a draft.
    """
    annexes = [it for it in paper.blocks if isinstance(it, Annex)]
    head = paper.letterhead
    number = f"{head.number:02}" if head.number else _BLANK
    called = (paper.kind.capitalize() or "Công văn") + (
        f" số {number}/{head.sign}" if head.sign else ""
    )
    belongs = f"(Kèm theo {called} {_day_of(head, _BLANK)} của {head.body})"
    return [
        (f"Phụ lục {roman(place)}" if len(annexes) > 1 else "Phụ lục", it.title.upper(), belongs)
        for place, it in enumerate(annexes, start=1)
    ]


def roman(number: int) -> str:
    """Give I, II, III …: of a number from 1 to 39."""
    tens, ones = divmod(number, 10)
    return "X" * tens + ("", "I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX")[ones]


def as_values(paper: Paper) -> dict[str, Any]:
    """Give a paper as JSON values, as the PDF's template reads them."""
    made = paper.letterhead.made_on
    text, annexes = split_annexes(paper.blocks)
    heads = annex_heads(paper)
    return {
        "kind": paper.kind,
        "about": paper.about,
        "authority": paper.letterhead.authority,
        "body": paper.letterhead.body,
        "number": number_line(paper.letterhead),
        "date": date_line(paper.letterhead),
        "addressees": list(paper.addressees),
        "bases": end_bases(paper.bases),
        "issuer": paper.issuer,
        "blocks": _values_of(text, None),
        "annexes": [
            {"heads": heads[place], "wide": it.is_wide, "blocks": _values_of(blocks, it)}
            for place, (it, blocks) in enumerate(annexes)
        ],
        "signatures": [
            {"authority": list(it.authority), "post": it.post, "name": it.name}
            for it in paper.signatures
        ],
        "recipients": end_recipients(paper.recipients),
        "draft": paper.draft,
        "made": [made.year, made.month, made.day],
    }


def end_bases(bases: Sequence[str]) -> list[str]:
    """End each with `;` and the last with `.`, as the decree wants them."""
    return [f"{it}{'.' if it == bases[-1] else ';'}" for it in bases]


def end_recipients(recipients: Sequence[str]) -> list[str]:
    """Give each with its dash and its end mark."""
    return [f"- {it}{'.' if it == recipients[-1] else ';'}" for it in recipients]


_BLANK = "....."
"""Room for a number or a day that is not known yet."""

MOST_WHOLE_CELL = 1_200
"""Letters of a cell up to which its row stays on one page."""

_MOST_WHOLE = 4
_MOST_LETTERS = 700
_LEAD = re.compile(r"(Điều \d+\.)(.*)", re.DOTALL)


def is_short(table: Table) -> bool:
    """Say whether a table is so short that it stands on one page: no page stays empty for it."""
    rows = (*table.rows, *table.totals)
    return len(rows) <= _MOST_WHOLE and sum(map(len, chain(*rows))) <= _MOST_LETTERS


def sticks(block: Content, following: Block | None) -> bool:
    """Say whether a block is to stand on one page with what follows; None: who signs.

    A heading and what it heads, what ends with a colon, a table and its source, the last words and
    the signature.
    """
    match block:
        case Heading():
            return True
        case Paragraph():
            return following is None or (block.kind != "note" and block.text.endswith(":"))
        case Table():
            is_note = isinstance(following, Paragraph) and following.kind == "note"
            return is_note and is_short(block)
        case Chart():
            return isinstance(following, Paragraph) and following.kind == "note"


def split_annexes(
    blocks: Sequence[Block],
) -> tuple[list[Content], list[tuple[Annex, list[Content]]]]:
    """Part the text from its annexes with their blocks."""
    text, annexes = list[Content](), list[tuple[Annex, list[Content]]]()
    for block in blocks:
        if isinstance(block, Annex):
            annexes.append((block, []))
        else:
            (annexes[-1][1] if annexes else text).append(block)
    return text, annexes


def split_lead(text: str) -> tuple[str, str]:
    """Part the mark of an article from its text; the mark is empty where it has none."""
    found = _LEAD.fullmatch(text)
    return (found[1], found[2]) if found else ("", text)


def with_sticking(blocks: Sequence[Content], after: Block | None) -> Iterator[tuple[Content, bool]]:
    """Yield blocks, and whether each sticks to what follows; `after` is what follows the last."""
    for place, block in enumerate(blocks):
        yield block, sticks(block, blocks[place + 1] if place + 1 < len(blocks) else after)


def _values_of(blocks: Sequence[Content], after: Block | None) -> list[dict[str, Any]]:
    return [
        {**_block_values(it), "sticks": holds_on} for it, holds_on in with_sticking(blocks, after)
    ]


def _block_values(block: Content) -> dict[str, Any]:
    match block:
        case Heading():
            return {"type": "heading", "level": block.level, "text": block.text}
        case Paragraph():
            lead, text = split_lead(block.text) if block.kind == "article" else ("", block.text)
            return {"type": "paragraph", "kind": block.kind, "lead": lead, "text": text}
        case Chart():
            return {"type": "chart", "svg": block.svg, "caption": block.caption}
        case Table():
            return {
                "type": "table",
                "caption": block.caption,
                "whole": is_short(block),
                "most": MOST_WHOLE_CELL,
                "columns": [
                    {"head": it.head, "share": it.share, "align": it.align} for it in block.columns
                ],
                "rows": [list(row) for row in block.rows],
                "totals": [list(row) for row in block.totals],
            }
