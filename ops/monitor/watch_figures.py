"""Backups, drills and the archive as figures: the same facts as `giucong` shows, over time.

Ages are seconds at the moment of the look; what never was has no figure, and is told elsewhere.
"""

import logging
import shutil
import threading
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import func, select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from backup.stores.kinds import is_remote
from ops.alerts.looks import Condition
from ops.alerts.overview import list_alerts
from ops.alerts.silences import FORECAST
from ops.alerts.watch import take_look
from ops.backups.checks.packs import DAMAGED_AT
from ops.backups.copies.seen import find_newer, read_newest, read_newest_alone
from ops.backups.run.follow_up import read_newest_full
from ops.catalog.open import Catalog
from ops.catalog.tables.copies import ArchivePlace, PackReading
from ops.catalog.tables.drills import Drill
from ops.errors import OpsError, SecretError
from ops.estate.model.estate import Estate
from ops.estate.model.references import resolve
from ops.estate.model.stores import Store
from ops.language.text import N_
from ops.monitor.forecast import Outlook, judge_outlooks, list_outlooks, read_store_sizes
from ops.monitor.metrics import MetricsServer, read_fresh
from ops.monitor.series.read import Point
from ops.monitor.series.store import SeriesError, SeriesStore, open_series
from ops.monitor.series.write import write_points
from ops.monitor.visits import count_visits
from ops.outcomes import Explanation

SERVICE = "service:giucong"
Figure = tuple[str, str, float]
"""Subject, metric, value."""

_ROOM_SECONDS = 5.0


def list_figures(session: Session, estate: Estate, now: datetime) -> list[Figure]:
    """Give every figure of now.

    Args:
        session: Of the catalog; reading is enough.
        estate: As it is now; what it names no more has no figure.
        now: Aware.
    """
    return [
        *_list_copies(session, estate, now),
        *_list_readings(session, estate, now),
        *_list_drills(session, estate, now),
        *_list_archive(session, now),
        *_list_stores(session, estate),
        *_list_alerts(session),
    ]


def _list_copies(session: Session, estate: Estate, now: datetime) -> Iterator[Figure]:
    newest, alone = read_newest(session), read_newest_alone(session)
    full = read_newest_full(session)
    for site in (*estate.sites, estate.own_site):
        subject = f"site:{site.name}"
        yield subject, "backup_rpo_seconds", site.targets.rpo_hours * 3_600.0
        for store in estate.stores:
            place = (site.name, store.name)
            found = newest.get(place)
            saved = find_newer(site, found.taken_at if found else None, alone.get(place, {}))
            if saved.whole is not None:
                yield subject, f"backup_age_seconds[{store.name}]", _age(now, saved.whole)
        if site.name in full:
            yield subject, "full_read_age_seconds", _age(now, full[site.name])


def _age(now: datetime, then: datetime) -> float:
    return max(0.0, (now - then).total_seconds())


def _list_readings(session: Session, estate: Estate, now: datetime) -> Iterator[Figure]:
    """Yield since when the byte of each copy that waits longest was not read back.

    A pack that is known to be damaged has an alert of its own; its date would say 1970.
    """
    rows = session.execute(
        select(PackReading.site, PackReading.store, func.min(PackReading.read_at))
        .where(PackReading.read_at > DAMAGED_AT)
        .group_by(PackReading.site, PackReading.store)
    )
    sites = {it.name for it in (*estate.sites, estate.own_site)}
    stores = {it.name for it in estate.stores}
    for site, store, oldest in rows:
        if site in sites and store in stores:
            yield f"site:{site}", f"oldest_byte_age_seconds[{store}]", _age(now, oldest)


def _list_drills(session: Session, estate: Estate, now: datetime) -> Iterator[Figure]:
    rows = session.execute(
        select(Drill.site, func.max(Drill.ended_at))
        .where(Drill.outcome == "ok")
        .group_by(Drill.site)
    )
    sites = {it.name for it in (*estate.sites, estate.own_site)}
    for site, ended in rows:
        if site in sites and ended is not None:
            yield f"site:{site}", "drill_age_seconds", _age(now, ended)


def _list_archive(session: Session, now: datetime) -> Iterator[Figure]:
    for place in session.execute(select(ArchivePlace)).scalars():
        subject = f"archive:{place.name}"
        yield subject, "archive_objects", float(place.objects)
        yield subject, "archive_damaged_objects", float(len(place.damaged))
        if place.objects:
            yield subject, "oldest_byte_age_seconds", _age(now, place.oldest_at)


def _list_stores(session: Session, estate: Estate) -> Iterator[Figure]:
    sizes = read_store_sizes(session)
    for store in estate.stores:
        own = {site: size for (name, site), size in sizes.items() if name == store.name}
        if own:
            yield f"store:{store.name}", "store_used_bytes", float(sum(own.values()))
        for site, size in own.items():
            yield f"site:{site}", f"stored_bytes[{store.name}]", float(size)
        free = ask_room(store)
        if free is not None:
            yield f"store:{store.name}", "store_free_bytes", float(free)


def ask_room(store: Store) -> int | None:
    """Give the bytes that may still be written to a store that is a folder here.

    None where it is none, is not there, or does not answer in time: a share whose server is gone
    holds up the thread that asks it, and nobody else.
    """
    if is_remote(store.url):
        return None
    found: list[int] = []

    def ask() -> None:
        try:
            found.append(shutil.disk_usage(Path(store.url.removeprefix("local:"))).free)
        except OSError:
            return

    name = f"room-{store.name}"
    if any(it.name == name for it in threading.enumerate()):
        return None  # the last one still waits for an answer
    thread = threading.Thread(target=ask, name=name, daemon=True)
    thread.start()
    thread.join(_ROOM_SECONDS)
    return found[0] if found else None


def _list_alerts(session: Session) -> Iterator[Figure]:
    counts = dict.fromkeys(("info", "warning", "critical"), 0)
    for alert in list_alerts(session):
        counts[alert.severity] = counts.get(alert.severity, 0) + 1
    for severity, count in counts.items():
        yield SERVICE, f"open_alerts[{severity}]", float(count)


log = logging.getLogger(__name__)

SERIES = "watch:series"


@dataclass(slots=True)
class FindingKeeper:
    """Where what was found goes; methods may be called from several threads.

    Catalog and series do not wait for each other: a series that cannot be written is one more thing
    that is red.

    Attributes:
        catalog: Of its own.
        url: Of the series, secrets resolved.
    """

    catalog: Catalog
    url: str
    _trouble: str = field(init=False, default="")
    _store: SeriesStore | None = field(init=False, default=None)
    _lock: threading.Lock = field(init=False, default_factory=threading.Lock)

    def keep_conditions(
        self, conditions: Iterable[Condition], roots: Collection[str], at: datetime, every: float
    ) -> None:
        """Give conditions to the alerts.

        Args:
            conditions: Everything that was seen.
            roots: What the look covers.
            at: When it began; UTC.
            every: Seconds between such looks.
        """
        with self.catalog.writing() as session:
            pause = timedelta(seconds=every)
            take_look(session, conditions, at, looked_at=roots, every=pause)

    def keep_points(self, points: Iterable[tuple[str, str, float]], at: datetime) -> None:
        """Keep figures of one moment: subject, metric, value."""
        made = [Point(subject, metric, at, value) for subject, metric, value in points]
        self.in_series(lambda store: _write(store, made))

    def in_series(self, work: Callable[[SeriesStore], object]) -> None:
        """Do something with the series; where they cannot be used, note why and go on."""
        try:
            work(self.store())
        except SeriesError as error:
            self._trouble = str(error)
            log.warning("series-unusable", extra={"fields": {"error": self._trouble}})

    def tell_of_series(self, at: datetime, every: float) -> None:
        """Give to the alerts whether the series could be used since this was last told."""
        reason, self._trouble = self._trouble, ""
        condition = Condition(
            subject=SERIES,
            state="bad" if reason else "good",
            code="series_unusable" if reason else "",
            params={"reason": reason} if reason else {},
            holds_for=timedelta(minutes=2),
        )
        self.keep_conditions([condition], [SERIES], at, every)

    def close(self) -> None:
        """Close both."""
        if self._store is not None:
            self._store.close()
        self.catalog.close()

    def store(self) -> SeriesStore:
        """Give the series, opened on first use.

        Raises:
            SeriesError: They cannot be used.
        """
        with self._lock:
            if self._store is None:
                self._store = open_series(self.url)
            return self._store


def _write(store: SeriesStore, points: list[Point]) -> None:
    refused = write_points(store, points, datetime.now(UTC))
    if refused:
        whys = sorted({it.why for it in refused})
        fields = {"count": len(refused), "why": ",".join(whys)}
        log.warning("figures-refused", extra={"fields": fields})


FIGURES_SECONDS = 300.0
FORECAST_SECONDS = 3_600.0
METRICS = "watch:metrics"


def keep_figures(estate: Estate, keeper: FindingKeeper) -> None:
    """Keep how old backups, drills and readings are, how full stores are, and new visits."""
    now = datetime.now(UTC)
    with keeper.catalog.reading() as session:
        figures = list_figures(session, estate, now)
    keeper.keep_points(figures, now)
    keeper.in_series(lambda store: count_visits(store, estate, now))


def keep_forecasts(estate: Estate, keeper: FindingKeeper) -> None:
    """Give to the alerts what is full soon; without the series nothing is said."""
    now = datetime.now(UTC)
    found: list[list[Outlook]] = []

    def look(store: SeriesStore) -> None:
        with keeper.catalog.reading() as session:
            found.append(list_outlooks(store, session, estate, now))

    keeper.in_series(look)
    for outlooks in found:
        conditions = judge_outlooks(outlooks, estate, now)
        keeper.keep_conditions(conditions, [FORECAST], now, FORECAST_SECONDS)


def give_metrics(estate: Estate, keeper: FindingKeeper) -> MetricsServer | None:
    """Begin to give figures out where the estate says so; None where it does not or cannot."""
    monitor, server, code, reason = estate.monitor, None, "", ""
    listen, token = monitor.metrics, monitor.metrics_token
    if listen is not None and token is None:
        code = "metrics_without_token"
    elif listen is not None and token is not None:
        try:
            server = MetricsServer(listen, lambda: read_fresh(keeper.store()), resolve(token))
        except SecretError:
            code = "metrics_without_token"
        except OSError as error:
            code, reason = "metrics_not_given", error.strerror or type(error).__name__
    if code:
        log.warning(code.replace("_", "-"), extra={"fields": {"error": reason}})
    condition = Condition(
        subject=METRICS,
        state="bad" if code else "good",
        code=code,
        params={"listen": listen, "reason": reason} if code else {},
    )
    try:
        keeper.keep_conditions([condition], [METRICS], datetime.now(UTC), FORECAST_SECONDS)
    except (DBAPIError, OpsError) as error:  # the watch begins all the same
        log.warning("metrics-not-told", extra={"fields": {"error": type(error).__name__}})
    return server


EXPLANATIONS: Mapping[str, Explanation] = {
    "metrics_not_given": Explanation(
        N_("figures are not given out at {listen}: {reason}"),
        N_("another program listens there, or the address is not this machine's"),
        N_("the watch itself goes on"),
        N_("choose another port in `[monitor] metrics`, then `systemctl restart giucong`"),
    ),
    "metrics_without_token": Explanation(
        N_("figures are not given out at {listen}: there is no token that readers show"),
        N_("every account of this machine reaches that address"),
        N_("the watch itself goes on"),
        N_("`{program} estate.check` says what to add; then `systemctl restart giucong`"),
    ),
}
