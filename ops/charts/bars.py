"""Bars: one group a label, side by side or on top of one another."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from ops.charts.scale import Scale, choose_ticks, find_range
from ops.charts.svg import COLOURS, FAINT, GRID, INK, WIDTH, Table, element, frame, text

_LEFT, _RIGHT, _TOP, _BOTTOM, _HEIGHT = 84, 20, 44, 300, 356
_MOST_NUMBERS = 16
_LEGEND_WIDTH = 170


@dataclass(frozen=True, slots=True)
class Bars:
    """One kind of bar: a value a group, None where nothing is known."""

    label: str
    values: tuple[float | None, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class BarChart:
    """What to draw.

    Attributes:
        title, summary: For readers, the summary also for those who do not see the chart.
        groups: Labels of the horizontal axis.
        bars: The first four are drawn; each as long as `groups`, no value below 0.
        is_stacked: On top of one another; else side by side.
        write_value: How a number is written.
        head: What the groups are, for the table.
        unknown: What to write where a value is not known.
        nothing: What to write where there is nothing to draw.
    """

    title: str
    summary: str
    groups: tuple[str, ...]
    bars: tuple[Bars, ...]
    write_value: Callable[[float], str]
    head: str = ""
    is_stacked: bool = False
    unknown: str = "?"
    nothing: str = ""


def fill_of(place: int) -> str:
    """Give the filling of the n-th kind: one full, the others hatched each in its own way."""
    return COLOURS[0] if place == 0 else f"url(#h{place})"


def draw_bars(chart: BarChart) -> str:
    """Give the chart as SVG."""
    kinds = chart.bars[: len(COLOURS)]
    tops = [sum(column) if chart.is_stacked else max(column, default=0.0)
            for column in _columns(chart.groups, kinds)]  # fmt: skip
    rungs = choose_ticks(*find_range(tops, from_zero=True)) if any(tops) else [0.0, 1.0]
    up = Scale(rungs[0], rungs[-1], _BOTTOM, _TOP)
    content = [*_draw_grid(chart, up, rungs)]
    width = (WIDTH - _LEFT - _RIGHT) / max(1, len(chart.groups))
    for place in range(len(chart.groups)):
        content += _draw_group(chart, place, _LEFT + place * width, width, up)
    content += _draw_legend(kinds)
    if not chart.groups:
        middle = (_LEFT + WIDTH - _RIGHT) / 2
        content.append(
            text(middle, (_TOP + _BOTTOM) / 2, chart.nothing, text_anchor="middle", fill=FAINT)
        )
    return frame(chart.title, chart.summary, _HEIGHT, content)


def _columns(groups: Sequence[str], kinds: Sequence[Bars]) -> list[list[float]]:
    return [
        [value for it in kinds if (value := it.values[place]) is not None]
        for place in range(len(groups))
    ]


def _draw_grid(chart: BarChart, up: Scale, rungs: Sequence[float]) -> Iterator[str]:
    for value in rungs:
        y = up.place(value)
        yield element("line", x1=_LEFT, x2=WIDTH - _RIGHT, y1=y, y2=y, stroke=GRID)
        label = chart.write_value(value) if chart.groups else ""
        yield text(_LEFT - 8, y + 4, label, text_anchor="end", fill=FAINT)
    yield element("line", x1=_LEFT, x2=WIDTH - _RIGHT, y1=_BOTTOM, y2=_BOTTOM, stroke=INK)


def _draw_group(chart: BarChart, place: int, left: float, width: float, up: Scale) -> Iterator[str]:
    kinds = chart.bars[: len(COLOURS)]
    room = width * 0.76
    one = room if chart.is_stacked else room / max(1, len(kinds))
    begin, floor = left + (width - room) / 2, 0.0
    for number, kind in enumerate(kinds):
        value = kind.values[place]
        x = begin if chart.is_stacked else begin + number * one
        if value is None:
            yield text(x + one / 2, _BOTTOM - 5, chart.unknown, text_anchor="middle", fill=FAINT)
            continue
        top, low = up.place(floor + value), up.place(floor)
        yield element("rect", x=x, y=top, width=max(0.5, one - 1), height=low - top,
                      fill=fill_of(number), stroke=COLOURS[number], stroke_width="1")  # fmt: skip
        if not chart.is_stacked and len(chart.groups) * len(kinds) <= _MOST_NUMBERS:
            yield text(x + one / 2, top - 4, chart.write_value(value), text_anchor="middle")
        floor += value if chart.is_stacked else 0.0
    step = -(-len(chart.groups) // _MOST_NUMBERS)
    if place % step == 0:
        yield text(left + width / 2, _BOTTOM + 19, chart.groups[place], text_anchor="middle",
                   fill=FAINT)  # fmt: skip


def _draw_legend(kinds: Sequence[Bars]) -> Iterator[str]:
    for place, kind in enumerate(kinds):
        x, y = _LEFT + place * _LEGEND_WIDTH, _HEIGHT - 12
        yield element("rect", x=x, y=y - 11, width=20, height=12, fill=fill_of(place),
                      stroke=COLOURS[place])  # fmt: skip
        yield text(x + 26, y, kind.label)


def list_bar_values(chart: BarChart) -> Table:
    """Give the chart's numbers, a row a group."""
    rows = [
        (group, *(
            chart.unknown if (value := it.values[place]) is None else chart.write_value(value)
            for it in chart.bars
        ))
        for place, group in enumerate(chart.groups)
    ]  # fmt: skip
    return (chart.head, *(it.label for it in chart.bars)), tuple(rows)
