"""What is known of every site in every store: from the catalog, and whether folders are there."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from ops.backups.checks.kind import check_job
from ops.backups.copies.kind import copy_job
from ops.backups.copies.rule_32110 import CopyFacts, Protection
from ops.backups.copies.seen import Newest, Place, find_gone, read_counts
from ops.backups.repositories.catalog_index import read_seen
from ops.backups.run.kind import backup_job
from ops.catalog.tables.copies import StoreTrial
from ops.estate.model.estate import Estate
from ops.estate.model.sites import Site
from ops.estate.model.stores import Store

Ended = Mapping[str, tuple[str, datetime]]
"""How the newest ended run of each job ended, and when."""


def read_copies(
    session: Session,
    estate: Estate,
    ended: Ended,
    newest: Mapping[Place, Newest],
    now: datetime,
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
    checked = ended.get(check_job(site, "" if is_primary else store.name))
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
