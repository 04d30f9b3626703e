"""See which sites are late with their backup, vanished or frozen, and tell of each once."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from ops.alerts.decisions import OpenAlert, vanished_subject
from ops.alerts.drafts import LateSite, draft_frozen, draft_late, draft_vanished, is_late
from ops.alerts.outbox import find_estate, write_all_clears, write_drafts
from ops.alerts.records import count_closed, settle_gone, take_in
from ops.backups.copies.seen import find_newer, read_newest_alone
from ops.backups.ransomware.freeze import read_freezes
from ops.catalog.open import Catalog
from ops.catalog.tables.core import Occurrence
from ops.catalog.tables.index import Snapshot, is_of_whole_site
from ops.estate.history.known_sites import Vanished
from ops.estate.history.vanished import read_vanished
from ops.estate.model.estate import Estate
from ops.estate.model.own_site import OWN_SITE


def note_late_sites(catalog: Catalog, now: datetime) -> int:
    """Write a notice for each site that is late, vanished or frozen; give how many are new.

    Alerts about sites that are so no more are closed, and whoever was told is told that, too.
    """
    with catalog.reading() as session:
        estate = find_estate(session)
        if estate is None:
            return 0
        late = find_late_sites(session, estate, now)
        missing = read_vanished(session, estate)
        frozen = read_freezes(session)
    drafts = [draft_late(it, now) for it in late]
    with catalog.writing() as session:
        closed = settle_gone(
            session, {it.site for it in late}, {it.name for it in missing}, now,
            frozen={it.site for it in frozen},
        )  # fmt: skip
        drafts += [draft_frozen(it.site, it.finding, it.as_params()) for it in frozen]
        for it in missing:
            times = count_closed(session, vanished_subject(it.name))
            drafts.append(draft_vanished(it.name, it.stores, times))
        taken = take_in(session, (), drafts, now)
        count = write_drafts(session, drafts, estate, taken=taken, now=now)
        return count + write_all_clears(session, _over(closed, estate, missing), now)


def _over(
    closed: Iterable[OpenAlert], estate: Estate, missing: Iterable[Vanished]
) -> Iterator[OpenAlert]:
    """Yield what is really over: of a site that vanished nothing has become good."""
    gone = {it.name for it in missing}
    named = {site.name for site in estate.sites}
    for alert in closed:
        if alert.site not in gone:
            retired = bool(alert.site) and alert.site not in {*named, OWN_SITE}
            yield replace(alert, params={**alert.params, "retired": retired})


def find_late_sites(session: Session, estate: Estate, now: datetime) -> list[LateSite]:
    """Give the sites whose newest backup is too old, the service itself among them.

    One without any backup is late once it was due.
    """
    newest = newest_moments(session, estate)
    late = []
    for site in (*estate.sites, estate.own_site):
        rpo = timedelta(hours=site.targets.rpo_hours)
        since = newest.get(site.name) or first_due(session, site.name)
        if since is not None and is_late(since, rpo, now):
            late.append(LateSite(site.name, newest.get(site.name), rpo))
    return late


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
        .where(Snapshot.store == store, Snapshot.hostname == Snapshot.site, is_of_whole_site())
        .group_by(Snapshot.site)
    )
    return {site: taken_at for site, taken_at in rows}  # noqa: C416 - dict() loses the types


def first_due(session: Session, site: str) -> datetime | None:
    """Give when a site was first due; None when it never was."""
    query = select(func.min(Occurrence.due_at)).where(Occurrence.job == f"backup/{site}")
    return session.execute(query).scalar_one_or_none()
