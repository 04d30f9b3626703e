"""Gather the figures of a year, which the year's report, a site's and the table of all share."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from ops.backups.copies.rule_32110 import RulePart
from ops.catalog.tables.register import Asset
from ops.duties.call_off import PlannedStop
from ops.estate.model.estate import Estate
from ops.estate.model.stores import Store
from ops.monitor.forecast import Outlook
from ops.monitor.series.store import SeriesStore
from ops.register.entry import Entry
from ops.register.records import Wanted, list_entries
from ops.register.summary import YearSummary, summarise
from ops.reports.figures.checked import (
    DrillRow,
    FindingCounts,
    PlaceCounts,
    Uptimes,
    count_findings,
    count_looks,
    count_open_findings,
    count_places,
    list_concluded,
    list_stops,
    look_ahead,
    measure_sites,
    sum_visits,
)
from ops.reports.figures.figure import Figure, Timespan
from ops.reports.figures.owed import Duties, count_duties
from ops.reports.figures.plans import PlanYear, read_plans
from ops.reports.figures.runs import (
    RunCounts,
    StoreCounts,
    count_runs,
    count_stores,
    judge_rule,
    read_last_ok,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteName:
    """A site as the report's day names it.

    Attributes:
        name: For life.
        dated_title: Never empty.
        unit, url, owner: Title of its unit, its address, title of who answers for it; may be empty.
        system: Title of its information system; empty for none.
        level: Of that system; None for none.
    """

    name: str
    dated_title: str
    unit: str
    url: str
    owner: str
    system: str
    level: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class YearFacts:
    """Everything that a report of some time says in figures.

    Attributes:
        window, taken_at: What it covers, and when the figures were taken.
        sites: Those that the estate names, in its order, or the one that is asked for.
        systems: Title, level and decision of each.
        stores: By name.
        titles: Of sites, also of the archive and the service itself, and of units, by name.
        machines: Host → what the register of assets calls it; those that it knows.
        places: Copy of the archive → where it stands.
        others: The rest: as the queries of `ops.reports.figures` give them.
    """

    window: Timespan
    taken_at: datetime
    sites: tuple[SiteName, ...]
    systems: tuple[tuple[str, int, str], ...]
    stores: Mapping[str, Store]
    titles: Mapping[str, str]
    machines: Mapping[str, str]
    places: Mapping[str, str]
    backups: Figure[RunCounts]
    duties: Figure[Duties]
    checks: Figure[RunCounts]
    fixity: Figure[RunCounts]
    scans: Figure[RunCounts]
    last_ok: Figure[Mapping[str, datetime]]
    kept: Figure[Mapping[str, StoreCounts]]
    rule: Figure[Mapping[str, tuple[RulePart, ...]]]
    drills: Figure[list[DrillRow]]
    drill_findings: Figure[Mapping[str, int]]
    uptimes: Figure[Uptimes]
    stops: Figure[list[PlannedStop]]
    visits: Figure[Mapping[str, tuple[int, int]]]
    outlooks: Figure[list[Outlook]]
    archive: Figure[Mapping[str, PlaceCounts]]
    findings: Figure[FindingCounts]
    looks: Figure[Mapping[str, Mapping[str, int]]]
    register: Figure[YearSummary]
    incidents: Sequence[Entry]
    plans: Figure[tuple[PlanYear, ...]]


def gather(
    session: Session,
    store: SeriesStore | None,
    estate: Estate,
    window: Timespan,
    now: datetime,
    site: str = "",
) -> YearFacts:
    """Ask every query once.

    Args:
        session: Of the catalog.
        store: What the watch has measured; None where nothing is.
        estate: Whose sites.
        window: The time.
        now: Aware.
        site: The only one that the paper is about; empty for all. What sums up counts all of them.
    """
    stops = list_stops(session, window)
    wanted = [site] if site else [it.name for it in estate.named_sites]
    names = tuple(name_site(estate, it, window) for it in wanted)
    return YearFacts(
        window=window,
        taken_at=now,
        sites=names,
        systems=tuple((it.title or it.name, it.level, it.decision) for it in estate.systems),
        stores={it.name: it for it in estate.stores},
        titles={
            **{it.name: it.title_on(window.last) for it in estate.units},
            **{it.name: it.title_on(window.last) for it in (*estate.sites, estate.own_site)},
        },
        machines=name_machines(session),
        places={it.name: it.location for it in (estate.archive.copies if estate.archive else ())},
        backups=count_runs(session, window, "backup"),
        duties=count_duties(session, estate, window, now),
        checks=count_runs(session, window, "check"),
        fixity=count_runs(session, window, "archive-check"),
        scans=count_runs(session, window, "scan"),
        last_ok=read_last_ok(session, window.until),
        kept=count_stores(session),
        rule=judge_rule(session, estate, now),
        drills=list_concluded(session, window),
        drill_findings=count_open_findings(session, window),
        uptimes=measure_sites(store, wanted, stops.value or (), window, now),
        stops=stops,
        visits=sum_visits(store, window),
        outlooks=look_ahead(store, session, estate, now),
        archive=count_places(session),
        findings=count_findings(session, window, now),
        looks=count_looks(session, window),
        register=Figure(summarise(session, window.since, window.until), "register"),
        incidents=sorted(
            list_entries(
                session, Wanted(kind="incident", since=window.since, until=window.until), limit=None
            ),
            key=lambda it: it.occurred_at,
        ),
        plans=read_plans(session, window),
    )


def name_machines(session: Session) -> dict[str, str]:
    """Give what the register of assets calls each host that is a server there."""
    query = select(Asset.host, Asset.title).where(Asset.host != "", Asset.kind == "server")
    return dict(session.execute(query).all())


def name_site(estate: Estate, name: str, window: Timespan) -> SiteName:
    """Give a site's names as they were at the end of a time."""
    site = estate.site(name)
    unit = next((it for it in estate.units if it.name == site.unit), None)
    system = next((it for it in estate.systems if it.name == site.system), None)
    people = {it.name: it.title for it in estate.people}
    return SiteName(
        name=name,
        dated_title=site.title_on(window.last) or name,
        unit=unit.title_on(window.last) if unit else "",
        url=site.url or "",
        owner=people.get(site.owner or "", ""),
        system=(system.title or system.name) if system else "",
        level=system.level if system else None,
    )
