"""The audit of hosts and sites as a kind of job."""

from collections.abc import Iterator

from ops.estate.model.estate import Estate
from ops.estate.model.own_site import OWN_SITE
from ops.jobs.definitions import own_job
from ops.language.text import N_
from ops.schedule.kinds import JobKind
from ops.schedule.ledger.job import AUDITS, JobDefinition

AUDIT_JOB = f"{AUDITS}{OWN_SITE}"
"""The job that takes the looks that are due."""

_WHEN_PEOPLE_COME = "10 6 * * *"


def _jobs(estate: Estate) -> Iterator[JobDefinition]:
    yield own_job(estate, AUDIT.name, _WHEN_PEOPLE_COME)


AUDIT = JobKind(
    name="security-audit",
    title=N_("audit of hosts and sites"),
    run="ops.security.job:audit",
    jobs=_jobs,
)
