"""The day on which a store is full, with what retention lets go on the way; pure.

Of what a day's backups add, one part stays for as long as the site has it: by that part the sites
themselves grow. The other is what changed and is needed by old snapshots alone; it goes with them.
So a young store grows fast and then slower and slower, and a straight line through its first weeks
cries wolf. Here each coming day gets a snapshot like those of late, and the keep rules decide day
by day which ones go.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from statistics import median, quantiles

from backup.retention.policy import KeepPolicy, decide_kept
from ops.monitor.forecast.trend import FURTHEST, Forecast

LEAST_DAYS = 14
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

    Args:
        groups: What lies in it.
        free: Bytes that may still be written.
        now: Aware; the organisation's zone says what today is.
    """
    today, seen = now.date(), {it.time.date() for group in groups for it in group.taken}
    if free <= 0:
        return StoreForecast(Forecast("full", days=len(seen)))
    if len(seen) < LEAST_DAYS:
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
