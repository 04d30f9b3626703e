"""Up to when each site is saved, and since when one was due."""

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from ops.backups.copies.seen import find_newer, read_newest_alone
from ops.catalog.tables.core import Occurrence
from ops.catalog.tables.index import Snapshot, is_believed, is_of_whole_site
from ops.estate.model.estate import Estate


def newest_moments(session: Session, estate: Estate) -> dict[str, datetime]:
    """Give up to when each site is saved in the primary store, as `find_newer` counts it."""
    store = estate.primary_store.name
    whole, alone = newest_snapshots(session, store), read_newest_alone(session)
    found = {}
    for site in (*estate.sites, estate.own_site):
        saved = find_newer(site, whole.get(site.name), alone.get((site.name, store), {}))
        if saved.whole is not None:
            found[site.name] = saved.whole
    return found


def newest_snapshots(session: Session, store: str) -> dict[str, datetime]:
    """Give when the newest snapshot of each whole site was taken, by name of the site."""
    rows = session.execute(
        select(Snapshot.site, func.max(Snapshot.taken_at))
        .where(
            Snapshot.store == store,
            Snapshot.hostname == Snapshot.site,
            is_of_whole_site(),
            is_believed(),
        )
        .group_by(Snapshot.site)
    )
    return {site: taken_at for site, taken_at in rows}  # noqa: C416 - dict() loses the types


def first_dues(session: Session, sites: Iterable[str]) -> dict[str, datetime]:
    """Give when these sites were first due, by name; one that never was is not among them."""
    names = {f"backup/{site}": site for site in sites}
    if not names:
        return {}
    rows = session.execute(
        select(Occurrence.job, func.min(Occurrence.due_at))
        .where(Occurrence.job.in_(names))
        .group_by(Occurrence.job)
    )
    return {names[job]: due_at for job, due_at in rows}
