"""How long a site was there in a month, counted from the verdict of each minute.

Every minute of the month is in exactly one part: up, down, unknown, a gap in which nobody looked,
a planned stop, or still ahead. So the parts add up to the month, and no percentage hides what
nobody knows. Of a planned stop only those minutes are one in which the site did not answer: where
it answered it was up, whatever was planned.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from ops.charts.bars import BarChart, Bars, draw_bars
from ops.charts.calendar import CalendarChart, Square, Tone, draw_calendar, list_days
from ops.charts.svg import Table
from ops.duties.call_off import PlannedStop, find_stops
from ops.errors import WrongUseError
from ops.estate.model.estate import Estate
from ops.language.formats import format_date, format_number
from ops.language.text import N_, _
from ops.monitor.series.minutes import Day, midnight, minutes_of, place_minute, read_days
from ops.monitor.series.store import SeriesStore

_MINUTE, _DAY = timedelta(minutes=1), timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Stop:
    """A planned stop: its code, and when."""

    code: str
    begins: datetime
    until: datetime


@dataclass(frozen=True, slots=True)
class Span:
    """A time without a break, in UTC, in whole minutes.

    Attributes:
        name: Code of the stop; empty for what has no name.
    """

    since: datetime
    until: datetime
    name: str = ""

    @property
    def minutes(self) -> int:
        """How long it lasts."""
        return (self.until - self.since) // _MINUTE


@dataclass(frozen=True, slots=True, kw_only=True)
class Availability:
    """How long a site was there in a month.

    Attributes:
        site: Its name.
        month: The first day of the month, or of the time; the organisation's.
        minutes: Of the month; what follows adds up to them.
        up: It answered.
        down: It did not answer, and no stop was planned.
        unknown: It was looked at and could not be told, as when our own line was down.
        gap: Nobody looked.
        planned: It did not answer, and a stop was planned.
        ahead: Not yet.
        outages, gaps, stops: Where `down`, `gap` and `planned` lie, in order; stops by their codes.
    """

    site: str
    month: date
    minutes: int
    up: int
    down: int
    unknown: int
    gap: int
    planned: int
    ahead: int
    outages: tuple[Span, ...] = ()
    gaps: tuple[Span, ...] = ()
    stops: tuple[Span, ...] = ()

    @property
    def percent(self) -> float | None:
        """Up, of what is known, planned stops left out; None where nothing is known."""
        known = self.up + self.down
        return 100 * self.up / known if known else None


def measure_months(
    store: SeriesStore, session: Session, estate: Estate, site: str, now: datetime, count: int = 12
) -> list[Availability]:
    """Count a site's last months, this one last.

    Args:
        store: The series.
        session: Of the catalog, for planned stops.
        estate: Whose zone counts.
        site: Name of the site.
        now: Aware.
        count: How many.
    """
    months = [now.astimezone(estate.zone).date().replace(day=1)]
    while len(months) < count:
        months.insert(0, (months[0] - _DAY).replace(day=1))
    seen = read_days(store, site, months[0], _next_month(months[-1]) - _DAY)
    stops = read_stops(session, estate.zone).get(site, ())
    return [count_month(site, it, seen, stops, estate.zone, now=now) for it in months]


def read_stops(session: Session, zone: ZoneInfo) -> Mapping[str, Sequence[Stop]]:
    """Give the planned stops of each site that has any, those called off left out."""
    return sort_stops(find_stops(session, zone))


def sort_stops(stops: Iterable[PlannedStop]) -> Mapping[str, Sequence[Stop]]:
    """Give planned stops by site; pure."""
    found = defaultdict[str, list[Stop]](list)
    for it in stops:
        found[it.site].append(Stop(it.code, it.begins, it.until))
    return found


def _next_month(month: date) -> date:
    return (month.replace(day=28) + 4 * _DAY).replace(day=1)


def count_month(
    site: str,
    month: date,
    days: Mapping[date, Day],
    stops: Sequence[Stop],
    zone: ZoneInfo,
    *,
    now: datetime,
) -> Availability:
    """Count a month; pure.

    Args:
        site: Name of the site.
        month: Its first day.
        days: What was seen; days without anything may be missing.
        stops: Planned stops of the site, called off ones left out.
        zone: Of the organisation.
        now: Aware.
    """
    return count_time(site, (month, _next_month(month) - _DAY), days, stops, zone, now=now)


def count_time(
    site: str,
    ends: tuple[date, date],
    days: Mapping[date, Day],
    stops: Sequence[Stop],
    zone: ZoneInfo,
    *,
    now: datetime,
) -> Availability:
    """Count some days, both ends included; pure.

    Args:
        site: Name of the site.
        ends: First and last day.
        days: What was seen; days without anything may be missing.
        stops: Planned stops of the site, called off ones left out.
        zone: Of the organisation.
        now: Aware.
    """
    month, last = ends
    begin, end = midnight(month, zone), midnight(last + _DAY, zone)
    whole = (1 << (end - begin) // _MINUTE) - 1
    up, down, unknown = join_days(days, ends, zone)
    past = _bits(begin, now.replace(second=0, microsecond=0), begin, end) & whole
    named = [(it.code, _bits(it.begins, it.until, begin, end) & down & past) for it in stops]
    planned = 0
    for _code, bits in named:
        planned |= bits
    watched = past & ~planned
    gap = watched & ~(up | down | unknown)
    return Availability(
        site=site,
        month=month,
        minutes=whole.bit_count(),
        up=(up & watched).bit_count(),
        down=(down & watched).bit_count(),
        unknown=(unknown & watched).bit_count(),
        gap=gap.bit_count(),
        planned=planned.bit_count(),
        ahead=(whole & ~past).bit_count(),
        outages=tuple(_spans(down & watched, begin)),
        gaps=tuple(_spans(gap, begin)),
        stops=tuple(it for code, bits in named for it in _spans(bits, begin, code)),
    )


def join_days(
    days: Mapping[date, Day], ends: tuple[date, date], zone: ZoneInfo
) -> tuple[int, int, int]:
    """Give the bits of the time from those of its days."""
    up = down = unknown = place = 0
    day, last = ends
    while day <= last:
        seen, size = days.get(day, Day()), minutes_of(day, zone)
        mask = (1 << size) - 1
        up |= (seen.up & mask) << place
        down |= (seen.down & mask) << place
        unknown |= (seen.unknown & mask) << place
        place += size
        day += _DAY
    return up, down, unknown


def _bits(since: datetime, until: datetime, begin: datetime, end: datetime) -> int:
    """Give the minutes of the month that a time touches; one that is under way counts."""
    first = max(0, (since.astimezone(UTC) - begin) // _MINUTE)
    last = min((end - begin) // _MINUTE, -((begin - until.astimezone(UTC)) // _MINUTE))
    return ((1 << last) - 1) & ~((1 << first) - 1) if last > first else 0


def _spans(bits: int, begin: datetime, name: str = "") -> Iterator[Span]:
    """Give the runs of set bits."""
    place = 0
    while bits:
        skipped = (bits & -bits).bit_length() - 1
        bits >>= skipped
        length = (~bits & (bits + 1)).bit_length() - 1
        place += skipped
        yield Span(begin + place * _MINUTE, begin + (place + length) * _MINUTE, name)
        bits >>= length
        place += length


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
    """Give the SVG and the table of a site's last days."""
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
