"""A calendar: a square a day, weeks from left to right and Monday on top; a block a year."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

from ops.charts.svg import (
    FAINT,
    INK,
    WIDTH,
    Table,
    element,
    frame,
    lay_out,
    room_above,
    text,
    words,
)

Tone = Literal["good", "done", "fair", "bad", "unknown"]
"""`good` is the quiet ground that most days are on; `done` stands out where few days have any."""

_FILLS: Mapping[Tone, str] = {
    "good": "#d5e8d5",
    "done": "#3d7a3d",
    "fair": "#f2c879",
    "bad": "#8c1c13",
    "unknown": "url(#gap)",
}
_MARKS: Mapping[Tone, tuple[str, str]] = {
    "good": ("", INK),
    "done": ("", INK),
    "fair": ("–", INK),
    "bad": ("×", "#ffffff"),
    "unknown": ("", INK),
}
_LEFT, _RIGHT, _MARK, _WEEK = 42, 10, 20, 7
_MOST_WEEKS, _MOST_DAYS = 54, 366


@dataclass(frozen=True, slots=True)
class Square:
    """A day: how it was, and in words."""

    tone: Tone
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CalendarChart:
    """What to draw.

    Attributes:
        title, summary: For readers, the summary also for those who do not see the chart.
        window: First and last day, both drawn.
        squares: What is known, by day; days without one are left white.
        tones: What each tone means, in the order of the legend.
        weekdays: Seven labels, Monday first.
        write_month, write_day: How a month, a day, is written.
        heads: Of the table: day, how it was.
        width: Of the whole, in the unit in which letters are 12 high.
    """

    title: str
    summary: str
    window: tuple[date, date]
    squares: Mapping[date, Square]
    tones: tuple[tuple[Tone, str], ...]
    weekdays: tuple[str, ...]
    write_month: Callable[[date], str]
    write_day: Callable[[date], str]
    heads: tuple[str, str] = ("", "")
    width: float = WIDTH

    @property
    def cell(self) -> float:
        """Width of a day."""
        return (self.width - _LEFT - _RIGHT) / _MOST_WEEKS


def draw_calendar(chart: CalendarChart) -> str:
    """Give the chart as SVG."""
    blocks = split_window(*chart.window)
    top, height = room_above(chart.title) - 4, _WEEK * chart.cell + 38
    content: list[str] = []
    for place, (begin, end) in enumerate(blocks):
        content += _draw_block(chart, begin, end, top + place * height)
    bottom = top + len(blocks) * height + 12
    labels = [label for _tone, label in chart.tones]
    places, below = lay_out(labels, _LEFT, chart.width - _RIGHT, _MARK)
    content += _draw_legend(chart, places, bottom)
    return frame(chart.title, chart.summary, bottom + below - 6, content, width=chart.width)


def split_window(first: date, last: date) -> list[tuple[date, date]]:
    """Part days into years; what is no longer than a year stays in one piece."""
    if (last - first).days < _MOST_DAYS:
        return [(first, last)]
    years = range(first.year, last.year + 1)
    return [(max(first, date(it, 1, 1)), min(last, date(it, 12, 31))) for it in years]


def _draw_block(chart: CalendarChart, begin: date, end: date, top: float) -> Iterator[str]:
    monday, cell = begin - timedelta(days=begin.weekday()), chart.cell
    for row in (0, 2, 4, 6):
        y = top + 18 + row * cell + 0.75 * cell
        yield text(_LEFT - 6, y, chart.weekdays[row], text_anchor="end", font_size=11, fill=FAINT)
    free = 0.0
    for offset in range((end - begin).days + 1):
        day = begin + timedelta(days=offset)
        week, row = divmod((day - monday).days, _WEEK)
        x, y = _LEFT + week * cell, top + 18 + row * cell
        if (day.day == 1 or offset == 0) and x >= free:
            free = x + 3 * cell
            yield text(x, top + 12, chart.write_month(day), font_size=11)
        yield from _draw_square(chart, day, x, y)


def _draw_square(chart: CalendarChart, day: date, x: float, y: float) -> Iterator[str]:
    square = chart.squares.get(day)
    size = chart.cell - 1.6
    fill = _FILLS[square.tone] if square else "#ffffff"
    told = f"{chart.write_day(day)}: {square.words}" if square else chart.write_day(day)
    yield element(
        "rect",
        element("title", words(told)),
        x=x,
        y=y,
        width=size,
        height=size,
        fill=fill,
        stroke="#9a9a9a",
        stroke_width="0.6",
    )
    if square and _MARKS[square.tone][0]:
        mark, ink = _MARKS[square.tone]
        yield text(
            x + size / 2, y + 0.8 * size, mark, text_anchor="middle", font_size=0.9 * size, fill=ink
        )


def _draw_legend(
    chart: CalendarChart, places: Sequence[tuple[float, float]], top: float
) -> Iterator[str]:
    for (tone, label), (x, below) in zip(chart.tones, places, strict=True):
        mark, ink = _MARKS[tone]
        y = top + below
        yield element(
            "rect", x=x, y=y - 11, width=13, height=13, fill=_FILLS[tone], stroke="#9a9a9a"
        )
        yield text(x + 6.5, y - 0.5, mark, text_anchor="middle", font_size=11, fill=ink)
        yield text(x + _MARK, y, label)


def list_days(chart: CalendarChart) -> Table:
    """Give what is known of each day in the window, in order."""
    first, last = chart.window
    rows = [
        (chart.write_day(day), it.words)
        for day, it in sorted(chart.squares.items())
        if first <= day <= last
    ]
    return chart.heads, tuple(rows)
