"""After a backup, ask for each mirror and copy to be brought up to date, in the same transaction.

A copy that is made from a copy is asked for when that one is up to date.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from ops.alerts.outbox import find_estate
from ops.backups.kinds import copy_job
from ops.backups.run.full_reads import follow_with_full_reads
from ops.catalog.tables.core import Occurrence
from ops.estate.model.estate import Estate
from ops.estate.model.own_site import OWN_SITE
from ops.jobs.definitions import list_jobs
from ops.journal.journal import Origin
from ops.schedule.ledger import overview
from ops.schedule.ledger.endings import BY_CLOCK
from ops.schedule.ledger.job import LedgerEvent


def follow_backups(session: Session, events: Sequence[LedgerEvent]) -> None:
    """Ask for what follows these events. A listener of the ledger."""
    follow_with_full_reads(session, events)
    if not any(_has_news(event) for event in events):
        return
    estate = find_estate(session)
    if estate is None:
        return
    for event in filter(_has_news, events):
        origin = replace(BY_CLOCK, run=str(event.run_id or ""))
        ask_for_copies(session, estate, event.site, _jobs_after(event, estate), origin)


def _has_news(event: LedgerEvent) -> bool:
    return (
        event.occasion == "ended"
        and event.kind in {"backup", "copy"}
        and event.outcome in {"ok", "incomplete"}
        and event.site != OWN_SITE
    )


def _jobs_after(event: LedgerEvent, estate: Estate) -> list[str]:
    source = estate.primary_store.name if event.kind == "backup" else event.summary.get("store")
    return jobs_from(estate, event.site, str(source))


def jobs_from(estate: Estate, site: str, source: str) -> list[str]:
    """Name the jobs that bring up to date what is made from a store."""
    return [copy_job(site, store.name) for store in estate.stores if store.of == source]


def ask_for_copies(
    session: Session, estate: Estate, site: str, names: Iterable[str], origin: Origin
) -> list[str]:
    """Ask for runs of these jobs, as far as none waits already; gives those that were asked for.

    Args:
        session: A writing session.
        estate: As it is now.
        site: Whose.
        names: Of the jobs.
        origin: Who has caused it; journaled.
    """
    waiting = set(
        session.execute(
            select(Occurrence.job).where(
                Occurrence.site == site, Occurrence.kind == "copy", Occurrence.state == "due"
            )
        ).scalars()
    )
    wanted = [name for name in names if name not in waiting]
    jobs = {job.name: job for job in list_jobs(estate)} if wanted else {}
    for name in wanted:
        if name in jobs:
            overview.trigger(session, jobs[name], now=datetime.now(UTC), origin=origin)
    return wanted
