"""Backups and checks in figures: how runs ended, by site, what is kept of them, by which rule."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from datetime import datetime, timedelta

from sqlalchemy import Case, case, func, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from ops.backups.copies.rule_32110 import RulePart, judge_copies
from ops.backups.copies.seen import read_copies, read_newest
from ops.backups.media.records import copies_on_media, read_medium_facts
from ops.catalog.tables.core import Run
from ops.catalog.tables.index import Snapshot, StoreSeen, is_believed
from ops.estate.model.estate import Estate
from ops.jobs.live import last_runs
from ops.reports.figures.figure import Figure, Timespan


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """How often something that ran ended how; fields as the house's outcomes."""

    ok: int = 0
    incomplete: int = 0
    failed: int = 0
    not_checked: int = 0

    @property
    def ran(self) -> int:
        """How often it ran."""
        return self.ok + self.incomplete + self.failed + self.not_checked

    def __add__(self, other: "Tally") -> "Tally":
        """Add another."""
        names = [it.name for it in fields(self)]
        return Tally(**{name: getattr(self, name) + getattr(other, name) for name in names})


@dataclass(frozen=True, slots=True)
class RunCounts:
    """Runs of one kind.

    Attributes:
        by_site: Of each site that had any.
        by_month: In the order of the window's months.
    """

    by_site: Mapping[str, Tally]
    by_month: tuple[Tally, ...]

    @property
    def total(self) -> Tally:
        """Of everything."""
        return sum(self.by_month, Tally())


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreCounts:
    """What a store holds now.

    Attributes:
        sites, snapshots: How many sites have snapshots there, and how many these are.
        size_bytes: Of what was counted; None where nothing was.
        newest_at: When the newest was taken.
    """

    sites: int
    snapshots: int
    size_bytes: int | None
    newest_at: datetime


def count_runs(session: Session, window: Timespan, kind: str) -> Figure[RunCounts]:
    """Count the runs of a kind that began in a time and have ended."""
    months = window.months()
    month = _month_of(Run.started_at, months)
    query = (
        select(Run.site, month, Run.outcome, func.count())
        .where(Run.kind == kind, Run.outcome.is_not(None))
        .where(Run.started_at >= window.since, Run.started_at < window.until)
        .group_by(Run.site, month, Run.outcome)
    )
    return Figure(_put_together(session.execute(query), len(months)), "runs")


def _month_of(moment: InstrumentedAttribute[datetime], months: Iterable[Timespan]) -> Case[int]:
    return case(*((moment < it.until, place) for place, it in enumerate(months)), else_=-1)


def _put_together(rows: Iterable[tuple[str, int, str | None, int]], months: int) -> RunCounts:
    by_site: dict[str, Tally] = {}
    by_month = [Tally() for _number in range(months)]
    for site, place, outcome, count in rows:
        tally = Tally(**{outcome or "failed": count})
        by_site[site] = by_site.get(site, Tally()) + tally
        by_month[place] += tally
    return RunCounts(by_site, tuple(by_month))


def read_last_ok(session: Session, until: datetime) -> Figure[Mapping[str, datetime]]:
    """Give when the last good backup of each site before a moment began."""
    query = (
        select(Run.site, func.max(Run.started_at))
        .where(Run.kind == "backup", Run.outcome == "ok", Run.started_at < until)
        .group_by(Run.site)
    )
    return Figure(dict(session.execute(query).all()), "runs")


def count_stores(session: Session) -> Figure[Mapping[str, StoreCounts]]:
    """Give what each store holds now, by its name."""
    sizes = dict(
        session.execute(
            select(StoreSeen.store, func.sum(StoreSeen.size_bytes)).group_by(StoreSeen.store)
        ).all()
    )
    query = (
        select(
            Snapshot.store,
            func.count(func.distinct(Snapshot.site)),
            func.count(),
            func.max(Snapshot.taken_at),
        )
        .where(is_believed())
        .group_by(Snapshot.store)
    )
    found = {
        store: StoreCounts(
            sites=sites, snapshots=count, size_bytes=sizes.get(store), newest_at=newest
        )
        for store, sites, count, newest in session.execute(query)
    }
    return Figure(found, "snapshots")


def judge_rule(
    session: Session, estate: Estate, now: datetime
) -> Figure[Mapping[str, tuple[RulePart, ...]]]:
    """Judge the rule 3-2-1-1-0 now, as the status does: each part of it, by site."""
    ended = {job: (run.outcome, run.ended_at) for job, run in last_runs(session).items()}
    copies = read_copies(session, estate, ended, read_newest(session), now)
    media = read_medium_facts(session, estate, now)
    return Figure(
        {
            site.name: tuple(
                judge_copies(
                    (*copies[site.name], *copies_on_media(media, site.name)),
                    now=now,
                    rpo=timedelta(hours=site.targets.rpo_hours),
                    reread=timedelta(days=site.targets.reread_days),
                )
            )
            for site in estate.named_sites
        },
        "snapshots",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRow:
    """One run, for a log; fields as in `ops.catalog.tables.core.Run` and in its summary."""

    id: str
    job: str
    site: str
    started_at: datetime
    ended_at: datetime | None
    outcome: str
    snapshot: str


def list_runs(
    session: Session, window: Timespan, kind: str, site: str = ""
) -> Figure[list[RunRow]]:
    """List the runs of a kind that began in a time, oldest first."""
    columns = (
        Run.id,
        Run.job,
        Run.site,
        Run.started_at,
        Run.ended_at,
        Run.outcome,
        Run.summary["snapshot"].as_string(),
    )
    query = (
        select(*columns)
        .where(Run.kind == kind)
        .where(Run.started_at >= window.since, Run.started_at < window.until)
        .order_by(Run.started_at)
    )
    query = query.where(Run.site == site) if site else query
    rows = [
        RunRow(
            id=key.hex,
            job=job,
            site=site_,
            started_at=began,
            ended_at=ended,
            outcome=outcome or "",
            snapshot=snapshot or "",
        )
        for key, job, site_, began, ended, outcome, snapshot in session.execute(query)
    ]
    return Figure(rows, "runs")
