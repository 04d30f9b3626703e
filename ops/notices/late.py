"""See which sites have no backup as young as it must be, and tell of each once."""

from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from ops.alerts.keeping import settle_gone, take_in
from ops.catalog.indexes import Snapshot
from ops.catalog.opening import Catalog
from ops.catalog.records import Occurrence
from ops.estate.models import Estate
from ops.notices.drafts import LateSite, draft_late, is_late
from ops.notices.outbox import find_estate, write_drafts


def note_late_sites(catalog: Catalog, now: datetime) -> int:
    """Write a notice for each site whose newest backup is too old; give how many are new.

    Alerts about sites that are late no more are closed.
    """
    with catalog.reading() as session:
        estate = find_estate(session)
        if estate is None:
            return 0
        late = find_late_sites(session, estate, now)
    drafts = [draft_late(it, now) for it in late]
    with catalog.writing() as session:
        settle_gone(session, {it.site for it in late}, now)
        alerts = take_in(session, (), drafts, now)
        return write_drafts(session, drafts, estate, alerts=alerts, now=now)


def find_late_sites(session: Session, estate: Estate, now: datetime) -> list[LateSite]:
    """Give the sites whose newest backup is too old; one without any is late once it was due."""
    newest = newest_snapshots(session, estate.primary_store.name)
    late = []
    for site in estate.sites:
        rpo = timedelta(hours=site.targets.rpo_hours)
        since = newest.get(site.name) or first_due(session, site.name)
        if since is not None and is_late(since, rpo, now):
            late.append(LateSite(site.name, newest.get(site.name), rpo))
    return late


def newest_snapshots(session: Session, store: str) -> dict[str, datetime]:
    """Give when the newest snapshot of each whole site was taken, by name of the site."""
    rows = session.execute(
        select(Snapshot.site, Snapshot.taken_at, Snapshot.paths)
        .where(Snapshot.store == store, Snapshot.hostname == Snapshot.site)
        .order_by(Snapshot.taken_at)
    )
    return {site: taken_at for site, taken_at, paths in rows if paths == [f"/{site}"]}


def first_due(session: Session, site: str) -> datetime | None:
    """Give when a site was first due; None when it never was."""
    query = select(func.min(Occurrence.due_at)).where(Occurrence.job == f"backup/{site}")
    return session.execute(query).scalar_one_or_none()
