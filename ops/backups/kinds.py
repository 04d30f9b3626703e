"""The kinds of jobs of backups: which there are for each site and store, and their names."""

from collections.abc import Callable, Collection, Iterator
from datetime import timedelta

from ops.estate.model.estate import Estate
from ops.estate.model.own_site import OWN_SITE, witness_schedule
from ops.estate.model.sites import Site
from ops.estate.model.stores import Store
from ops.jobs.definitions import LATE_AFTER, ONCE_AGAIN, all_sites, at_store, job_of, other_stores
from ops.language.text import N_
from ops.schedule.kinds import JobKind
from ops.schedule.ledger.job import JobDefinition, RetryPolicy

_BACKUP_AGAIN = RetryPolicy(tries=3, wait=timedelta(minutes=10))
_COPY_AGAIN = RetryPolicy(tries=4, wait=timedelta(minutes=30))


def backup_job(site: str) -> str:
    """Give the name of a site's nightly backup."""
    return f"backup/{site}"


def full_read_job(site: str) -> str:
    """Give the name of the backup that reads every byte of a site again."""
    return f"full-read/{site}"


def database_job(site: str, database: str) -> str:
    """Give the name of the backup of one database alone."""
    return f"backup-database/{site}/{database}"


def copy_job(site: str, store: str) -> str:
    """Give the name of the job that brings a mirror or copy of a site up to date."""
    return f"copy/{site}/{store}"


def check_job(site: str, store: str = "") -> str:
    """Give the name of a site's daily check; `store` as of `name_elsewhere`, here and below."""
    return at_store(f"check/{site}", store)


def scan_job(site: str, store: str = "") -> str:
    """Give the name of the look for malware in a site's newest copy in a store."""
    return at_store(f"scan/{site}", store)


def forget_job(site: str, store: str = "") -> str:
    """Give the name of a site's forgetting in a store."""
    return at_store(f"forget/{site}", store)


def name_elsewhere(store: Store) -> str:
    """Give a store's name for a job; empty for the primary one."""
    return "" if store.role == "primary" else store.name


def arguments_at(store: Store) -> dict[str, str]:
    """Give the arguments of a job in a store."""
    return {"store": name} if (name := name_elsewhere(store)) else {}


def _backups(estate: Estate) -> Iterator[JobDefinition]:
    for site in all_sites(estate):
        backup = job_of(estate, site, BACKUP.name)
        yield backup(
            name=backup_job(site.name),
            schedule=site.schedule.backup,
            retry=_BACKUP_AGAIN,
            late_after=LATE_AFTER,
            ends_with_window=True,
            is_urgent=site.name == OWN_SITE,  # minutes after people have decided, amid the night
        )
        for database in site.databases:
            if database.schedule:
                yield backup(
                    name=database_job(site.name, database.name),
                    schedule=database.schedule,
                    retry=_BACKUP_AGAIN,
                    arguments={"database": database.name},
                )
        yield backup(
            name=full_read_job(site.name),
            schedule=site.schedule.full_read,
            retry=_BACKUP_AGAIN,
            arguments={"full_read": True},
        )


def _copies(estate: Estate) -> Iterator[JobDefinition]:
    """Give one job a site and copy.

    Each backup asks for the copying; the schedule is for those that had nobody to ask. The
    service's own backup goes into every store by itself.
    """
    for site in estate.sites:
        for store in other_stores(estate):
            yield job_of(estate, site, COPY.name)(
                name=copy_job(site.name, store.name),
                schedule=witness_schedule(estate),
                retry=_COPY_AGAIN,
                late_after=LATE_AFTER,
                arguments={"store": store.name},
            )


def _in_stores(
    estate: Estate,
    kind: str,
    schedule: Callable[[Site], str],
    *,
    roles: Collection[str] = ("primary", "mirror", "copy"),
    retry: RetryPolicy = ONCE_AGAIN,
) -> Iterator[JobDefinition]:
    """Give one job a site in the primary store, and in each other one of these roles."""
    stores = [estate.primary_store, *other_stores(estate)]
    for site in all_sites(estate):
        for store in (it for it in stores if it.role in roles):
            yield job_of(estate, site, kind)(
                name=at_store(f"{kind}/{site.name}", name_elsewhere(store)),
                schedule=schedule(site),
                retry=retry,
                arguments=arguments_at(store),
            )


def _checks(estate: Estate) -> Iterator[JobDefinition]:
    return _in_stores(estate, CHECK.name, lambda site: site.schedule.check)


def _looks(estate: Estate) -> Iterator[JobDefinition]:
    schedule = witness_schedule(estate)
    return _in_stores(estate, WITNESS.name, lambda _site: schedule)


def _scans(estate: Estate) -> Iterator[JobDefinition]:
    for site in all_sites(estate):
        yield job_of(estate, site, SCAN.name)(name=scan_job(site.name), schedule=site.schedule.scan)


def _forgettings(estate: Estate) -> Iterator[JobDefinition]:
    """Give one job a site, and one more a copy; a mirror forgets what its source forgets.

    None is tried again by itself: it deletes, so a person looks first.
    """
    roles, never = ("primary", "copy"), RetryPolicy()
    return _in_stores(
        estate, FORGET.name, lambda site: site.schedule.forget, roles=roles, retry=never
    )


BACKUP = JobKind(
    name="backup",
    title=N_("backup"),
    run="ops.backups.run.job:back_up",
    jobs=_backups,
    is_grave=True,
)
COPY = JobKind(
    name="copy", title=N_("copying"), run="ops.backups.copies.job:bring_up_to_date", jobs=_copies
)
CHECK = JobKind(
    name="check", title=N_("check"), run="ops.backups.checks.job:check", jobs=_checks, is_grave=True
)
WITNESS = JobKind(
    name="witness",
    title=N_("look of stock restic"),
    run="ops.backups.checks.witness:bear_witness",
    jobs=_looks,
)
SCAN = JobKind(
    name="scan",
    title=N_("look for malware"),
    run="ops.backups.malware.job:scan_copy",
    jobs=_scans,
    is_grave=True,
)
FORGET = JobKind(
    name="forget",
    title=N_("forgetting"),
    run="ops.backups.retention.job:forget_and_prune",
    jobs=_forgettings,
)
EXPORT = JobKind(name="export-media", title=N_("copy on an offline medium"))
IMPORT = JobKind(name="import-media", title=N_("import from a medium"))
REPAIR = JobKind(name="repair", title=N_("repair of a repository"))
