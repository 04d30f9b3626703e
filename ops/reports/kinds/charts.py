"""The charts of papers, in their own words; pure."""

from collections.abc import Mapping, Sequence
from datetime import date

from ops.charts.bars import BarChart, Bars, draw_bars
from ops.charts.calendar import CalendarChart, Square, Tone, draw_calendar
from ops.charts.svg import ON_PAPER
from ops.language.formats import format_date, format_number
from ops.reports.figures.checked import DrillRow, Uptimes
from ops.reports.figures.figure import Timespan
from ops.reports.figures.owed import Owed
from ops.reports.papers.paper import Chart
from ops.reports.texts import Texts

_TONES: Mapping[str, Tone] = {"ok": "done", "incomplete": "fair", "failed": "bad"}
_SHOWN: tuple[Tone, ...] = ("done", "fair", "bad")


def name_month(month: Timespan) -> str:
    """Call a month of reports by the one it ends in."""
    return f"{month.last:%m/%Y}"


def chart_uptimes(texts: Texts, uptimes: Uptimes, months: Sequence[Timespan]) -> Chart:
    """Draw how long sites were down, a bar a month; what nobody knows is a question mark."""
    found = [uptimes.in_month(place) for place in range(len(months))]
    known = [it.up + it.down > 0 for it in found]
    bars = [
        (
            name,
            tuple(
                float(value) if is_known else None
                for value, is_known in zip(values, known, strict=True)
            ),
        )
        for name, values in (
            ("down", [it.down for it in found]),
            ("planned", [it.planned for it in found]),
        )
    ]
    return _draw(texts, "chart_uptime", months, bars, unit="minutes")


def chart_owed(texts: Texts, owed: Sequence[Owed], months: Sequence[Timespan]) -> Chart:
    """Draw on how many days of sites the backup that was owed came, a bar a month."""
    bars = [
        ("owed_met", tuple(float(it.met) for it in owed)),
        ("owed_missed", tuple(float(it.missed) for it in owed)),
        ("owed_unknown", tuple(float(it.undecided + it.unrecorded) for it in owed)),
    ]
    return _draw(texts, "chart_owed", months, bars, unit="days", is_stacked=True)


def chart_days(texts: Texts, drills: Sequence[DrillRow], time: Timespan) -> Chart:
    """Draw drills on a calendar: each day with its worst."""
    worst: dict[date, Tone] = {}
    for it in drills:
        day, tone = it.started_at.astimezone(time.zone).date(), _TONES.get(it.outcome, "fair")
        worst[day] = max(worst.get(day, tone), tone, key=_SHOWN.index)
    squares = {day: Square(tone, "") for day, tone in worst.items()}
    tones = tuple((tone, texts.say(f"day_{tone}", table="chart")) for tone in _SHOWN)
    return _draw_days(texts, "chart_days", squares, tones, time)


def _draw_days(
    texts: Texts,
    caption: str,
    squares: Mapping[date, Square],
    tones: tuple[tuple[Tone, str], ...],
    time: Timespan,
) -> Chart:
    is_one_year = time.first.year == time.last.year
    chart = CalendarChart(
        title="",
        summary="",
        window=(time.first, time.last),
        squares=squares,
        tones=tones,
        weekdays=texts.list("weekdays", table="chart"),
        write_month=(lambda it: f"{it:%m}") if is_one_year else (lambda it: f"{it:%m/%y}"),
        write_day=format_date,
        width=ON_PAPER,
    )
    return Chart(draw_calendar(chart), texts.say(caption, table="captions", year=time.year))


def _draw(
    texts: Texts,
    caption: str,
    months: Sequence[Timespan],
    bars: Sequence[tuple[str, tuple[float | None, ...]]],
    *,
    unit: str,
    is_stacked: bool = False,
) -> Chart:
    told = texts.say(caption, table="captions")
    chart = BarChart(
        title="",
        summary="",  # the caption below it says what it shows
        groups=tuple(f"{it.last:%m/%y}" for it in months),
        bars=tuple(Bars(texts.say(name, table="chart"), values) for name, values in bars),
        write_value=format_number,
        is_stacked=is_stacked,
        unit=texts.say(unit, table="chart"),
        unknown=texts.say("unknown", table="chart"),
        nothing=texts.say("nothing", table="chart"),
        width=ON_PAPER,
    )
    return Chart(draw_bars(chart), told)
