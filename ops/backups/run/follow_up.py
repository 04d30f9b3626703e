"""What follows a backup: copies of it, and in time one that reads all again.

On its set day each month a site is read in full (`full-read/SITE`). Where that run was missed or
has failed, each nightly backup asks for it anew until one has ended well, in the transaction of
the ledger's events.

A copy that is made from a copy is asked for when that one is up to date.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Literal

from sqlalchemy import func, literal, select
from sqlalchemy.orm import Session

from ops.alerts.outbox import find_estate
from ops.backups.kinds import backup_job, copy_job, full_read_job
from ops.catalog.tables.core import Occurrence, Run
from ops.estate.model.estate import Estate
from ops.estate.model.own_site import OWN_SITE
from ops.jobs.definitions import list_jobs
from ops.journal.journal import Origin
from ops.language.text import N_
from ops.schedule.ledger import overview
from ops.schedule.ledger.endings import BY_CLOCK
from ops.schedule.ledger.job import JobDefinition, LedgerEvent, read_schedule
from ops.schedule.occurrences import occurrences_between

Method = Literal["full", "incremental"]

KEY = "method"
"""Under which a run's summary, and so its journal row, says it."""
TOLD: dict[str, str] = {"full": N_("full"), "incremental": N_("incremental")}
_LOOKED_BACK = timedelta(days=400)
_DONE = ("ok", "incomplete")


def method_of(*, full_read: bool, is_whole: bool, parent: str) -> Method:
    """Say how much a backup read; pure.

    Args:
        full_read: Whether it was to read every byte again.
        is_whole: Whether it took the whole site, not a database alone.
        parent: Id of the snapshot whose unchanged files it took over unread; empty for none.
    """
    return "full" if full_read or (is_whole and not parent) else "incremental"


def read_methods(session: Session, site: str) -> dict[str, str]:
    """Give how each snapshot of a site was made, by its id, as far as runs tell of it."""
    summaries = session.execute(
        select(Run.summary).where(Run.kind == "backup", Run.site == site, Run.outcome.in_(_DONE))
    ).scalars()
    return {str(it["snapshot"]): str(it[KEY]) for it in summaries if KEY in it}


def read_newest_full(session: Session) -> dict[str, datetime]:
    """Give when each whole site was last read in full, by its name."""
    # Runs from before the method was kept are known by their job.
    is_full_read = Run.job == literal(full_read_job("")) + Run.site
    is_full_backup = (Run.job == literal(backup_job("")) + Run.site) & (
        Run.summary[KEY].as_string() == "full"
    )
    rows = session.execute(
        select(Run.site, func.max(Run.started_at))
        .where(Run.kind == "backup", Run.outcome.in_(_DONE), is_full_read | is_full_backup)
        .group_by(Run.site)
    )
    return {site: started for site, started in rows}  # noqa: C416 - dict() loses the types


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
    names = {full_read_job(site) for site in sites}
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
