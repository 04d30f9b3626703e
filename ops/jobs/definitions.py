"""Which jobs an estate asks for; each room says so of its own kinds."""

from collections.abc import Iterator
from datetime import timedelta
from functools import partial

from ops.estate.model.estate import Estate
from ops.estate.model.own_site import OWN_SITE
from ops.estate.model.sites import Site
from ops.estate.model.stores import Store
from ops.schedule.kinds import JOB_KINDS
from ops.schedule.ledger.job import JobDefinition, RetryPolicy

ONCE_AGAIN = RetryPolicy(tries=2, wait=timedelta(minutes=30))
LATE_AFTER = timedelta(hours=6)


def list_jobs(estate: Estate) -> list[JobDefinition]:
    """Give every job of every site, in the order of the estate; the service's own come last."""
    order = {site.name: number for number, site in enumerate(all_sites(estate))}
    jobs = [job for kind in JOB_KINDS.parts() for job in kind.jobs(estate)]
    return sorted(jobs, key=lambda job: order[job.site])


def all_sites(estate: Estate) -> tuple[Site, ...]:
    """Give the sites in their order, the service's own at the end."""
    return (*estate.sites, estate.own_site)


def other_stores(estate: Estate) -> Iterator[Store]:
    """Yield the mirrors and copies."""
    return (store for store in estate.stores if store.role != "primary")


def job_of(estate: Estate, site: Site, kind: str) -> "partial[JobDefinition]":
    """Give what makes a job of a site; its name and schedule are still to be said."""
    return partial(
        JobDefinition,
        site=site.name,
        kind=kind,
        timezone=estate.organisation.timezone,
        time_limit=timedelta(hours=site.limits.hours),
    )


def own_job(estate: Estate, kind: str, schedule: str) -> JobDefinition:
    """Give the one job of a kind that is about the service itself."""
    job = job_of(estate, estate.own_site, kind)
    return job(name=f"{kind}/{OWN_SITE}", schedule=schedule, retry=ONCE_AGAIN)


def at_store(job: str, store: str) -> str:
    """Give a job's name at a store; none is named where it is the primary."""
    return f"{job}/{store}" if store else job
