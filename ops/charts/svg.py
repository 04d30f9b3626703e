"""Write SVG 1.1: elements, texts that stay texts, one frame for every chart.

Source: https://www.w3.org/TR/SVG11/ and https://www.w3.org/TR/xml/#charsets
"""

import hashlib
import math
import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape, quoteattr

from ops.language.text import make_visible

WIDTH = 800
ON_PAPER = 560
"""Width of a chart that stands across a page: its letters are as large as those of a table."""

PLOT_SHARE = 0.32
"""How high what is drawn is, of the width."""

_LETTER_WIDTH = 6.4
FONT = "Liberation Sans, Arial, Helvetica, sans-serif"
INK, FAINT, GRID, PAPER = "#1a1a1a", "#555555", "#d9d9d9", "#ffffff"
COLOURS = ("#0b4f8a", "#b8560b", "#3d7a3d", "#7a3d7a")
"""Dark enough for lines on paper, and apart in grey only together with dashes or hatching."""

DASHES = ("", "7 4", "2 3", "9 3 2 3")
_LONGEST_TEXT = 120
_SUMMARY_HEIGHT = 20
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
Table = tuple[tuple[str, ...], tuple[tuple[str, ...], ...]]
"""Heads, and rows as long as the heads."""


def clean(text: str, longest: int = _LONGEST_TEXT) -> str:
    """Give a text as it may be drawn: one line, nothing invisible, bounded; pure."""
    shown = _NOT_XML.sub("\N{REPLACEMENT CHARACTER}", make_visible(text[: 4 * longest]))
    line = unicodedata.normalize("NFC", " ".join(shown.split()))
    return line if len(line) <= longest else f"{line[: longest - 1]}…"


def number(value: float) -> str:
    """Give a coordinate with at most one decimal, always written the same way."""
    text = f"{value:.1f}"
    text = text.removesuffix(".0")
    return "0" if text == "-0" else text


def element(name: str, content: str = "", **attributes: float | str) -> str:
    """Give an element; `content` is markup already, attributes are escaped here.

    A trailing underscore of an attribute falls away, others become dashes: `stroke_width`.
    """
    words = "".join(
        f" {key.rstrip('_').replace('_', '-')}="
        f"{quoteattr(value if isinstance(value, str) else number(value))}"
        for key, value in attributes.items()
        if value != ""
    )
    return f"<{name}{words}>{content}</{name}>" if content else f"<{name}{words}/>"


def words(text: str, longest: int = _LONGEST_TEXT) -> str:
    """Give a text as markup that shows just it."""
    return escape(clean(text, longest))


def text(x: float, y: float, label: str, **attributes: float | str) -> str:
    """Give a text element; whatever stands in `label` stays text."""
    shown = words(label)
    return element("text", shown, x=x, y=y, **attributes) if shown else ""


def path(points: Iterable[tuple[float, float]], *, closed: bool = False) -> str:
    """Give the `d` of a path through points."""
    steps = " ".join(f"{number(x)},{number(y)}" for x, y in points)
    return f"M{steps}{'Z' if closed else ''}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Plot:
    """What charts with two axes share.

    Attributes:
        title, summary: For readers, the summary also for those who do not see the chart.
        width: Of the whole, in the unit in which letters are 12 high.
    """

    title: str
    summary: str
    width: float = WIDTH

    @property
    def left(self) -> float:
        """Where it begins, right of the numbers."""
        return 0.105 * self.width

    @property
    def right(self) -> float:
        """Where it ends."""
        return self.width - 20

    @property
    def top(self) -> float:
        """Where the highest lies."""
        return room_above(self.title)

    @property
    def bottom(self) -> float:
        """Where the lowest lies."""
        return self.top + PLOT_SHARE * self.width


def room_above(title: str) -> float:
    """Give where what is drawn begins: below the title, where there is one."""
    return 44.0 if title else 18.0


def lay_out(
    labels: Iterable[str], left: float, right: float, mark: float
) -> tuple[list[tuple[float, float]], float]:
    """Give where each entry of a legend begins, from left to right and down, and the height.

    Args:
        labels: In order.
        left: Where the lines begin.
        right: Where they end.
        mark: Width of what stands before a label.
    """
    places, x, y = list[tuple[float, float]](), left, 0.0
    for label in labels:
        width = mark + 22 + _LETTER_WIDTH * len(clean(label))
        if x > left and x + width > right:
            x, y = left, y + 18
        places.append((x, y))
        x += width
    return places, y + 18 if places else 0.0


def frame(
    title: str, summary: str, height: float, content: Sequence[str], *, width: float = WIDTH
) -> str:
    """Give the whole document; title and summary are there for those who do not see it, too."""
    whole_height = height + (_SUMMARY_HEIGHT if summary else 0)
    key = (
        "c"
        + hashlib.sha256(f"{title}\n{summary}".encode("utf-8", "backslashreplace")).hexdigest()[:8]
    )
    body = "\n".join(it.replace("url(#", f"url(#{key}-") for it in content if it)
    parts = (
        element("title", words(title), id=f"{key}-t"),
        element("desc", words(summary, 1000), id=f"{key}-d"),
        element("defs", _patterns(key)),
        element("rect", width=width, height=whole_height, fill=PAPER),
        text(16, 24, title, font_size=16, font_weight="bold"),
        body,
        text(16, height + 12, summary, font_size=11, fill=FAINT),
    )
    whole = element(
        "svg",
        "\n".join(("", *parts, "")),
        xmlns="http://www.w3.org/2000/svg",
        viewBox=f"0 0 {number(width)} {number(whole_height)}",
        width=width,
        height=whole_height,
        role="img",
        aria_labelledby=f"{key}-t {key}-d",
        font_family=FONT,
        font_size=12,
        fill=INK,
    )
    return f"{whole}\n"


def _patterns(key: str) -> str:
    """Give the hatchings: `h1`, `h2`, `h3` of the colours, `gap` for what was not measured."""
    lines = ("M0,6L6,0", "M0,0L6,6", "M0,3L6,3")
    made = [
        f'<pattern id="{key}-h{place}" width="6" height="6" patternUnits="userSpaceOnUse">'
        f'<rect width="6" height="6" fill="{PAPER}"/>'
        f'<path d="{line}" stroke="{colour}" stroke-width="2"/></pattern>'
        for place, (line, colour) in enumerate(zip(lines, COLOURS[1:], strict=True), 1)
    ]
    made.append(
        f'<pattern id="{key}-gap" width="8" height="8" patternUnits="userSpaceOnUse">'
        f'<rect width="8" height="8" fill="#f4f4f4"/>'
        f'<path d="M0,8L8,0" stroke="#bbbbbb" stroke-width="1"/></pattern>'
    )
    return "".join(made)


_EQUAL = 1e-6


@dataclass(frozen=True, slots=True)
class Scale:
    """A straight axis.

    Attributes:
        low, high: The numbers at its two ends; never equal.
        begin, end: Where these lie.
    """

    low: float
    high: float
    begin: float
    end: float

    def place(self, value: float) -> float:
        """Give where a number lies; beyond the ends is put on the end."""
        share = (min(max(value, self.low), self.high) - self.low) / (self.high - self.low)
        return self.begin + share * (self.end - self.begin)


def choose_ticks(low: float, high: float, most: int = 6, *, least_step: float = 0.0) -> list[float]:
    """Give round numbers that enclose a range, rising: steps of 1, 2, 2.5 or 5 times a power of 10.

    Ends that are as good as equal give a range around them; there are at least two ticks. Of whole
    numbers, such as counts, none of the ticks lies between two: `least_step` is 1.
    """
    size = max(1.0, abs(low), abs(high))
    if high - low < _EQUAL * size:
        low, high = (low - size / 2, high + size / 2) if low else (0.0, 1.0)
    rough = max((high - low) / most, least_step)
    power = 10.0 ** math.floor(math.log10(rough))
    steps = [it * power for it in (1, 2, 2.5, 5, 10) if it * power >= rough * (1 - 1e-9)]
    step = next(it for it in steps if not least_step or (it / least_step).is_integer())
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [round(it * step, 12) for it in range(first, last + 1)]


def find_range(values: Iterable[float], *, from_zero: bool) -> tuple[float, float]:
    """Give the smallest and largest number; (0, 1) where there is none."""
    found = [it for it in values if math.isfinite(it)]
    if not found:
        return 0.0, 1.0
    low, high = min(found), max(found)
    return (min(0.0, low), max(0.0, high)) if from_zero else (low, high)
