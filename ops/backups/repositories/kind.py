"""The repair of a repository as a kind of job."""

from ops.language.text import N_
from ops.schedule.kinds import JobKind

REPAIR = JobKind(name="repair", title=N_("repair of a repository"))
