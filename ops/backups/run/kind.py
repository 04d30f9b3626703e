"""The nightly backup as a kind of job."""

from collections.abc import Iterator
from datetime import timedelta

from ops.estate.model.estate import Estate
from ops.estate.model.own_site import OWN_SITE
from ops.jobs.definitions import LATE_AFTER, all_sites, job_of
from ops.language.text import N_
from ops.schedule.kinds import JobKind
from ops.schedule.ledger.job import JobDefinition, RetryPolicy

_AGAIN = RetryPolicy(tries=3, wait=timedelta(minutes=10))


def backup_job(site: str) -> str:
    """Give the name of a site's nightly backup."""
    return f"backup/{site}"


def _jobs(estate: Estate) -> Iterator[JobDefinition]:
    for site in all_sites(estate):
        backup = job_of(estate, site, BACKUP.name)
        yield backup(
            name=backup_job(site.name),
            schedule=site.schedule.backup,
            retry=_AGAIN,
            late_after=LATE_AFTER,
            ends_with_window=True,
            is_urgent=site.name == OWN_SITE,  # minutes after people have decided, amid the night
        )
        for database in site.databases:
            if database.schedule:
                yield backup(
                    name=f"backup-database/{site.name}/{database.name}",
                    schedule=database.schedule,
                    retry=_AGAIN,
                    arguments={"database": database.name},
                )
        yield backup(
            name=f"full-read/{site.name}",
            schedule=site.schedule.full_read,
            retry=_AGAIN,
            arguments={"full_read": True},
        )


BACKUP = JobKind(
    name="backup", title=N_("backup"), run="ops.backups.run.job:back_up", jobs=_jobs, is_grave=True
)
