"""Which jobs an estate asks for."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import partial

from ops.estate.model.estate import Estate
from ops.estate.model.own_site import OWN_SITE, witness_schedule
from ops.estate.model.sites import Site
from ops.estate.model.stores import Store
from ops.schedule.ledger.job import JobDefinition, RetryPolicy

_BACKUP_AGAIN = RetryPolicy(tries=3, wait=timedelta(minutes=10))
_CHECK_AGAIN = RetryPolicy(tries=2, wait=timedelta(minutes=30))
_COPY_AGAIN = RetryPolicy(tries=4, wait=timedelta(minutes=30))
_LATE_AFTER = timedelta(hours=6)
_AFTER_MIDNIGHT = "5 0 * * *"
_WHEN_A_DAY_BEGINS = "10 0 * * *"

PLAN_JOB = f"drill-plan/{OWN_SITE}"
"""The job that asks for the drills that are due."""


def list_jobs(estate: Estate) -> list[JobDefinition]:
    """Give every job of every site, in the order of the estate; the service's own come last.

    Forgetting is never tried again by itself: it deletes, so a person looks first.
    """
    sites, witness = (*estate.sites, estate.own_site), witness_schedule(estate)
    jobs = [job for site in sites for job in _jobs_of(estate, site, witness)]
    return [*jobs, _journal_job(estate), _plan_job(estate)]


def backup_job(site: str) -> str:
    """Give the name of a site's nightly backup."""
    return f"backup/{site}"


def check_job(site: str, store: str = "") -> str:
    """Give the name of a site's daily check; `store` names one that is not the primary."""
    return _at(f"check/{site}", store)


def copy_job(site: str, store: str) -> str:
    """Give the name of the job that brings a mirror or copy of a site up to date."""
    return f"copy/{site}/{store}"


def forget_job(site: str, store: str = "") -> str:
    """Give the name of a site's forgetting; `store` names one that is not the primary."""
    return _at(f"forget/{site}", store)


def scan_job(site: str, store: str = "") -> str:
    """Give the name of the look for malware in a site's newest copy in a store."""
    return _at(f"scan/{site}", store)


def drill_job(site: str, scope: str = "site") -> str:
    """Give the name of the drills of a whole site, or of one file of it (`file`).

    Both keep their history apart: a file that was restored well says nothing of the whole site.
    """
    return f"drill-file/{site}" if scope == "file" else f"drill/{site}"


def repair_job(site: str) -> str:
    """Give the name of a repair of a site's repository, which only people start."""
    return f"repair/{site}"


def witness_job(site: str, store: str = "") -> str:
    """Give the name of the job in which stock restic looks at a site's backups in a store."""
    return _at(f"witness/{site}", store)


def _at(job: str, store: str) -> str:
    return f"{job}/{store}" if store else job


def _journal_job(estate: Estate) -> JobDefinition:
    return JobDefinition(
        name=f"journal-head/{OWN_SITE}",
        kind="journal-head",
        site=OWN_SITE,
        schedule=_AFTER_MIDNIGHT,
        timezone=estate.organisation.timezone,
        time_limit=_limit(estate.own_site),
        retry=_CHECK_AGAIN,
    )


def _plan_job(estate: Estate) -> JobDefinition:
    return JobDefinition(
        name=PLAN_JOB,
        kind="drill-plan",
        site=OWN_SITE,
        schedule=_WHEN_A_DAY_BEGINS,
        timezone=estate.organisation.timezone,
        time_limit=_limit(estate.own_site),
        retry=_CHECK_AGAIN,
    )


def _limit(site: Site) -> timedelta:
    return timedelta(hours=site.limits.hours)


def _drill_jobs(site: Site, job: Callable[..., JobDefinition]) -> Iterator[JobDefinition]:
    """Yield a site's drills: the rotation asks for them, and its own schedule only adds.

    They run in the window of the site's backups, and end with it.
    """
    job = partial(job, kind="drill", ends_with_window=True, window=site.schedule.backup)
    yield job(
        name=drill_job(site.name),
        schedule=site.schedule.drill,
        arguments={"scope": "site"},
    )
    yield job(name=drill_job(site.name, "file"), arguments={"scope": "file"})


def _jobs_of(estate: Estate, site: Site, witness: str) -> Iterator[JobDefinition]:
    name, schedule = site.name, site.schedule
    job = partial(
        JobDefinition,
        site=name,
        timezone=estate.organisation.timezone,
        time_limit=_limit(site),
    )
    backup = partial(job, kind="backup", retry=_BACKUP_AGAIN)
    yield backup(
        name=backup_job(name),
        schedule=schedule.backup,
        late_after=_LATE_AFTER,
        ends_with_window=True,
    )
    for database in site.databases:
        if database.schedule:
            yield backup(
                name=f"backup-database/{name}/{database.name}",
                schedule=database.schedule,
                arguments={"database": database.name},
            )
    yield backup(
        name=f"full-read/{name}", schedule=schedule.full_read, arguments={"full_read": True}
    )
    yield job(name=check_job(name), kind="check", schedule=schedule.check, retry=_CHECK_AGAIN)
    yield job(name=forget_job(name), kind="forget", schedule=schedule.forget)
    yield job(name=scan_job(name), kind="scan", schedule=schedule.scan)
    yield job(name=witness_job(name), kind="witness", schedule=witness, retry=_CHECK_AGAIN)
    if name != OWN_SITE:
        yield from _drill_jobs(site, job)
    for store in estate.stores:
        if store.role != "primary":
            yield from _jobs_at(estate, site, store, witness)


def _jobs_at(estate: Estate, site: Site, store: Store, witness: str) -> Iterator[JobDefinition]:
    """Give a site's jobs about one mirror or copy.

    Each backup asks for the copying; the schedule is for those that had nobody to ask. The
    service's own backup goes into every store by itself; a mirror forgets what its source forgets.
    """
    where, schedule = (site.name, store.name), site.schedule
    job = partial(
        JobDefinition,
        site=site.name,
        timezone=estate.organisation.timezone,
        time_limit=_limit(site),
        arguments={"store": store.name},
    )
    if site.name != OWN_SITE:
        yield job(
            name=copy_job(*where),
            kind="copy",
            schedule=witness,
            retry=_COPY_AGAIN,
            late_after=_LATE_AFTER,
        )
    yield job(name=check_job(*where), kind="check", schedule=schedule.check, retry=_CHECK_AGAIN)
    if store.role == "copy":
        yield job(name=forget_job(*where), kind="forget", schedule=schedule.forget)
    yield job(name=witness_job(*where), kind="witness", schedule=witness, retry=_CHECK_AGAIN)
