"""Bars: one group a label, side by side or on top of one another."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from ops.charts.svg import (
    COLOURS,
    FAINT,
    GRID,
    INK,
    Plot,
    Scale,
    choose_ticks,
    element,
    find_range,
    frame,
    lay_out,
    text,
)

_BELOW = 40
_MOST_NUMBERS = 16
_MARK = 26


@dataclass(frozen=True, slots=True)
class Bars:
    """One kind of bar: a value a group, None where nothing is known."""

    label: str
    values: tuple[float | None, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class BarChart(Plot):
    """What to draw.

    Attributes:
        groups: Labels of the horizontal axis.
        bars: The first four are drawn; each as long as `groups`, no value below 0.
        is_stacked: On top of one another; else side by side.
        write_value: How a number is written.
        unit: What the numbers count, above the axis; empty for none.
        unknown: What to write where a value is not known.
        nothing: What to write where there is nothing to draw.
    """

    groups: tuple[str, ...]
    bars: tuple[Bars, ...]
    write_value: Callable[[float], str]
    is_stacked: bool = False
    unit: str = ""
    unknown: str = "?"
    nothing: str = ""


def fill_of(place: int) -> str:
    """Give the filling of the n-th kind: one full, the others hatched each in its own way."""
    return COLOURS[0] if place == 0 else f"url(#h{place})"


def draw_bars(chart: BarChart) -> str:
    """Give the chart as SVG."""
    kinds = chart.bars[: len(COLOURS)]
    tops = [
        float(sum(column) if chart.is_stacked else max(column, default=0.0))
        for column in _columns(chart.groups, kinds)
    ]
    # Where all are counts, no number on the axis lies between two.
    least = 1.0 if all(it.is_integer() for it in tops) else 0.0
    rungs = choose_ticks(*find_range(tops, from_zero=True), least_step=least)
    up = Scale(rungs[0], rungs[-1], chart.bottom, chart.top)
    content = [*_draw_grid(chart, up, rungs)]
    width = (chart.right - chart.left) / max(1, len(chart.groups))
    for place in range(len(chart.groups)):
        content += _draw_group(chart, place, chart.left + place * width, width, up)
    places, height = lay_out([it.label for it in kinds], chart.left, chart.right, _MARK)
    content += _draw_legend(kinds, places, chart.bottom + _BELOW)
    if not chart.groups:
        middle = (chart.left + chart.right) / 2
        content.append(
            text(
                middle,
                (chart.top + chart.bottom) / 2,
                chart.nothing,
                text_anchor="middle",
                fill=FAINT,
            )
        )
    whole = chart.bottom + _BELOW + height - 6
    return frame(chart.title, chart.summary, whole, content, width=chart.width)


def _columns(groups: Sequence[str], kinds: Sequence[Bars]) -> list[list[float]]:
    return [
        [value for it in kinds if (value := it.values[place]) is not None]
        for place in range(len(groups))
    ]


def _draw_grid(chart: BarChart, up: Scale, rungs: Sequence[float]) -> Iterator[str]:
    for value in rungs:
        y = up.place(value)
        yield element("line", x1=chart.left, x2=chart.right, y1=y, y2=y, stroke=GRID)
        label = chart.write_value(value) if chart.groups else ""
        yield text(chart.left - 8, y + 4, label, text_anchor="end", fill=FAINT)
    yield text(2, chart.top - 8, chart.unit, fill=FAINT)
    low = chart.bottom
    yield element("line", x1=chart.left, x2=chart.right, y1=low, y2=low, stroke=INK)


def _draw_group(chart: BarChart, place: int, left: float, width: float, up: Scale) -> Iterator[str]:
    kinds = chart.bars[: len(COLOURS)]
    room = width * 0.76
    one = room if chart.is_stacked else room / max(1, len(kinds))
    begin, floor = left + (width - room) / 2, 0.0
    for number, kind in enumerate(kinds):
        value = kind.values[place]
        x = begin if chart.is_stacked else begin + number * one
        if value is None:
            yield text(
                x + one / 2, chart.bottom - 5, chart.unknown, text_anchor="middle", fill=FAINT
            )
            continue
        top, low = up.place(floor + value), up.place(floor)
        yield element(
            "rect",
            x=x,
            y=top,
            width=max(0.5, one - 1),
            height=low - top,
            fill=fill_of(number),
            stroke=COLOURS[number],
            stroke_width="1",
        )
        if not chart.is_stacked and len(chart.groups) * len(kinds) <= _MOST_NUMBERS:
            yield text(x + one / 2, top - 4, chart.write_value(value), text_anchor="middle")
        floor += value if chart.is_stacked else 0.0
    step = -(-len(chart.groups) // _MOST_NUMBERS)
    if place % step == 0:
        yield text(
            left + width / 2,
            chart.bottom + 19,
            chart.groups[place],
            text_anchor="middle",
            fill=FAINT,
        )


def _draw_legend(
    kinds: Sequence[Bars], places: Sequence[tuple[float, float]], top: float
) -> Iterator[str]:
    for number, (kind, (x, below)) in enumerate(zip(kinds, places, strict=True)):
        y = top + below
        yield element(
            "rect", x=x, y=y - 11, width=20, height=12, fill=fill_of(number), stroke=COLOURS[number]
        )
        yield text(x + _MARK, y, kind.label)
