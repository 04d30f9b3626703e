"""Which jobs an estate asks for."""

from collections.abc import Iterator
from datetime import timedelta

from ops.estate.models import Estate
from ops.estate.sites import Site
from ops.ledger.definitions import JobDefinition, RetryPolicy

_BACKUP_AGAIN = RetryPolicy(tries=3, wait=timedelta(minutes=10))
_CHECK_AGAIN = RetryPolicy(tries=2, wait=timedelta(minutes=30))
_LATE_AFTER = timedelta(hours=6)


def list_jobs(estate: Estate) -> list[JobDefinition]:
    """Give every job of every site, in the order of the estate.

    Forgetting is never tried again by itself: it deletes, so a person looks first.
    """
    return [job for site in estate.sites for job in _jobs_of(estate, site)]


def backup_job(site: str) -> str:
    """Give the name of a site's nightly backup."""
    return f"backup/{site}"


def check_job(site: str) -> str:
    """Give the name of a site's daily check."""
    return f"check/{site}"


def forget_job(site: str) -> str:
    """Give the name of a site's forgetting."""
    return f"forget/{site}"


def _jobs_of(estate: Estate, site: Site) -> Iterator[JobDefinition]:
    zone = estate.organisation.timezone
    yield JobDefinition(
        name=backup_job(site.name),
        kind="backup",
        site=site.name,
        schedule=site.schedule.backup,
        timezone=zone,
        retry=_BACKUP_AGAIN,
        late_after=_LATE_AFTER,
    )
    for database in site.databases:
        if database.schedule:
            yield JobDefinition(
                name=f"backup-database/{site.name}/{database.name}",
                kind="backup",
                site=site.name,
                schedule=database.schedule,
                timezone=zone,
                arguments={"database": database.name},
                retry=_BACKUP_AGAIN,
            )
    yield JobDefinition(
        name=f"full-read/{site.name}",
        kind="backup",
        site=site.name,
        schedule=site.schedule.full_read,
        timezone=zone,
        arguments={"full_read": True},
        retry=_BACKUP_AGAIN,
    )
    yield JobDefinition(
        name=check_job(site.name),
        kind="check",
        site=site.name,
        schedule=site.schedule.check,
        timezone=zone,
        retry=_CHECK_AGAIN,
    )
    yield JobDefinition(
        name=forget_job(site.name),
        kind="forget",
        site=site.name,
        schedule=site.schedule.forget,
        timezone=zone,
    )
