"""In figures: drills, the archive, security, how sites answered, stops, visits and outlooks."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import chain
from typing import Any

from sqlalchemy import func, or_, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from ops.catalog.tables.copies import ArchivePlace
from ops.catalog.tables.drills import Drill, DrillFinding
from ops.catalog.tables.security import SEVERITIES, SecurityFinding, SecurityLook
from ops.drills.minutes.minutes import read_minutes
from ops.duties.call_off import PlannedStop, find_stops
from ops.estate.model.estate import Estate
from ops.monitor.availability import Availability, count_time, sort_stops
from ops.monitor.forecast import Outlook, list_outlooks
from ops.monitor.series.minutes import read_all_days
from ops.monitor.series.store import SeriesStore, visits
from ops.reports.figures.figure import Figure, Timespan


@dataclass(frozen=True, slots=True, kw_only=True)
class DrillRow:
    """One drill that is concluded.

    Attributes:
        id, site, scope, source: As kept.
        started_at: When it began.
        outcome: How it ended.
        rto, rpo: What was reached; None where it was not measured.
        rto_target, rpo_target: What was aimed at; None where the minutes do not say.
    """

    id: str
    site: str
    scope: str
    source: str
    started_at: datetime
    outcome: str
    rto: timedelta | None
    rpo: timedelta | None
    rto_target: timedelta | None
    rpo_target: timedelta | None


def list_concluded(session: Session, window: Timespan) -> Figure[list[DrillRow]]:
    """List the drills that began in a time and are concluded, oldest first; one query."""
    query = (
        select(Drill)
        .where(Drill.outcome.is_not(None))
        .where(Drill.started_at >= window.since, Drill.started_at < window.until)
        .order_by(Drill.started_at)
    )
    return Figure([_row(it) for it in session.execute(query).scalars()], "drills")


def _row(drill: Drill) -> DrillRow:
    results = read_minutes(drill.minutes).results if drill.minutes else {}

    def span(name: str, part: str) -> timedelta | None:
        found: Any = (results.get(name) or {}).get(f"{part}_seconds")
        return None if found is None else timedelta(seconds=float(found))

    return DrillRow(
        id=drill.id.hex,
        site=drill.site,
        scope=drill.scope,
        source=drill.source,
        started_at=drill.started_at,
        outcome=str(drill.outcome),
        rto=span("rto", "reached"),
        rpo=span("rpo", "reached"),
        rto_target=span("rto", "target"),
        rpo_target=span("rpo", "target"),
    )


def count_open_findings(session: Session, window: Timespan) -> Figure[Mapping[str, int]]:
    """Count, by site, what drills have shown and no drill had shown mended at the time's end."""
    query = (
        select(DrillFinding.site, func.count())
        .where(DrillFinding.opened_at < window.until)
        .where(or_(DrillFinding.closed_at.is_(None), DrillFinding.closed_at >= window.until))
        .group_by(DrillFinding.site)
    )
    return Figure(dict(session.execute(query).all()), "drills")


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaceCounts:
    """A place of the archive now; fields as in `ops.catalog.tables.copies.ArchivePlace`."""

    objects: int
    damaged: int
    lacks: int
    checked_at: datetime | None


def count_places(session: Session) -> Figure[Mapping[str, PlaceCounts]]:
    """Give each place of the archive by name; None where there is no archive."""
    found = {
        it.name: PlaceCounts(
            objects=it.objects, damaged=len(it.damaged), lacks=it.lacks, checked_at=it.checked_at
        )
        for it in session.execute(select(ArchivePlace).order_by(ArchivePlace.name)).scalars()
    }
    return Figure(found or None, "archive")


@dataclass(frozen=True, slots=True, kw_only=True)
class FindingCounts:
    """What was found, by severity.

    Attributes:
        opened, fixed: In the time.
        open, accepted: At its end; what is accepted now is open, too.
        open_at: Of each subject, such as `site:NAME`, how many are open.
    """

    opened: Mapping[str, int]
    fixed: Mapping[str, int]
    open: Mapping[str, int]
    accepted: Mapping[str, int]
    open_at: Mapping[str, int]


def count_findings(session: Session, window: Timespan, now: datetime) -> Figure[FindingCounts]:
    """Count findings by severity; nobody knows where nobody has looked in the time."""
    row = SecurityFinding
    is_open = (
        row.first_seen_at < window.until,
        or_(row.state == "open", row.fixed_at >= window.until),
    )

    def count(column: InstrumentedAttribute[str], *conditions: Any) -> dict[str, int]:
        query = select(column, func.count()).where(*conditions).group_by(column)
        return dict(session.execute(query).all())

    def by_severity(*conditions: Any) -> dict[str, int]:
        found = count(row.severity, *conditions)
        return {it: found.get(it, 0) for it in SEVERITIES}

    if not count_looks(session, window).value:
        return Figure(None, "findings")
    return Figure(
        FindingCounts(
            opened=by_severity(row.first_seen_at >= window.since, row.first_seen_at < window.until),
            fixed=by_severity(row.fixed_at >= window.since, row.fixed_at < window.until),
            open=by_severity(*is_open),
            accepted=by_severity(*is_open, row.accepted_until > now),
            open_at=count(row.subject, *is_open),
        ),
        "findings",
    )


def count_looks(session: Session, window: Timespan) -> Figure[Mapping[str, Mapping[str, int]]]:
    """Count looks by tool and how they ended."""
    query = (
        select(SecurityLook.tool, SecurityLook.outcome, func.count())
        .where(SecurityLook.at >= window.since, SecurityLook.at < window.until)
        .group_by(SecurityLook.tool, SecurityLook.outcome)
    )
    found: dict[str, dict[str, int]] = {}
    for tool, outcome, count in session.execute(query):
        found.setdefault(tool, {})[outcome] = count
    return Figure(found, "findings")


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
        """Up, of what is known, planned stops left out; None where nothing is known."""
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
    """How long sites were there.

    Attributes:
        by_site: Of each site, one value a month of the window.
        stopped: Of each planned stop, by its code, the minutes in which its site did not answer.
    """

    by_site: Mapping[str, tuple[Uptime, ...]]
    stopped: Mapping[str, int]

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
    window: Timespan,
    now: datetime,
) -> Figure[Uptimes]:
    """Count the minutes of each site and month; nothing is known without a watch."""
    if store is None:
        return Figure(None, "samples")
    seen = read_all_days(store, sites, window.first, window.last)
    by_stop = sort_stops(stops)
    counted = {
        site: [
            count_time(site, (it.first, it.last), of, by_stop.get(site, ()), window.zone, now=now)
            for it in window.months()
        ]
        for site, of in seen.items()
    }
    stopped = Counter[str]()
    for span in chain.from_iterable(it.stops for own in counted.values() for it in own):
        stopped[span.name] += span.minutes
    by_site = {site: tuple(_sum_up(own)) for site, own in counted.items()}
    return Figure(Uptimes(by_site, stopped) if by_site else None, "samples")


def _sum_up(months: Iterable[Availability]) -> Iterator[Uptime]:
    """Yield each month; an outage that goes on from the month before is counted there alone."""
    ended = None
    for it in months:
        goes_on = bool(it.outages) and it.outages[0].since == ended
        yield Uptime(
            up=it.up,
            down=it.down,
            unknown=it.unknown,
            gap=it.gap,
            planned=it.planned,
            outages=len(it.outages) - goes_on,
        )
        ended = it.outages[-1].until if it.outages else None


def list_stops(session: Session, window: Timespan) -> Figure[list[PlannedStop]]:
    """List the planned stops that began in a time, in order; those called off left out."""
    found = [
        it for it in find_stops(session, window.zone) if window.since <= it.begins < window.until
    ]
    return Figure(sorted(found, key=lambda it: it.begins), "stops")


def sum_visits(
    store: SeriesStore | None, window: Timespan
) -> Figure[Mapping[str, tuple[int, int]]]:
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
