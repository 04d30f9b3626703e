"""What the watch has measured: how long sites were there, visits, what fills; None without one."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from ops.duties.call_off import PlannedStop, find_stops
from ops.estate.model.estate import Estate
from ops.monitor.availability import Availability, Stop, count_time
from ops.monitor.forecast.look import Outlook, list_outlooks
from ops.monitor.series.minutes import read_all_days
from ops.monitor.series.store import SeriesStore
from ops.monitor.series.tables import visits
from ops.reports.figures.figure import Figure
from ops.reports.window import Window


@dataclass(frozen=True, slots=True, kw_only=True)
class Uptime:
    """Minutes of some time, by what was known of them; as in `Availability`."""

    up: int = 0
    down: int = 0
    unknown: int = 0
    gap: int = 0
    planned: int = 0
    outages: int = 0

    @property
    def percent(self) -> float | None:
        """Up, of what is known outside of planned stops; None where nothing is known."""
        known = self.up + self.down
        return 100 * self.up / known if known else None

    def __add__(self, other: "Uptime") -> "Uptime":
        """Add another."""
        return Uptime(
            up=self.up + other.up,
            down=self.down + other.down,
            unknown=self.unknown + other.unknown,
            gap=self.gap + other.gap,
            planned=self.planned + other.planned,
            outages=self.outages + other.outages,
        )


@dataclass(frozen=True, slots=True)
class Uptimes:
    """How long sites were there: by site, each with one value a month of the window."""

    by_site: Mapping[str, tuple[Uptime, ...]]

    def of(self, site: str) -> Uptime:
        """Give that of a site over the whole time."""
        return sum(self.by_site.get(site, ()), Uptime())

    def in_month(self, place: int) -> Uptime:
        """Give that of all sites in a month."""
        return sum((it[place] for it in self.by_site.values()), Uptime())


def measure_sites(
    store: SeriesStore | None,
    sites: Sequence[str],
    stops: Iterable[PlannedStop],
    window: Window,
    now: datetime,
) -> Figure[Uptimes]:
    """Count the minutes of each site and month; nothing is known without a watch."""
    if store is None:
        return Figure(None, "samples")
    seen = read_all_days(store, sites, window.first, window.last)
    by_stop: dict[str, list[Stop]] = {}
    for it in stops:
        by_stop.setdefault(it.site, []).append(Stop(it.code, it.begins, it.until))
    months = window.months()
    found = {
        site: tuple(
            _sum_up(
                count_time(
                    site,
                    (it.first, it.last),
                    seen[site],
                    by_stop.get(site, ()),
                    window.zone,
                    now=now,
                )
            )
            for it in months
        )
        for site in sites
        if site in seen
    }
    return Figure(Uptimes(found) if found else None, "samples")


def _sum_up(found: Availability) -> Uptime:
    return Uptime(
        up=found.up,
        down=found.down,
        unknown=found.unknown,
        gap=found.gap,
        planned=found.planned,
        outages=len(found.outages),
    )


def list_stops(session: Session, window: Window) -> Figure[list[PlannedStop]]:
    """List the planned stops that began in a time, in order; those called off left out."""
    found = [
        it for it in find_stops(session, window.zone) if window.since <= it.begins < window.until
    ]
    return Figure(sorted(found, key=lambda it: it.begins), "stops")


def sum_visits(store: SeriesStore | None, window: Window) -> Figure[Mapping[str, tuple[int, int]]]:
    """Give pages shown to people by site, and on how many days any were counted."""
    if store is None:
        return Figure(None, "visits")
    query = (
        select(visits.c.site, func.sum(visits.c.people), func.count())
        .where(visits.c.day >= window.first, visits.c.day <= window.last)
        .group_by(visits.c.site)
    )
    with store.reading() as connection:
        rows = {site: (int(people), days) for site, people, days in connection.execute(query)}
    return Figure(rows or None, "visits")


def look_ahead(
    store: SeriesStore | None, session: Session, estate: Estate, now: datetime
) -> Figure[list[Outlook]]:
    """Give what fills or ends, the earliest first."""
    found = list_outlooks(store, session, estate, now) if store is not None else []
    return Figure(found or None, "outlooks")
