"""A calendar: a square a day, one block a year, weeks from left to right and Monday on top."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

from ops.charts.svg import FAINT, INK, Table, element, frame, text, words

Tone = Literal["good", "fair", "bad", "unknown"]
_FILLS: Mapping[Tone, str] = {
    "good": "#d5e8d5", "fair": "#f2c879", "bad": "#8c1c13", "unknown": "url(#gap)",
}  # fmt: skip
_MARKS: Mapping[Tone, tuple[str, str]] = {
    "good": ("", INK), "fair": ("–", INK), "bad": ("×", "#ffffff"), "unknown": ("", INK),
}  # fmt: skip
_LEFT, _TOP, _CELL, _BLOCK = 56, 40, 13.6, 134
_LEGEND_WIDTH = 170
_WEEK = 7


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


def draw_calendar(chart: CalendarChart) -> str:
    """Give the chart as SVG."""
    first, last = chart.window
    years = range(first.year, last.year + 1)
    content: list[str] = []
    for place, year in enumerate(years):
        begin, end = max(first, date(year, 1, 1)), min(last, date(year, 12, 31))
        content += _draw_year(chart, begin, end, _TOP + place * _BLOCK)
    bottom = _TOP + len(years) * _BLOCK + 22
    content += _draw_legend(chart, bottom)
    return frame(chart.title, chart.summary, bottom + 16, content)


def _draw_year(chart: CalendarChart, begin: date, end: date, top: float) -> Iterator[str]:
    monday = begin - timedelta(days=begin.weekday())
    for row in (0, 2, 4, 6):
        y = top + 18 + row * _CELL + 10
        yield text(_LEFT - 6, y, chart.weekdays[row], text_anchor="end", font_size=9, fill=FAINT)
    free = 0.0
    for offset in range((end - begin).days + 1):
        day = begin + timedelta(days=offset)
        week, row = divmod((day - monday).days, _WEEK)
        x, y = _LEFT + week * _CELL, top + 18 + row * _CELL
        if (day.day == 1 or offset == 0) and x >= free:
            free = x + 3 * _CELL
            yield text(x, top + 12, chart.write_month(day), font_size=10)
        yield from _draw_square(chart, day, x, y)


def _draw_square(chart: CalendarChart, day: date, x: float, y: float) -> Iterator[str]:
    square = chart.squares.get(day)
    size = _CELL - 1.6
    fill = _FILLS[square.tone] if square else "#ffffff"
    told = f"{chart.write_day(day)}: {square.words}" if square else chart.write_day(day)
    yield element("rect", element("title", words(told)), x=x, y=y, width=size, height=size,
                  fill=fill, stroke="#9a9a9a", stroke_width="0.6")  # fmt: skip
    if square and _MARKS[square.tone][0]:
        mark, ink = _MARKS[square.tone]
        yield text(x + size / 2, y + size - 2.4, mark, text_anchor="middle", font_size=11, fill=ink)


def _draw_legend(chart: CalendarChart, y: float) -> Iterator[str]:
    for place, (tone, label) in enumerate(chart.tones):
        x = _LEFT + place * _LEGEND_WIDTH
        mark, ink = _MARKS[tone]
        yield element("rect", x=x, y=y - 11, width=13, height=13, fill=_FILLS[tone],
                      stroke="#9a9a9a")  # fmt: skip
        yield text(x + 6.5, y - 0.5, mark, text_anchor="middle", font_size=11, fill=ink)
        yield text(x + 20, y, label)


def list_days(chart: CalendarChart) -> Table:
    """Give what is known of each day in the window, in order."""
    first, last = chart.window
    rows = [
        (chart.write_day(day), it.words)
        for day, it in sorted(chart.squares.items())
        if first <= day <= last
    ]
    return chart.heads, tuple(rows)
