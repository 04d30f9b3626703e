"""The daily signature under the journal as a kind of job."""

from collections.abc import Iterator

from ops.estate.model.estate import Estate
from ops.jobs.definitions import own_job
from ops.language.text import N_
from ops.schedule.kinds import JobKind
from ops.schedule.ledger.job import JobDefinition

_AFTER_MIDNIGHT = "5 0 * * *"


def _jobs(estate: Estate) -> Iterator[JobDefinition]:
    yield own_job(estate, JOURNAL_HEAD.name, _AFTER_MIDNIGHT)


JOURNAL_HEAD = JobKind(
    name="journal-head",
    title=N_("look at the journal"),
    run="ops.audit.job:sign_daily",
    jobs=_jobs,
)
VERIFY = JobKind(name="journal-verify", title=JOURNAL_HEAD.title)
