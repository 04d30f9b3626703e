"""How much of a site each backup read: all of its bytes again, or what had changed.

On its set day each month a site is read in full (`full-read/SITE`). Where that run was missed or
has failed, each nightly backup asks for it anew until one has ended well, in the transaction of
the ledger's events.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from ops.alerts.outbox import find_estate
from ops.backups.repositories.snapshots import _DONE, _LOOKED_BACK, read_newest_full
from ops.backups.run.kind import backup_job
from ops.catalog.tables.core import Occurrence
from ops.estate.model.estate import Estate
from ops.jobs.definitions import list_jobs
from ops.schedule.ledger import overview
from ops.schedule.ledger.events import BY_CLOCK
from ops.schedule.ledger.job import JobDefinition, LedgerEvent, read_schedule
from ops.schedule.occurrences import occurrences_between

_GRACE = timedelta(hours=6)
"""For so long after its due time a full read is still at work, tried again, or waits its turn."""


def find_owed(job: JobDefinition, newest: datetime | None, now: datetime) -> datetime | None:
    """Give the due time at which a site should have been read in full and was not; pure.

    Args:
        job: The site's full read.
        newest: When the site was last read in full; None for never.
        now: Present moment; what became due in the last hours is not owed yet.
    """
    until = now - _GRACE
    schedule = read_schedule(job.schedule, job.timezone, job.spread_key or job.site)
    found = occurrences_between(schedule, until - _LOOKED_BACK, until, limit=1)
    return found[-1] if found and (newest is None or newest < found[-1]) else None


def follow_with_full_reads(session: Session, events: Sequence[LedgerEvent]) -> None:
    """Ask for the full reads that are owed when a nightly backup has ended. A listener."""
    sites = {it.site for it in events if _is_nightly(it)}
    estate = find_estate(session) if sites else None
    if estate is not None:
        ask_for_full_reads(session, estate, sites, datetime.now(UTC))


def _is_nightly(event: LedgerEvent) -> bool:
    is_backup = event.occasion == "ended" and event.job == backup_job(event.site)
    return is_backup and event.outcome in _DONE


def ask_for_full_reads(
    session: Session, estate: Estate, sites: set[str], now: datetime
) -> list[str]:
    """Ask for what is owed, as far as none is under way; gives the jobs that were asked for."""
    names = {f"full-read/{site}" for site in sites}
    newest = read_newest_full(session)
    open_jobs = set(
        session.execute(
            select(Occurrence.job).where(Occurrence.job.in_(names), Occurrence.state != "ended")
        ).scalars()
    )
    asked = []
    for job in list_jobs(estate):
        if job.name not in names - open_jobs:
            continue
        owed = find_owed(job, newest.get(job.site), now)
        if owed is not None:
            origin = replace(BY_CLOCK, reason=f"full read owed since {owed.isoformat()}")
            overview.trigger(session, job, now=now, origin=origin)
            asked.append(job.name)
    return asked
