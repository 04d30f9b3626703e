"""Forecast whatever fills or runs out: disks, inode tables, stores, certificates."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Literal

from sqlalchemy import select
from sqlalchemy.orm import Session

from backup.retention.policy import KeepPolicy
from ops.alerts.looks import Condition, State
from ops.alerts.silences import FORECAST
from ops.backups.retention.protection import list_paths, make_policy
from ops.catalog.tables.index import Snapshot, StoreSeen, is_believed
from ops.estate.model.estate import Estate
from ops.estate.model.monitor import resolve_thresholds
from ops.estate.model.sites import Site
from ops.estate.model.stores import Store
from ops.monitor.series.read import Bucket, Latest, read_latest, read_series, split_metric
from ops.monitor.series.store import SeriesStore
from ops.monitor.trend import (
    LEAST_DAYS,
    MOST_DAYS,
    Forecast,
    KeptBytes,
    Taken,
    find_slope,
    forecast_limit,
    forecast_store,
)

FULL = 100.0
Kind = Literal["disk", "inodes", "store", "certificate"]

_METRICS: Mapping[str, Kind] = {"disk_percent": "disk", "inode_percent": "inodes"}
_HOUR = timedelta(hours=1)
_SEEN_SINCE = timedelta(days=3)
_SNAPSHOTS_SINCE = timedelta(days=4_000)


@dataclass(frozen=True, slots=True)
class Outlook:
    """What is to be expected of one thing.

    Attributes:
        subject: `host:web1`, `store:near`, `site:cong`.
        kind: What of it.
        of: Which of several, as the path of a disk; empty for the only one.
        forecast: When it is at its end; None where its end is not known, as of a bucket.
        let_go: Of a store: bytes that retention takes back within a year.
    """

    subject: str
    kind: Kind
    of: str
    forecast: Forecast | None
    let_go: float = 0.0


def list_outlooks(
    store: SeriesStore, session: Session, estate: Estate, now: datetime
) -> list[Outlook]:
    """Give what is to be expected, the earliest first, then what does not fill.

    Raises:
        SeriesError: The series cannot be used.
    """
    latest = read_latest(store, now - _SEEN_SINCE)
    found = [
        *_look_at_disks(store, latest, estate, now),
        *_look_at_stores(latest, session, estate, now),
        *_look_at_certificates(latest, estate),
    ]
    return sorted(found, key=_rank)


def _rank(it: Outlook) -> tuple[bool, date, str, str]:
    on = it.forecast.on if it.forecast else None
    is_full = it.forecast is not None and it.forecast.verdict == "full"
    return (on is None and not is_full, on or date.min, it.subject, it.of)


def _look_at_disks(
    store: SeriesStore, latest: Sequence[Latest], estate: Estate, now: datetime
) -> Iterator[Outlook]:
    today = now.astimezone(estate.zone).date()
    since = now - timedelta(days=MOST_DAYS)
    for it in latest:
        name, of = split_metric(it.metric)
        if name in _METRICS:
            buckets = read_series(store, it.subject, it.metric, since, now, _HOUR)
            maxima = find_maxima(buckets, estate)
            yield Outlook(it.subject, _METRICS[name], of, forecast_limit(maxima, FULL, today))


def find_maxima(buckets: Iterable[Bucket], estate: Estate) -> dict[date, float]:
    """Give the maximum of each of the organisation's days; pure."""
    found: dict[date, float] = {}
    for it in buckets:
        day = it.at.astimezone(estate.zone).date()
        found[day] = max(found.get(day, it.maximum), it.maximum)
    return found


def _look_at_certificates(latest: Sequence[Latest], estate: Estate) -> Iterator[Outlook]:
    for it in latest:
        if it.metric == "certificate_days":
            end = (it.at + timedelta(days=it.value)).astimezone(estate.zone).date()
            known = Forecast(
                "fills" if it.value > 0 else "full",
                on=end,
                first=end,
                last=end,
                a_day=-1.0,
                level=it.value,
            )
            yield Outlook(it.subject, "certificate", "", known)


def _look_at_stores(
    latest: Sequence[Latest], session: Session, estate: Estate, now: datetime
) -> Iterator[Outlook]:
    for store in estate.stores:
        yield look_at_store(latest, session, estate, store, now)


def look_at_store(
    latest: Iterable[Latest], session: Session, estate: Estate, store: Store, now: datetime
) -> Outlook:
    """Say when one store is full; `latest` holds its newest figures, perhaps among others."""
    subject = f"store:{store.name}"
    free = [it.value for it in latest if (it.subject, it.metric) == (subject, "store_free_bytes")]
    if not free:
        return Outlook(subject, "store", "", None)
    groups = read_kept(session, estate, store, now)
    told = forecast_store(groups, free[0], now.astimezone(estate.zone))
    return Outlook(subject, "store", "", told.forecast, told.let_go)


def read_kept(session: Session, estate: Estate, store: Store, now: datetime) -> list[KeptBytes]:
    """Give what lies in a store, put together by the rules that decide about it.

    A copy that is as the primary one has its snapshots; one that nobody has listed has none. Of a
    database that is saved many times a day the day counts as one.
    """
    rows = session.execute(
        select(
            Snapshot.site,
            Snapshot.paths,
            Snapshot.taken_at,
            Snapshot.added_packed_bytes,
            Snapshot.added_bytes,
            Snapshot.processed_bytes,
        )
        .where(
            Snapshot.store == store.name,
            Snapshot.taken_at >= now - _SNAPSHOTS_SINCE,
            is_believed(now),
        )
        .order_by(Snapshot.taken_at)
    )
    sites = {it.name: it for it in (*estate.sites, estate.own_site)}
    by_rules: defaultdict[tuple[KeepPolicy, int], list[_Row]] = defaultdict(list)
    for site, paths, taken_at, packed, added, processed in rows:
        if site in sites:
            row = _Row(
                f"{site} {paths}",
                taken_at.astimezone(estate.zone),
                packed or 0,
                added or 0,
                processed or 0,
            )
            by_rules[_rules_of(estate, sites[site], store, tuple(paths))].append(row)
    return [_put_together(rules, found) for rules, found in by_rules.items()]


@dataclass(frozen=True, slots=True)
class _Row:
    group: str
    taken_at: datetime
    packed: int
    added: int
    processed: int


def _rules_of(
    estate: Estate, site: Site, store: Store, paths: tuple[str, ...]
) -> tuple[KeepPolicy, int]:
    for part in site.databases:
        if part.retention is not None and paths in list_paths(site, part):
            return make_policy(part.retention), estate.minimum_for(site, store, part)
    retention = estate.retention_for(site, store)
    return make_policy(retention), retention.minimum_days


def _put_together(rules: tuple[KeepPolicy, int], rows: Sequence[_Row]) -> KeptBytes:
    groups: defaultdict[str, list[_Row]] = defaultdict(list)
    for row in rows:
        groups[row.group].append(row)
    days: dict[date, Taken] = {}
    growth = 0.0
    for own in groups.values():
        growth += _growth_of(own)
        for row in own[1:]:
            day = row.taken_at.date()
            before = days[day].added if day in days else 0.0
            days[day] = Taken(row.taken_at, before + row.packed)
    policy, minimum_days = rules
    return KeptBytes(
        policy=policy, minimum_days=minimum_days, taken=tuple(days.values()), growth=growth
    )


def _growth_of(rows: Sequence[_Row]) -> float:
    """Give by how many bytes of the store a site itself grows a day; never less than none."""
    sizes = {row.taken_at.date(): float(row.processed) for row in rows[-MOST_DAYS:]}
    if len(sizes) < LEAST_DAYS:
        return 0.0
    added = sum(row.added for row in rows)
    ratio = sum(row.packed for row in rows) / added if added else 0.0
    return max(0.0, find_slope(sizes)[0]) * min(ratio, 1.0)


def read_store_sizes(session: Session) -> dict[tuple[str, str], int]:
    """Give the bytes of each repository as it was last listed, by store and site."""
    rows = session.execute(select(StoreSeen.store, StoreSeen.site, StoreSeen.size_bytes))
    return {(store, site): size for store, site, size in rows if size is not None}


def judge_outlooks(outlooks: Iterable[Outlook], estate: Estate, now: datetime) -> list[Condition]:
    """Give a condition for each disk, inode table and store; pure.

    Certificates are judged by the probes. What is full is told by who measures it.
    """
    today = now.astimezone(estate.zone).date()
    return [_judge(it, estate, today) for it in outlooks if it.kind != "certificate"]


def _judge(it: Outlook, estate: Estate, today: date) -> Condition:
    kind, _sign, name = it.subject.partition(":")
    limits = (
        estate.thresholds_for_host(name)
        if kind == "host"
        else resolve_thresholds(estate.monitor.thresholds)
    )
    forecast, days = it.forecast, limits["disk_days"]
    left = forecast.days_left(today) if forecast else None
    is_soon = forecast is not None and forecast.on is not None and (left or 0) <= days
    state: State = "bad" if is_soon else "good"
    if forecast is None or forecast.verdict == "too_little_data":
        state = "not_checked"
    params = {"name": name, "of": it.of, "days": left, "limit": days}
    if forecast is not None:
        ends = ("on", "first", "last")
        params |= {end: day.isoformat() if (day := getattr(forecast, end)) else "" for end in ends}
    below = it.subject if kind == "store" else f"{it.subject}/{it.kind}:{it.of}"
    return Condition(
        subject=f"{FORECAST}{below}",
        state=state,
        code=f"{it.kind}_fills" if is_soon else "",
        params=params if is_soon else {},
        parent="" if kind == "store" else below,
    )
