"""The day on which a number that grows reaches its limit, from the maxima of days; pure.

The slope is the median of the slopes between all pairs of days (Theil 1950, Sen 1968): up to 29 of
100 days may be anything, so that a dump that comes and goes at night, or one bad night, turns no
line. Its range is Sen's, from the ranks of those slopes. Maxima of days, because a dump that comes
every night and goes fills the disk as well as one that stays.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import combinations
from statistics import median
from typing import Literal

LEAST_DAYS = 21
MOST_DAYS = 60
FURTHEST = timedelta(days=3 * 366)
"""What lies beyond is "not filling": nobody plans a disk for it, and no line holds that long."""

_STALE = timedelta(days=3)
_LEVEL_DAYS = 10
_SURE = 1.645
"""Of the normal distribution: nine times in ten the slope lies in the range."""

Verdict = Literal["full", "fills", "not_filling", "too_little_data"]


@dataclass(frozen=True, slots=True)
class Forecast:
    """When a limit is reached.

    Attributes:
        verdict: `full`: it is reached already.
        on: The likeliest day; None unless it fills.
        first, last: The range around it; `last` is None where it may never come.
        a_day: Growth, in the number's unit; 0 where nothing is known.
        days: How many days were seen.
        level: Where the number stands by the line; None where nothing is known.
    """

    verdict: Verdict
    on: date | None = None
    first: date | None = None
    last: date | None = None
    a_day: float = 0.0
    days: int = 0
    level: float | None = None

    def days_left(self, today: date) -> int | None:
        """Give the days until the likeliest day; 0 where it is full, None where it does not fill.

        Never below 0.
        """
        if self.verdict == "full":
            return 0
        return max(0, (self.on - today).days) if self.on else None


def forecast_limit(maxima: Mapping[date, float], limit: float, today: date) -> Forecast:
    """Say when a number reaches a limit.

    Args:
        maxima: Its maximum by day; days may be missing, and today is not over.
        limit: In the same unit.
        today: The organisation's.
    """
    known = {
        day: value
        for day, value in sorted(maxima.items())[-MOST_DAYS:]
        if today - timedelta(days=2 * MOST_DAYS) <= day <= today and math.isfinite(value)
    }
    newest = max(known, default=None)
    if newest is not None and today - newest <= _STALE and known[newest] >= limit:
        return Forecast("full", days=len(known), level=known[newest])
    whole = {day: value for day, value in known.items() if day < today}
    if len(whole) < LEAST_DAYS or newest is None or today - newest > _STALE:
        return Forecast("too_little_data", days=len(whole))
    slope, low, high = find_slope(whole)
    level = _level_today(whole, slope, today)
    if low <= 0 or _days_until(limit - level, slope) > FURTHEST.days:
        return Forecast("not_filling", a_day=slope, days=len(whole), level=level)
    left, spread = limit - level, _find_spread(whole, slope)
    return Forecast(
        "fills",
        on=_day(today, left, slope),
        first=_day(today, left - spread, high),
        last=_day(today, left + spread, low),
        a_day=slope,
        days=len(whole),
        level=level,
    )


def find_slope(values: Mapping[date, float]) -> tuple[float, float, float]:
    """Give the median slope a day, and the ends of its range; at least two days are needed."""
    days = [(day.toordinal(), value) for day, value in values.items()]
    slopes = sorted(
        (later - earlier) / (on - before)
        for (before, earlier), (on, later) in combinations(days, 2)
    )
    count = len(values)
    spread = _SURE * math.sqrt(count * (count - 1) * (2 * count + 5) / 18)
    low = max(0, math.floor((len(slopes) - spread) / 2))
    high = min(len(slopes) - 1, math.ceil((len(slopes) + spread) / 2))
    return median(slopes), slopes[low], slopes[high]


def _level_today(values: Mapping[date, float], slope: float, today: date) -> float:
    """Give where the line stands today.

    The second highest of the last days says it: what came twice comes again, even where it does not
    come every night; one odd night says nothing; a disk that was cleared is believed soon.
    """
    last = list(values.items())[-_LEVEL_DAYS:]
    return sorted(value + slope * (today - day).days for day, value in last)[-2]


def _find_spread(values: Mapping[date, float], slope: float) -> float:
    """Give how far most days lie from the line: the median distance from their middle."""
    flat = [value - slope * day.toordinal() for day, value in values.items()]
    middle = median(flat)
    return median(abs(it - middle) for it in flat)


def _days_until(left: float, slope: float) -> float:
    if left <= 0:
        return 0.0
    return left / slope if slope > 0 else math.inf


def _day(today: date, left: float, slope: float) -> date | None:
    days = _days_until(left, slope)
    return today + timedelta(days=math.ceil(days)) if days <= 2 * FURTHEST.days else None
