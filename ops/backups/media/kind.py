"""What people do with removable media, as kinds of jobs."""

from ops.language.text import N_
from ops.schedule.kinds import JobKind

EXPORT = JobKind(name="export-media", title=N_("copy on an offline medium"))
IMPORT = JobKind(name="import-media", title=N_("import from a medium"))
