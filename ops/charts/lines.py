"""Lines over time with a band: smallest to largest, or what a forecast leaves open."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from ops.charts.svg import (
    COLOURS,
    DASHES,
    FAINT,
    GRID,
    INK,
    Plot,
    Scale,
    Table,
    choose_ticks,
    element,
    find_range,
    frame,
    lay_out,
    path,
    text,
)

MOST_POINTS = 720
_BELOW = 44
_MARK = 32


@dataclass(frozen=True, slots=True)
class Dot:
    """A place on a line: `low` to `high` is its band."""

    x: float
    y: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Curve:
    """A line.

    Attributes:
        label: What it is.
        dots: By x, rising.
        longest_step: Dots further apart than this are not joined: nothing was measured between.
        is_forecast: Drawn with dashes, its band with hatching.
    """

    label: str
    dots: tuple[Dot, ...]
    longest_step: float
    is_forecast: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class LineChart(Plot):
    """What to draw.

    Attributes:
        lines: The first four are drawn.
        window: Both ends of the horizontal axis.
        ticks: Places on it and what to write there.
        limits: Numbers to mark across, and what to write there.
        gaps: Times in which nothing was measured; `gap_label` names them in the legend.
        write_value, write_x: How a number, a place, is written.
        from_zero: Whether the vertical axis begins at 0.
        nothing: What to write where there is nothing to draw.
    """

    lines: tuple[Curve, ...]
    window: tuple[float, float]
    ticks: tuple[tuple[float, str], ...]
    write_value: Callable[[float], str]
    write_x: Callable[[float], str]
    heads: tuple[str, str, str, str]
    limits: tuple[tuple[float, str], ...] = ()
    gaps: tuple[tuple[float, float], ...] = ()
    gap_label: str = ""
    from_zero: bool = True
    nothing: str = ""


def thin(dots: Sequence[Dot], most: int = MOST_POINTS) -> list[Dot]:
    """Join neighbours until there are at most so many; smallest and largest stay; pure."""
    size = -(-len(dots) // most) if dots else 1
    if size == 1:
        return list(dots)
    parts = [dots[it : it + size] for it in range(0, len(dots), size)]
    return [
        Dot(
            part[0].x,
            sum(it.y for it in part) / len(part),
            min(it.low for it in part),
            max(it.high for it in part),
        )
        for part in parts
    ]


def draw_lines(chart: LineChart) -> str:
    """Give the chart as SVG."""
    lines = [(it, thin(it.dots)) for it in chart.lines[: len(COLOURS)]]
    values = [value for _line, dots in lines for it in dots for value in (it.low, it.high)]
    values += [value for value, _label in chart.limits if values]
    # Where nothing was measured no number is written along the axis.
    rungs = choose_ticks(*find_range(values, from_zero=chart.from_zero)) if values else [0.0, 1.0]
    begin, end = chart.window
    across = Scale(begin, end if end > begin else begin + 1, chart.left, chart.right)
    up = Scale(rungs[0], rungs[-1], chart.bottom, chart.top)
    content = [
        *_draw_gaps(chart, across),
        *_draw_axes(chart, across, up, rungs),
        *(
            part
            for place, (line, dots) in enumerate(lines)
            for part in _draw_line(line, dots, place, across, up)
        ),
        *_draw_limits(chart, up),
    ]
    if not any(dots for _line, dots in lines):
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
    legend, height = _draw_legend(chart)
    whole = chart.bottom + _BELOW + height - 6
    return frame(chart.title, chart.summary, whole, [*content, *legend], width=chart.width)


def _draw_gaps(chart: LineChart, across: Scale) -> Iterator[str]:
    for begin, end in chart.gaps:
        left, right = across.place(begin), across.place(end)
        yield element(
            "rect",
            x=left,
            y=chart.top,
            width=max(1.0, right - left),
            height=chart.bottom - chart.top,
            fill="url(#gap)",
        )


def _draw_axes(chart: LineChart, across: Scale, up: Scale, rungs: Sequence[float]) -> Iterator[str]:
    has_values = any(it.dots for it in chart.lines)
    for value in rungs:
        y = up.place(value)
        yield element("line", x1=chart.left, x2=chart.right, y1=y, y2=y, stroke=GRID)
        label = chart.write_value(value) if has_values else ""
        yield text(chart.left - 8, y + 4, label, text_anchor="end", fill=FAINT)
    low = chart.bottom
    yield element("line", x1=chart.left, x2=chart.right, y1=low, y2=low, stroke=INK)
    for at, label in chart.ticks:
        x = across.place(at)
        yield element("line", x1=x, x2=x, y1=low, y2=low + 5, stroke=INK)
        yield text(x, low + 19, label, text_anchor="middle", fill=FAINT)


def _draw_line(
    line: Curve, dots: Sequence[Dot], place: int, across: Scale, up: Scale
) -> Iterator[str]:
    colour, dash = COLOURS[place], "5 4" if line.is_forecast else DASHES[place]
    step = line.longest_step * max(1, -(-len(line.dots) // MOST_POINTS))
    for part in split_runs(dots, step):
        over = [(across.place(it.x), up.place(it.high)) for it in part]
        under = [(across.place(it.x), up.place(it.low)) for it in reversed(part)]
        if over != under[::-1] and len(part) > 1:
            yield element(
                "path", d=path([*over, *under], closed=True), fill=colour, fill_opacity="0.18"
            )
        middle = [(across.place(it.x), up.place(it.y)) for it in part]
        if len(part) == 1:
            (x, y), (_x, top), (_x2, low) = middle[0], over[0], under[0]
            yield element("line", x1=x, x2=x, y1=top, y2=low, stroke=colour)
            yield element("circle", cx=x, cy=y, r=2.5, fill=colour)
        else:
            yield element(
                "path",
                d=path(middle),
                fill="none",
                stroke=colour,
                stroke_width="1.8",
                stroke_dasharray=dash,
                stroke_linejoin="round",
            )


def split_runs(dots: Sequence[Dot], longest_step: float) -> list[list[Dot]]:
    """Part dots where nothing was measured between two; pure."""
    runs: list[list[Dot]] = []
    for dot in dots:
        if runs and dot.x - runs[-1][-1].x <= longest_step:
            runs[-1].append(dot)
        else:
            runs.append([dot])
    return runs


def _draw_limits(chart: LineChart, up: Scale) -> Iterator[str]:
    for value, label in chart.limits:
        if up.low <= value <= up.high:
            y = up.place(value)
            yield element(
                "line",
                x1=chart.left,
                x2=chart.right,
                y1=y,
                y2=y,
                stroke=INK,
                stroke_width="1",
                stroke_dasharray="1 3",
            )
            yield text(chart.left + 4, y - 5, label)


def _draw_legend(chart: LineChart) -> tuple[list[str], float]:
    """Give the legend, and how high it is."""
    lines = chart.lines[: len(COLOURS)]
    has_gaps = bool(chart.gaps and chart.gap_label)
    labels = [*(it.label for it in lines), *([chart.gap_label] if has_gaps else [])]
    places, height = lay_out(labels, chart.left, chart.right, _MARK)
    drawn = list[str]()
    for number, (label, (x, below)) in enumerate(zip(labels, places, strict=True)):
        y = chart.bottom + _BELOW + below
        if number < len(lines):
            dash = "5 4" if lines[number].is_forecast else DASHES[number]
            drawn.append(
                element(
                    "line",
                    x1=x,
                    x2=x + 26,
                    y1=y - 4,
                    y2=y - 4,
                    stroke=COLOURS[number],
                    stroke_width="2",
                    stroke_dasharray=dash,
                )
            )
        else:
            drawn.append(
                element("rect", x=x, y=y - 11, width=26, height=12, fill="url(#gap)", stroke=GRID)
            )
        drawn.append(text(x + _MARK, y, label))
    return drawn, height


def list_line_values(chart: LineChart) -> Table:
    """Give the chart's numbers: where, smallest, middle, largest; the line's label in front."""
    rows = [
        (line.label, chart.write_x(it.x), *map(chart.write_value, (it.low, it.y, it.high)))
        for line in chart.lines
        for it in line.dots
    ]
    return ("", *chart.heads), tuple(rows)


BLOCKS = "▁▂▃▄▅▆▇█"
NOTHING = "·"


def draw_sparkline(values: Sequence[float | None], *, low: float | None = None) -> str:
    """Give a block a value, the largest highest; a dot where nothing was measured; pure.

    Args:
        values: In order.
        low: What the lowest block means; left out: the smallest value.
    """
    known = [it for it in values if it is not None]
    if not known:
        return NOTHING * len(values)
    floor = min(known) if low is None else min(low, *known)
    span = max(known) - floor
    return "".join(_block(it, floor, span) for it in values)


def _block(value: float | None, floor: float, span: float) -> str:
    if value is None:
        return NOTHING
    if span == 0:
        return BLOCKS[0]
    return BLOCKS[min(len(BLOCKS) - 1, int((value - floor) / span * len(BLOCKS)))]
