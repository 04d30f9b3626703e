"""Say what of a paper's PDF is not as Decree 30/2020/NĐ-CP, annex I, has it, and what is no word.

It reads where each line of the file stands (`pdftohtml` of poppler), not how the file was made: a
paper of another program could be held against it. Lengths are millimetres, sizes of letters
points. A complaint names the rule, the page and the line.
"""

import re
import subprocess
import xml.etree.ElementTree as ET
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

_ZOOM = 3
_UNIT = 25.4 / 72 / _ZOOM
TOP, BOTTOM, LEFT, RIGHT = (20, 25), (20, 25), (30, 35), (15, 20)
"""Margins: least and most (annex I, part I)."""

MOTTO, NATION = "Độc lập - Tự do - Hạnh phúc", "CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM"
_OFF_CENTRE, _CELL, _LEAST_SIZE = 3.0, 11, 9
_HAIR, _TAIL = 0.6, 1.3
"""How far a letter goes over its line at the side, and below it."""
_ANNEX = re.compile(r"(?i:phụ lục)(?: [IVX]+)?")
_DATE = re.compile(r".+, ngày .*tháng .*năm \d{4}")
_WHEN = r"ngày (?:\d{2}|\.+) tháng (?:\d{1,2}|\.+) năm (?:\d{4}|\.+)"
_BELONGS = re.compile(rf"\(Kèm theo [^()]+? {_WHEN} của [^()]+\)")
_LAW = re.compile(rf"Căn cứ (?:Bộ luật|Luật) [^0-9]+ {_WHEN}")
_DECREE = re.compile(
    r"Căn cứ (?:Nghị định|Nghị quyết|Quyết định|Thông tư|Chỉ thị|Kế hoạch|Công văn) số \S+ "
    rf"{_WHEN} của .+"
)
_ASKED = re.compile(r"(?:Theo|Xét) đề nghị của .+|Thực hiện .+|Căn cứ (?:tình hình|nhu cầu|Quy) .+")
_HEADING = re.compile(r"(?:[IVX]+|\d+|[a-zđ])[.)] \S")
_ADDRESS = re.compile(r"\S*://\S+|[\w.-]+\.(?:vn|com|org|net)\b\S*|\S+@[\w.-]+\.\w+")


@dataclass(frozen=True, slots=True)
class Line:
    """A line, or the part of one that is set in one way."""

    page: int
    left: float
    top: float
    right: float
    bottom: float
    size: float
    is_bold: bool
    is_italic: bool
    text: str

    @property
    def middle(self) -> float:
        """Where its middle lies."""
        return (self.left + self.right) / 2


@dataclass(frozen=True, slots=True)
class Page:
    """A page; its lines as they follow each other in the file."""

    number: int
    width: float
    height: float
    lines: tuple[Line, ...]

    @property
    def axis(self) -> float:
        """The middle between the margins, those of the left being wider."""
        return (self.width + LEFT[0] - (RIGHT[0] + RIGHT[1]) / 2) / 2


@dataclass(frozen=True, slots=True)
class Shown:
    """A paper as its file shows it.

    Attributes:
        pages: At least one.
        codes: Names of the estate's things, which no paper says.
        words: Those the paper is made of, none of which may be cut; may be empty.
        bookmarks: The outline's entries.
    """

    pages: tuple[Page, ...]
    codes: Collection[str] = ()
    words: Collection[str] = ()
    bookmarks: tuple[str, ...] = field(default=())

    @property
    def parts(self) -> list[list[Page]]:
        """The text, and each annex."""
        found: list[list[Page]] = [[]]
        for page in self.pages:
            if page.lines and _ANNEX.fullmatch(page.lines[0].text):
                found.append([])
            found[-1].append(page)
        return found

    @property
    def text(self) -> str:
        """All that it says, without the numbers of its pages."""
        return " ".join(it.text for page in self.pages for it in body_of(page))


def read_shown(pdf: bytes, codes: Collection[str] = (), words: Collection[str] = ()) -> Shown:
    """Read a file."""
    told = subprocess.run(
        ["pdftohtml", "-xml", "-zoom", str(_ZOOM), "-noroundcoord", "-i", "-stdout", "-", "-"],
        input=pdf, capture_output=True, check=True,
    ).stdout  # fmt: skip
    bare = re.sub(rb"[\x00-\x08\x0b\x0c\x0e-\x1f]", b"", told)
    root = ET.fromstring(bare)  # noqa: S314 - poppler wrote it of a paper of ours
    fonts = {it.attrib["id"]: float(it.attrib["size"]) / _ZOOM for it in root.iter("fontspec")}
    pages = tuple(_page(it, fonts) for it in root.iter("page"))
    bookmarks = tuple("".join(it.itertext()).strip() for it in root.iter("item"))
    return Shown(pages, codes, words, bookmarks)


def _page(node: ET.Element, fonts: Mapping[str, float]) -> Page:
    def length(it: ET.Element, name: str) -> float:
        return float(it.attrib[name]) * _UNIT

    number, lines = int(node.attrib["number"]), list[Line]()
    for it in node.iter("text"):
        text = " ".join("".join(it.itertext()).split())
        if text:
            left, top = length(it, "left"), length(it, "top")
            lines.append(Line(
                number, left, top, left + length(it, "width"), top + length(it, "height"),
                round(fonts[it.attrib["font"]], 1), it.find(".//b") is not None,
                it.find(".//i") is not None, text,
            ))  # fmt: skip
    return Page(number, length(node, "width"), length(node, "height"), tuple(lines))


def is_number(line: Line) -> bool:
    """Say whether a line is the number of its page."""
    return line.text.isdigit() and line.bottom <= TOP[0]


def body_of(page: Page) -> list[Line]:
    """Give the lines of a page without its number."""
    return [it for it in page.lines if not is_number(it)]


@dataclass(frozen=True, slots=True)
class Parts:
    """What stands on a first page above the text; None and empty for what is not there."""

    nation: Line | None
    motto: Line | None
    bodies: tuple[Line, ...]
    number: Line | None
    day: Line | None
    kind: Line | None
    about: tuple[Line, ...]
    issuer: tuple[Line, ...]
    addressees: Line | None


def find_parts(page: Page) -> Parts:
    """Find them by their words and their places."""
    lines = body_of(page)

    def first(wanted: Callable[[Line], object]) -> Line | None:
        return next((it for it in lines if wanted(it)), None)

    number = first(lambda it: it.text.startswith("Số:"))
    day = first(lambda it: _DATE.fullmatch(it.text) and it.left > page.width * 0.4)
    lowest = max((it.bottom for it in (number, day) if it), default=0.0)
    left = [it for it in lines if it.right < page.width * 0.5 and it.text.isupper()]
    bodies = [it for it in left if it.top < (number or day or lines[0]).top and it != number]
    addressees = first(lambda it: it.text.startswith("Kính gửi:"))
    # A letter has no kind: who signs on its first page stands below whom it is for.
    end = addressees.top if addressees else page.height
    below = [it for it in lines if lowest - 1 < it.top < end and it.text != "DỰ THẢO"]
    kind = next((it for it in below if it.is_bold and it.text.isupper()), None)
    after = below[below.index(kind) + 1 :] if kind else []
    about = _while(after, lambda it: it.is_bold and not it.text.isupper() and it.size > _CELL)
    decides = kind is not None and kind.text == "QUYẾT ĐỊNH"
    rest = after[len(about) :] if decides else []
    issuer = _while(rest, lambda it: it.is_bold and it.text.isupper())
    return Parts(
        nation=first(lambda it: it.text == NATION),
        motto=first(lambda it: it.text == MOTTO),
        bodies=tuple(bodies),
        number=number,
        day=day,
        kind=kind,
        about=tuple(about),
        issuer=tuple(issuer),
        addressees=addressees,
    )


def _while(lines: Sequence[Line], holds: Callable[[Line], bool]) -> list[Line]:
    end = next((place for place, it in enumerate(lines) if not holds(it)), len(lines))
    return list(lines[:end])


def check_margins(shown: Shown) -> Iterator[str]:
    """Nothing stands in a margin but a page's number; the first page begins where it has to."""
    for page in shown.pages:
        for it in body_of(page):
            if it.left < LEFT[0] - _HAIR or it.right > page.width - RIGHT[0] + _HAIR:
                yield _told(it, "stands in a margin at the side")
            if it.top < TOP[0] - _HAIR or it.bottom > page.height - BOTTOM[0] + _TAIL:
                yield _told(it, "stands in the margin above or below")
    first = shown.pages[0]
    lines = body_of(first)
    if min(it.left for it in lines) > LEFT[1] + _HAIR:
        yield _told(lines[0], "the left margin is too wide")
    if max(it.right for it in lines) < first.width - RIGHT[1] - _HAIR:
        yield _told(lines[0], "the right margin is too wide")
    if min(it.top for it in lines) > TOP[1] + _HAIR:
        yield _told(lines[0], "the margin above is too wide")


def check_sizes(shown: Shown) -> Iterator[str]:
    """Each part has letters of its size and style."""
    parts = find_parts(shown.pages[0])
    higher, own = _split_bodies(parts.bodies)
    wanted: list[tuple[str, Sequence[Line | None], float, float, bool, bool]] = [
        ("Quốc hiệu", [parts.nation], 12, 13, True, False),
        ("Tiêu ngữ", [parts.motto], 13, 14, True, False),
        ("the body above", higher, 12, 13, False, False),
        ("the issuing body", own, 12, 13, True, False),
        ("the number", [parts.number], 13, 13, False, False),
        ("place and day", [parts.day], 13, 14, False, True),
        ("the kind", [parts.kind], 13, 14, True, False),
        ("trích yếu", parts.about, 13, 14, True, False),
        ("the authority line", parts.issuer, 13, 14, True, False),
        ("Kính gửi", [parts.addressees], 13, 14, False, False),
        ("a base", _bases(shown)[0], 13, 14, False, True),
        ("Nơi nhận", _receivers(shown)[:1], 12, 12, True, True),
        ("who receives it", _receivers(shown)[1:], 11, 11, False, False),
    ]
    for name, lines, least, most, is_bold, is_italic in wanted:
        for it in filter(None, lines):
            if not least <= it.size <= most or (it.is_bold, it.is_italic) != (is_bold, is_italic):
                yield _told(it, f"{name} has {it.size:g} points, or another style")
    for page in shown.pages:
        for it in body_of(page):
            if it.size > 14 or (it.size < _LEAST_SIZE and re.search(r"\w", it.text)):
                yield _told(it, f"has {it.size:g} points")


def _split_bodies(bodies: Sequence[Line]) -> tuple[list[Line], list[Line]]:
    """Part the body above from the issuing one, which is bold and stands last."""
    bold = [it for it in bodies if it.is_bold]
    return [it for it in bodies if not it.is_bold], bold or list(bodies[-1:])


def _bases(shown: Shown) -> tuple[list[Line], list[str]]:
    """Give the lines of the bases, and each base."""
    lines = [it for page in shown.parts[0] for it in body_of(page)]
    begin = next((n for n, it in enumerate(lines) if it.text.startswith("Căn cứ ")), len(lines))
    own = _while(lines[begin:], lambda it: it.is_italic or it.text.startswith("Căn cứ "))
    text = " ".join(it.text for it in own)
    split = re.split(r"(?<=[;.]) (?=Căn cứ |Theo |Xét |Thực hiện )", text)
    return own, [it for it in split if it]


def _receivers(shown: Shown) -> list[Line]:
    lines = [it for page in shown.parts[0] for it in body_of(page)]
    begin = next((n for n, it in enumerate(lines) if it.text == "Nơi nhận:"), len(lines))
    return lines[begin : begin + 1] + _while(lines[begin + 1 :], lambda it: it.size < 12)


def check_order(shown: Shown) -> Iterator[str]:
    """The parts are there, and follow each other as the decree has them."""
    parts = find_parts(shown.pages[0])
    if parts.nation is None or parts.motto is None or parts.day is None or not parts.bodies:
        yield "page 1: Quốc hiệu, Tiêu ngữ, the body, or place and day is missing"
        return
    columns: tuple[Sequence[Line | None], ...] = (
        (parts.nation, parts.motto, parts.day, parts.kind),
        (*parts.bodies, parts.number, parts.kind, *parts.about, *parts.issuer,
         *_bases(shown)[0][:1]),
        (*parts.about, parts.addressees, *_bases(shown)[0][:1]),
    )  # fmt: skip
    for column in columns:
        for one, two in pairwise(it for it in column if it is not None):
            if (two.page, two.bottom) <= (one.page, one.top + _HAIR):
                yield _told(two, f'stands above "{one.text}"')
    last = [it for it in _receivers(shown)[:1] if it.page != shown.parts[0][-1].number]
    yield from (_told(it, "does not stand on the text's last page") for it in last)


def check_centring(shown: Shown) -> Iterator[str]:
    """What the decree puts in the middle stands there, of the page or of its half of the head."""
    page = shown.pages[0]
    parts = find_parts(page)
    in_head = [it for it in (parts.nation, parts.motto, parts.day) if it]
    on_left = [it for it in (*parts.bodies, parts.number) if it]
    for lines in (in_head, on_left):
        middle = lines[0].middle if lines else 0.0
        yield from (_told(it, "is not centred in the head") for it in lines
                    if abs(it.middle - middle) > _OFF_CENTRE)  # fmt: skip
    verdicts = [it for page in shown.parts[0] for it in body_of(page) if it.text == "QUYẾT ĐỊNH:"]
    heads = [it for part in shown.parts[1:] for it in _annex_lines(part[0])]
    for it in filter(None, (parts.kind, *parts.about, *parts.issuer, *verdicts, *heads)):
        if abs(it.middle - shown.pages[it.page - 1].axis) > _OFF_CENTRE:
            yield _told(it, "is not in the middle")


def check_page_numbers(shown: Shown) -> Iterator[str]:
    """The first page of the text and of each annex has none, the others stand above the text."""
    for part in shown.parts:
        for place, page in enumerate(part, start=1):
            found = [it for it in page.lines if is_number(it)]
            if place == 1 and found:
                yield _told(found[0], "a first page has no number")
            if place > 1 and [it.text for it in found] != [str(place)]:
                yield f"page {page.number}: its number is not {place} in the margin above"
            for it in found:
                centred = min(abs(it.middle - page.axis), abs(it.middle - page.width / 2))
                if not 13 <= it.size <= 14 or it.is_italic or centred > _OFF_CENTRE:
                    yield _told(it, "is no upright number of 13 or 14 points in the middle")


def check_citations(shown: Shown) -> Iterator[str]:
    """A law has its day, another text number, day and body; each ends with `;`, the last `.`."""
    _lines, bases = _bases(shown)
    for place, base in enumerate(bases, start=1):
        end = "." if place == len(bases) else ";"
        if not base.endswith(end):
            yield f'bases: "{base}" does not end with {end}'
        told = base.rstrip(";.")
        if not any(it.match(told) for it in (_LAW, _DECREE, _ASKED)):
            yield f'bases: "{base}" lacks number, day or body'


def _annex_lines(page: Page) -> list[Line]:
    """Give the lines of an annex's head: mark, title, what it goes with."""
    lines = body_of(page)
    end = next((n for n, it in enumerate(lines) if it.text.endswith(")") and it.is_italic), 0)
    return lines[: end + 1]


def check_annexes(shown: Shown) -> Iterator[str]:
    """One annex has no number, several Roman ones; title in capitals, paper in brackets."""
    annexes = [part[0] for part in shown.parts[1:]]
    for place, page in enumerate(annexes, start=1):
        roman = ("I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX", "X", "XI", "XII")
        mark, *rest = _annex_lines(page)
        wanted = f"Phụ lục {roman[place - 1]}" if len(annexes) > 1 else "Phụ lục"
        title = [it for it in rest if not it.is_italic]
        belongs = " ".join(it.text for it in rest if it.is_italic)
        if mark.text != wanted or not mark.is_bold:
            yield _told(mark, f"is to be {wanted} in bold")
        told = " ".join(it.text for it in title)
        if not told.isupper() or not all(it.is_bold for it in title):
            yield _told(mark, "its title is not in capitals and bold")
        if not _BELONGS.fullmatch(belongs):
            yield _told(mark, f'what it goes with is not said as the decree does: "{belongs}"')


_FOREIGN = re.compile(
    r"(?i:\b(?:the|of|and|was|were|with|from|not|failed|unknown|missing|since|which|this|been|has|"
    r"inode|steered|localhost)\b)|\bNone\b|\b(?:host|site|store|system):\S|@20\d\d-\d\d|"
    r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-|\{\w+\}|[+-]07:?00\b"
)
_HASH = re.compile(r"[0-9a-f]{10,}")
_DIGITS = re.compile(r"\b\d{1,3},\d{2,}(?![\d.]*\d)")


def check_words(shown: Shown) -> Iterator[str]:
    """No machine's name, no English, no code, one decimal at most, RTO and RPO in Vietnamese."""
    text = _ADDRESS.sub(" ", re.sub(r"(?<=\w[-/@]) (?=\w)", "", shown.text))
    for it in _FOREIGN.finditer(text):
        yield f'"{it[0]}" is no word for a paper: … {_around(text, it)} …'
    for it in _DIGITS.finditer(text):
        yield f"{it[0]} has more than one decimal: … {_around(text, it)} …"
    for code in sorted(shown.codes):
        if found := re.search(rf"(?<![\w/.-]){re.escape(code)}(?![\w-])", text):
            yield f'"{code}" is a code: … {_around(text, found)} …'
    for short in ("RTO", "RPO"):
        used, told = text.find(short), re.search(rf"\w (?:\({short}\)|– {short})", text)
        if used >= 0 and (told is None or told.start() > used):
            yield f'"{short}" is used before it is said in Vietnamese'


def _around(text: str, found: re.Match[str]) -> str:
    return text[max(0, found.start() - 40) : found.end() + 30]


def check_fill(shown: Shown) -> Iterator[str]:
    """No page but the last of its part is a third empty."""
    for part in shown.parts:
        for page in part[:-1]:
            room = page.height - TOP[0] - BOTTOM[0]
            lowest = max((it.bottom for it in body_of(page)), default=TOP[0])
            if page.height - BOTTOM[0] - lowest > room / 3:
                yield f"page {page.number}: a third of it is empty"


def check_alone(shown: Shown) -> Iterator[str]:
    """No heading ends a page, and who signs does not stand on one without text."""
    for part in shown.parts:
        for page in part[:-1]:
            if len(lines := body_of(page)) and _is_heading(lines[-1]):
                yield _told(lines[-1], "a heading stands alone at a page's end")
    last = shown.parts[0][-1]
    if len(shown.parts[0]) > 1 and (receivers := _receivers(shown)):
        above = [it for it in body_of(last) if it.bottom <= receivers[0].top]
        if not above:
            yield f"page {last.number}: signature stands without any text"


def _is_heading(line: Line) -> bool:
    return line.is_bold and line.size >= 13 and bool(_HEADING.match(line.text))


def check_cuts(shown: Shown) -> Iterator[str]:
    """No name is cut in the middle: a line ends after a mark of the name, or after the name."""
    whole = {it for page in shown.pages for line in page.lines for it in _pieces(line.text)}
    squeezed = re.sub(r"\s", "", shown.text)
    for word in sorted({it for told in shown.words for it in _pieces(told)}):
        if word not in whole and word in squeezed:
            yield f'"{word}" is cut in the middle'


def _pieces(text: str) -> list[str]:
    """Give the words of a text, which may be parted at their marks; a hash may be anywhere."""
    return [it for it in re.findall(r"[^\W_]{4,40}", text) if not _HASH.fullmatch(it)]


RULES: Mapping[str, Callable[[Shown], Iterator[str]]] = {
    "margins": check_margins,
    "sizes": check_sizes,
    "order": check_order,
    "centring": check_centring,
    "page numbers": check_page_numbers,
    "citations": check_citations,
    "annexes": check_annexes,
    "words": check_words,
    "fill": check_fill,
    "alone": check_alone,
    "cuts": check_cuts,
}


def _told(line: Line, what: str) -> str:
    return f'page {line.page}: "{line.text[:60]}": {what}'


def check_form(shown: Shown, rules: Collection[str] = tuple(RULES)) -> list[str]:
    """Give all complaints, each with the name of its rule."""
    return [f"{name}: {it}" for name in rules for it in RULES[name](shown)]
