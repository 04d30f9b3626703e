"""Mirrors and copies brought up to date, as a kind of job."""

from collections.abc import Iterator
from datetime import timedelta

from ops.estate.model.estate import Estate
from ops.estate.model.own_site import witness_schedule
from ops.jobs.definitions import LATE_AFTER, job_of, other_stores
from ops.language.text import N_
from ops.schedule.kinds import JobKind
from ops.schedule.ledger.job import JobDefinition, RetryPolicy

_AGAIN = RetryPolicy(tries=4, wait=timedelta(minutes=30))


def copy_job(site: str, store: str) -> str:
    """Give the name of the job that brings a mirror or copy of a site up to date."""
    return f"copy/{site}/{store}"


def _jobs(estate: Estate) -> Iterator[JobDefinition]:
    """Give one job a site and copy.

    Each backup asks for the copying; the schedule is for those that had nobody to ask. The
    service's own backup goes into every store by itself.
    """
    for site in estate.sites:
        for store in other_stores(estate):
            yield job_of(estate, site, COPY.name)(
                name=copy_job(site.name, store.name),
                schedule=witness_schedule(estate),
                retry=_AGAIN,
                late_after=LATE_AFTER,
                arguments={"store": store.name},
            )


COPY = JobKind(
    name="copy",
    title=N_("copying"),
    run="ops.backups.copies.job:bring_up_to_date",
    jobs=_jobs,
)
