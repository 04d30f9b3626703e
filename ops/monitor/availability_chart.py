"""A site's days as a calendar, and its months as bars."""

from collections.abc import Collection, Sequence
from datetime import date, datetime, timedelta

from ops.charts.bars import BarChart, Bars, draw_bars
from ops.charts.calendar import CalendarChart, Square, Tone, draw_calendar, list_days
from ops.charts.svg import Table
from ops.errors import WrongUseError
from ops.estate.model.estate import Estate
from ops.language.formats import format_date, format_number
from ops.language.text import N_, _
from ops.monitor.availability import Availability
from ops.monitor.series.minutes import Day, minutes_of, place_minute, read_days
from ops.monitor.series.store import SeriesStore

AVAILABILITY = "availability"
_LONG_MINUTES = 60
_TONES: tuple[tuple[Tone, str], ...] = (
    ("good", N_("up all day")),
    ("fair", N_("down for less than an hour")),
    ("bad", N_("down for an hour or more")),
    ("unknown", N_("mostly not known")),
)
_WEEKDAYS = (N_("Mon"), N_("Tue"), N_("Wed"), N_("Thu"), N_("Fri"), N_("Sat"), N_("Sun"))


def make_calendar(
    store: SeriesStore, estate: Estate, subject: str, days: int, now: datetime
) -> tuple[str, Table]:
    """Give the SVG and the table of a site's last days.

    Raises:
        WrongUseError: The subject is no site.
        SeriesError: The series cannot be used.
    """
    kind, _sign, site = subject.partition(":")
    if kind != "site":
        raise WrongUseError(
            "only sites have an availability",
            next_step="`{program} monitor.chart --site NAME --metric availability`",
        )
    today = now.astimezone(estate.zone).date()
    first = today - timedelta(days=days - 1)
    seen = read_days(store, site, first, today)
    title = _("{site}: every day").format(site=estate.title_at(site))
    chart = CalendarChart(
        title=title,
        summary=_tell(seen.values()),
        window=(first, today),
        squares={day: judge_day_of(it, _minutes_of(day, estate, now)) for day, it in seen.items()},
        tones=tuple((tone, _(label)) for tone, label in _TONES),
        weekdays=tuple(map(_, _WEEKDAYS)),
        write_month=lambda day: f"{day:%m/%y}",
        write_day=format_date,
        heads=(_("Day"), _("How it was")),
    )
    return draw_calendar(chart), list_days(chart)


def _minutes_of(day: date, estate: Estate, now: datetime) -> int:
    """Give the minutes of a day, of today those that are over."""
    today, minute = place_minute(now, estate.zone)
    return max(1, minute) if day == today else minutes_of(day, estate.zone)


def judge_day_of(day: Day, minutes: int) -> Square:
    """Say how a day was; planned stops are not taken out; pure."""
    up, down = day.up.bit_count(), day.down.bit_count()
    tone: Tone = "good" if down == 0 else "fair" if down < _LONG_MINUTES else "bad"
    if up + down < minutes / 2 and down < _LONG_MINUTES:
        tone = "unknown"
    words = _("up {up}, down {down}, not known {rest} minutes")
    return Square(tone, words.format(up=up, down=down, rest=max(0, minutes - up - down)))


def _tell(seen: Collection[Day]) -> str:
    up = sum(it.up.bit_count() for it in seen)
    down = sum(it.down.bit_count() for it in seen)
    if not up + down:
        return _("nothing was measured in this time")
    share = format_number(100 * up / (up + down), 3)
    text = _("up {share} % of the time that is known; down {down} minutes")
    return text.format(share=share, down=down)


def draw_months(found: Sequence[Availability], title: str) -> tuple[str, Table]:
    """Give the SVG and the table of a site's months: how much of the known time it was up."""
    up = tuple(it.percent for it in found)
    chart = BarChart(
        title=title,
        summary=_("share of the time that is known, planned stops left out"),
        groups=tuple(f"{it.month:%m/%y}" for it in found),
        bars=(Bars(_("up"), up),),
        write_value=lambda value: f"{format_number(value, 2)} %",
        unknown="?",
        nothing=_("nothing was measured in this time"),
    )
    heads = (
        _("Month"),
        _("Up"),
        _("Minutes down"),
        _("Minutes not known"),
        _("Planned stops (minutes)"),
    )
    rows = [
        (
            f"{it.month:%m/%Y}",
            "–" if it.percent is None else f"{format_number(it.percent, 2)} %",
            *(format_number(minutes) for minutes in (it.down, it.unknown + it.gap, it.planned)),
        )
        for it in found
    ]
    return draw_bars(chart), (heads, tuple(rows))
