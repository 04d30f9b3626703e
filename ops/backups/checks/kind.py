"""The daily check, and the look of stock restic, as kinds of jobs."""

from collections.abc import Iterator

from ops.estate.model.estate import Estate
from ops.estate.model.own_site import witness_schedule
from ops.jobs.definitions import ONCE_AGAIN, all_sites, at_store, job_of, other_stores
from ops.language.text import N_
from ops.schedule.kinds import JobKind
from ops.schedule.ledger.job import JobDefinition


def check_job(site: str, store: str = "") -> str:
    """Give the name of a site's daily check; `store` names one that is not the primary."""
    return at_store(f"check/{site}", store)


def _checks(estate: Estate) -> Iterator[JobDefinition]:
    for site in all_sites(estate):
        check = job_of(estate, site, CHECK.name)
        schedule = site.schedule.check
        yield check(name=check_job(site.name), schedule=schedule, retry=ONCE_AGAIN)
        for store in other_stores(estate):
            yield check(
                name=check_job(site.name, store.name),
                schedule=schedule,
                retry=ONCE_AGAIN,
                arguments={"store": store.name},
            )


def witness_job(site: str, store: str = "") -> str:
    """Give the name of the job in which stock restic looks at a site's backups in a store."""
    return at_store(f"witness/{site}", store)


def _looks(estate: Estate) -> Iterator[JobDefinition]:
    schedule = witness_schedule(estate)
    for site in all_sites(estate):
        look = job_of(estate, site, WITNESS.name)
        yield look(name=witness_job(site.name), schedule=schedule, retry=ONCE_AGAIN)
        for store in other_stores(estate):
            yield look(
                name=witness_job(site.name, store.name),
                schedule=schedule,
                retry=ONCE_AGAIN,
                arguments={"store": store.name},
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
