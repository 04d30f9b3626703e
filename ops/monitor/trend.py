"""The day on which a number that grows reaches its limit, from the maxima of days; pure.

The slope is the median of the slopes between all pairs of days (Theil 1950, Sen 1968): up to 29 of
100 days may be anything, so that a dump that comes and goes at night, or one bad night, turns no
line. Its range is Sen's, from the ranks of those slopes. Maxima of days, because a dump that comes
every night and goes fills the disk as well as one that stays.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from itertools import combinations
from statistics import median, quantiles
from typing import Literal

from backup.retention.policy import KeepPolicy, decide_kept

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


LEAST_BACKUP_DAYS = 14
_STEP = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Taken:
    """A snapshot, or all of one day's together.

    Attributes:
        time: When; aware.
        added: Bytes it added to the store.
    """

    time: datetime
    added: float
    id: str = ""
    hostname: str = ""
    paths: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptBytes:
    """Snapshots that the same rules decide about.

    Attributes:
        policy: The rules.
        minimum_days: Nothing younger goes.
        taken: One a day, of all sites together, any order; the first one of each site left out,
            which added all of it.
        growth: Bytes by which the sites themselves grow a day, as they come to lie in the store.
    """

    policy: KeepPolicy
    minimum_days: int
    taken: tuple[Taken, ...]
    growth: float


@dataclass(frozen=True, slots=True)
class StoreForecast:
    """When it is full, and how much of that retention takes back until then, or within a year."""

    forecast: Forecast
    let_go: float = 0.0


@dataclass(slots=True)
class _Course:
    """One course that a store may take: bytes in use above today's, week by week."""

    days: list[date] = field(default_factory=list)
    used: list[float] = field(default_factory=list)
    let_go: float = 0.0

    def reaches(self, room: float) -> date | None:
        before = 0.0
        for place, (day, used) in enumerate(zip(self.days, self.used, strict=True)):
            if used >= room:
                share = (room - before) / (used - before) if used > before else 1.0
                since = self.days[place - 1] if place else day - _STEP
                return since + (day - since) * min(max(share, 0.0), 1.0)
            before = used
        return None


def forecast_store(groups: Sequence[KeptBytes], free: float, now: datetime) -> StoreForecast:
    """Say when a store is full.

    Of what a day's backups add, one part stays for as long as the site has it: by that part the
    sites themselves grow. The other is what changed and is needed by old snapshots alone; it goes
    with them. So a young store grows fast and then slower and slower, and a straight line through
    its first weeks cries wolf. Here each coming day gets a snapshot like those of late, and the
    keep rules decide day by day which ones go.

    Args:
        groups: What lies in it.
        free: Bytes that may still be written.
        now: Aware; the organisation's zone says what today is.
    """
    today, seen = now.date(), {it.time.date() for group in groups for it in group.taken}
    if free <= 0:
        return StoreForecast(Forecast("full", days=len(seen)))
    if len(seen) < LEAST_BACKUP_DAYS:
        return StoreForecast(Forecast("too_little_data", days=len(seen)))
    likely, many, few = (_run(groups, now, share) for share in (0.5, 0.75, 0.25))
    on = likely.reaches(free)
    a_day = likely.used[0] / _STEP.days
    if on is None or on - today > FURTHEST:
        return StoreForecast(Forecast("not_filling", a_day=a_day, days=len(seen)), likely.let_go)
    first, last = many.reaches(free), few.reaches(free)
    whole = Forecast("fills", on, min(first or on, on), last, a_day, len(seen))
    return StoreForecast(whole, likely.let_go)


def _run(groups: Sequence[KeptBytes], now: datetime, share: float) -> _Course:
    """Let weeks pass; `share` says how much a day's backups add: half is the median."""
    course = _Course()
    state = [(group, list(group.taken)) for group in groups]
    sizes = [_size_of(group, share) for group in groups]
    used = 0.0
    for week in range(1, FURTHEST // _STEP + 1):
        moment = now + week * _STEP
        for (group, taken), size in zip(state, sizes, strict=True):
            used += group.growth * _STEP.days
            for ago in range(_STEP.days - 1, -1, -1):
                taken.append(Taken(moment - timedelta(days=ago), size))
                used += max(0.0, size - group.growth)
            gone = _let_go(group, taken, moment)
            used -= gone
            course.let_go += gone if week * _STEP.days <= 365 else 0.0  # noqa: PLR2004 - a year
        course.days.append(moment.date())
        course.used.append(used)
    return course


def _size_of(group: KeptBytes, share: float) -> float:
    added = [it.added for it in group.taken]
    if len(added) < 2:  # noqa: PLR2004 - quartiles need two
        return sum(added)
    lower, _middle, upper = quantiles(added, n=4, method="inclusive")
    return {0.25: lower, 0.5: median(added), 0.75: upper}[share]


def _let_go(group: KeptBytes, taken: list[Taken], now: datetime) -> float:
    """Take out what the rules let go; give the bytes that goes with it."""
    young = now - timedelta(days=group.minimum_days)
    kept = decide_kept(taken, group.policy, now=now)
    gone = [it.snapshot for it in kept if not it.keep and it.snapshot.time < young]
    goes = set(map(id, gone))
    taken[:] = [it for it in taken if id(it) not in goes]
    return sum(max(0.0, it.added - group.growth) for it in gone)
