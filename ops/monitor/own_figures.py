"""Backups, drills and the archive as figures: the same facts as `giucong` shows, over time.

Ages are seconds at the moment of the look; what never was has no figure, and is told elsewhere.
"""

import shutil
import threading
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from backup.stores.kinds import is_remote
from ops.alerts.overview import list_alerts
from ops.backups.checks.packs_read import DAMAGED_AT
from ops.backups.copies.seen import find_newer, read_newest, read_newest_alone
from ops.backups.run.full_reads import read_newest_full
from ops.catalog.tables.copies import ArchivePlace, PackReading
from ops.catalog.tables.drills import Drill
from ops.estate.model.estate import Estate
from ops.estate.model.stores import Store
from ops.monitor.forecast.look import read_store_sizes

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


def ask_room(store: Store, seconds: float = _ROOM_SECONDS) -> int | None:
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
    thread.join(seconds)
    return found[0] if found else None


def _list_alerts(session: Session) -> Iterator[Figure]:
    counts = dict.fromkeys(("info", "warning", "critical"), 0)
    for alert in list_alerts(session):
        counts[alert.severity] = counts.get(alert.severity, 0) + 1
    for severity, count in counts.items():
        yield SERVICE, f"open_alerts[{severity}]", float(count)
