"""Forgetting as a kind of job."""

from collections.abc import Iterator

from ops.estate.model.estate import Estate
from ops.jobs.definitions import all_sites, at_store, job_of, other_stores
from ops.language.text import N_
from ops.schedule.kinds import JobKind
from ops.schedule.ledger.job import JobDefinition


def forget_job(site: str, store: str = "") -> str:
    """Give the name of a site's forgetting; `store` names one that is not the primary."""
    return at_store(f"forget/{site}", store)


def _jobs(estate: Estate) -> Iterator[JobDefinition]:
    """Give one job a site, and one more a copy; a mirror forgets what its source forgets.

    None is tried again by itself: it deletes, so a person looks first.
    """
    for site in all_sites(estate):
        forget = job_of(estate, site, FORGET.name)
        yield forget(name=forget_job(site.name), schedule=site.schedule.forget)
        for store in other_stores(estate):
            if store.role == "copy":
                yield forget(
                    name=forget_job(site.name, store.name),
                    schedule=site.schedule.forget,
                    arguments={"store": store.name},
                )


FORGET = JobKind(
    name="forget",
    title=N_("forgetting"),
    run="ops.backups.retention.job:forget_and_prune",
    jobs=_jobs,
)
