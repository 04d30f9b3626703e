"""What is known of every site in every store: from the catalog, and whether folders are there."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from ops.backups.copies.rule_32110 import CopyFacts, Protection
from ops.backups.kinds import backup_job, check_job, copy_job, name_elsewhere
from ops.backups.repositories.catalog_index import read_seen
from ops.backups.repositories.moments import UNNAMED, database_in
from ops.backups.retention.holds import read_all_holds
from ops.catalog.tables.copies import StoreTrial
from ops.catalog.tables.core import Occurrence
from ops.catalog.tables.index import Snapshot, is_believed, is_of_whole_site
from ops.errors import SecretError
from ops.estate.model.estate import Estate
from ops.estate.model.references import reveal
from ops.estate.model.sites import Site
from ops.estate.model.stores import Store
from ops.language.text import N_, _, fill
from ops.outcomes import Explanation
from ops.schedule.ledger.overview import missed_seen_at

Place = tuple[str, str]
"""Names of a site and of a store."""


@dataclass(frozen=True, slots=True)
class Newest:
    """The newest snapshot of a whole site; fields as in `ops.catalog.tables.index.Snapshot`."""

    id: str
    taken_at: datetime
    outcome: str


class Saved(NamedTuple):
    """Up to when a site is saved: all of it, and single databases beyond that."""

    whole: datetime | None
    databases: Mapping[str, datetime]


def read_newest(session: Session) -> Mapping[Place, Newest]:
    """Give the newest snapshot of each whole site in each store."""
    newest = (
        select(Snapshot.site, Snapshot.store, func.max(Snapshot.taken_at).label("taken_at"))
        .where(is_of_whole_site(), is_believed())
        .group_by(Snapshot.site, Snapshot.store)
        .subquery()
    )
    query = (
        select(Snapshot.site, Snapshot.store, Snapshot.id, Snapshot.taken_at, Snapshot.outcome)
        .join(
            newest,
            (Snapshot.site == newest.c.site)
            & (Snapshot.store == newest.c.store)
            & (Snapshot.taken_at == newest.c.taken_at),
        )
        .where(is_of_whole_site())
    )
    return {
        (site, store): Newest(key, taken_at, outcome)
        for site, store, key, taken_at, outcome in session.execute(query)
    }


def read_newest_alone(session: Session) -> dict[Place, dict[str, datetime]]:
    """Give when each database was last saved alone, by site and store and then by its name.

    The name is `UNNAMED` where the snapshot's path does not say it.
    """
    path = Snapshot.paths[0].as_string().label("path")
    query = (
        select(Snapshot.site, Snapshot.store, path, func.max(Snapshot.taken_at))
        .where(func.json_array_length(Snapshot.paths) == 1, ~is_of_whole_site(), is_believed())
        .group_by(Snapshot.site, Snapshot.store, "path")
    )
    found: dict[Place, dict[str, datetime]] = {}
    for site, store, text, taken_at in session.execute(query):
        name = database_in((text,), site)
        if name is not None:
            found.setdefault((site, store), {})[name] = taken_at
    return found


def read_ahead(session: Session, now: datetime) -> dict[str, datetime]:
    """Give, of each site that has snapshots dated ahead of now, the latest of these moments."""
    query = select(Snapshot.site, func.max(Snapshot.taken_at)).where(~is_believed(now))
    rows = session.execute(query.group_by(Snapshot.site))
    return {site: taken_at for site, taken_at in rows}  # noqa: C416 - dict() loses the types


def find_newer(site: Site, whole: datetime | None, alone: Mapping[str, datetime]) -> Saved:
    """Give which databases were saved alone since the newest backup of the whole site; pure.

    Args:
        site: Which.
        whole: When the whole site was last saved.
        alone: When each of its databases was last saved alone.

    Returns:
        Since when nothing of the site is lost, and each newer database; a site without files is
        as new as the oldest of its databases.
    """
    named = {it.name: alone.get(it.name) for it in site.databases}
    if len(named) == 1 and UNNAMED in alone:
        (name,) = named
        named[name] = max(filter(None, (named[name], alone[UNNAMED])))
    newer = {name: at for name, at in named.items() if at is not None and (not whole or at > whole)}
    if site.files or newer.keys() != named.keys():
        return Saved(whole, newer)
    return Saved(min(newer.values(), default=whole), newer)


def read_counts(session: Session) -> Mapping[Place, int]:
    """Give how many snapshots there are of each site in each store."""
    query = select(Snapshot.site, Snapshot.store, func.count()).group_by(
        Snapshot.site, Snapshot.store
    )
    return {(site, store): count for site, store, count in session.execute(query)}


def read_missed(session: Session, since: datetime) -> dict[str, int]:
    """Give how many runs of each site were missed since then, and nobody has looked at yet."""
    missed = (Occurrence.outcome == "missed", Occurrence.due_at >= since)
    seen_at = missed_seen_at(session)
    fresh = (Occurrence.ended_at > seen_at,) if seen_at else ()
    rows = session.execute(
        select(Occurrence.site, func.count()).where(*missed, *fresh).group_by(Occurrence.site)
    )
    return {site: count for site, count in rows}  # noqa: C416 - dict() loses the types


_CONFIG = "config"  # the one file every repository has at its top; restic's format, "Repository"


def find_gone(estate: Estate, seen: Iterable[Place]) -> dict[Place, str]:
    """Give where repositories are gone that were seen in stores which are folders here.

    Args:
        estate: As it is now.
        seen: Where repositories were seen.

    Returns:
        The place in which each was, by site and store; one that may not be looked at is not gone.
    """
    folders = {it.name: _folder(it.url) for it in estate.stores}
    found = {}
    for site, store in seen:
        folder = folders.get(store)
        if folder is not None and _is_gone(folder / site):
            found[site, store] = str(folder / site)
    return found


@dataclass(frozen=True, slots=True)
class HeldGone:
    """What is held of a site that the estate no longer names, and is not where it was.

    Attributes:
        site, store: Names.
        place: Where it was.
        reference: The document that asks for the hold.
    """

    site: str
    store: str
    place: str
    reference: str


def read_held_gone(session: Session, estate: Estate) -> tuple[HeldGone, ...]:
    """Give what is held and gone of retired and vanished sites."""
    present = {it.name for it in (*estate.sites, estate.own_site)}
    held = {
        site: holds[0].reference
        for site, holds in read_all_holds(session).items()
        if site not in present
    }
    gone = find_gone(estate, [it for it in read_seen(session) if it[0] in held])
    return tuple(
        HeldGone(site, store, place, held[site]) for (site, store), place in sorted(gone.items())
    )


def explain_held_gone(gone: HeldGone) -> Explanation:
    """Say what is missing, and for whom it is to be kept."""
    params = {"store": gone.store, "place": gone.place, "reference": gone.reference}
    return Explanation(
        fill(N_("the backups in {store} are gone: {place} is not there"), params),
        fill(N_("they are held for {reference}"), params),
        _("what is to be kept for an inspection is not there"),
        fill(N_("mount the store, or put the folder back: `ls -la {place}`"), params),
    )


def _folder(url: str) -> Path | None:
    try:
        place = reveal(url)
    except SecretError:
        return None
    return Path(place) if place.startswith("/") else None


def _is_gone(place: Path) -> bool:
    try:
        return not (place / _CONFIG).is_file()
    except OSError:
        return False


Ended = Mapping[str, tuple[str, datetime]]
"""How the newest ended run of each job ended, and when."""


def read_copies(
    session: Session, estate: Estate, ended: Ended, newest: Mapping[Place, Newest], now: datetime
) -> dict[str, list[CopyFacts]]:
    """Give what is known of each store, by site, the service's own included.

    Args:
        session: Reading is enough.
        estate: As it is now.
        ended: The newest ended runs by job.
        newest: As of `read_newest`.
        now: Present moment; a trial of a store that is too old proves nothing any more.
    """
    counts = read_counts(session)
    gone = find_gone(estate, read_seen(session))
    trials = {it.store: it for it in session.execute(select(StoreTrial)).scalars()}

    def find_trial(site: Site, store: Store) -> StoreTrial | None:
        trial, longest = trials.get(store.name), timedelta(days=site.targets.reread_days)
        return trial if trial is not None and now - trial.tried_at <= longest else None

    return {
        site.name: [
            replace(
                _facts(site.name, store, newest, counts, find_trial(site, store), ended),
                gone_from=gone.get((site.name, store.name), ""),
            )
            for store in estate.stores
        ]
        for site in (*estate.sites, estate.own_site)
    }


def _facts(
    site: str,
    store: Store,
    newest: Mapping[Place, Newest],
    counts: Mapping[Place, int],
    trial: StoreTrial | None,
    ended: Ended,
) -> CopyFacts:
    is_primary = store.role == "primary"
    updated = backup_job(site) if is_primary else copy_job(site, store.name)
    checked = ended.get(check_job(site, name_elsewhere(store)))
    found = newest.get((site, store.name))
    protection: Protection = "not_checked"
    if trial is not None:
        protection = "protected" if trial.is_protected else "not_protected"
    return CopyFacts(
        store=store.name,
        role=store.role,
        location=store.location,
        medium=store.medium,
        newest_at=found.taken_at if found else None,
        snapshots=counts.get((site, store.name), 0),
        updated=ended.get(updated, ("", None))[0],
        checked_at=checked[1] if checked else None,
        checked=checked[0] if checked else "",
        protection=protection,
        protection_at=trial.tried_at if trial else None,
    )
