"""The charts of papers, in their own words; pure."""

from collections.abc import Sequence

from ops.charts.bars import BarChart, Bars, draw_bars
from ops.language.formats import format_number
from ops.reports.figures.drills import DrillRow
from ops.reports.figures.runs import RunCounts
from ops.reports.figures.watch import Uptimes
from ops.reports.kinds.kind import Frame
from ops.reports.papers.paper import Chart
from ops.reports.window import Window


def name_month(month: Window) -> str:
    """Call a month of reports by the one it ends in."""
    return f"{month.last:%m/%Y}"


def chart_uptimes(frame: Frame, uptimes: Uptimes, months: Sequence[Window]) -> Chart:
    """Draw how long sites were down, a bar a month; what nobody knows is a question mark."""
    found = [uptimes.in_month(place) for place in range(len(months))]
    known = [it.up + it.down > 0 for it in found]
    bars = [
        (name, tuple(float(value) if is_known else None
                     for value, is_known in zip(values, known, strict=True)))
        for name, values in (
            ("down", [it.down for it in found]), ("planned", [it.planned for it in found]),
        )
    ]  # fmt: skip
    return _draw(frame, "chart_uptime", months, bars)


def chart_runs(frame: Frame, ran: RunCounts, not_run: RunCounts, months: Sequence[Window]) -> Chart:
    """Draw backups by how they ended."""
    bars = [
        ("runs_ok", tuple(float(it.ok) for it in ran.by_month)),
        ("runs_bad", tuple(float(it.ran - it.ok) for it in ran.by_month)),
        ("runs_missed", tuple(float(it.missed) for it in not_run.by_month)),
    ]
    return _draw(frame, "chart_runs", months, bars, is_stacked=True)


def chart_drills(frame: Frame, drills: Sequence[DrillRow], months: Sequence[Window]) -> Chart:
    """Draw drills by how they ended."""
    good = [0.0] * len(months)
    bad = [0.0] * len(months)
    for drill in drills:
        place = next(n for n, it in enumerate(months) if drill.started_at < it.until)
        (good if drill.outcome == "ok" else bad)[place] += 1
    bars = [("runs_ok", tuple(good)), ("runs_bad", tuple(bad))]
    return _draw(frame, "chart_drills", months, bars, is_stacked=True)


def _draw(
    frame: Frame,
    caption: str,
    months: Sequence[Window],
    bars: Sequence[tuple[str, tuple[float | None, ...]]],
    *,
    is_stacked: bool = False,
) -> Chart:
    texts = frame.texts
    told = texts.say(caption, table="captions")
    chart = BarChart(
        title="",
        summary="",  # the caption below it says what it shows
        groups=tuple(f"{it.last:%m}" for it in months),
        bars=tuple(Bars(texts.say(name, table="chart"), values) for name, values in bars),
        write_value=format_number,
        is_stacked=is_stacked,
        unknown=texts.say("unknown", table="chart"),
        nothing=texts.say("nothing", table="chart"),
    )
    return Chart(draw_bars(chart), told)
