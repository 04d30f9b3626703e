"""Say when a job is due next, and why just then, for people."""

from dataclasses import dataclass
from datetime import datetime

from ops.language.text import _
from ops.schedule.occurrences import next_due
from ops.schedule.windows import Cron, Never, Schedule, Window

_MOMENT = "%d/%m/%Y %H:%M:%S %z"


@dataclass(frozen=True, slots=True)
class NextDue:
    """The next due time of a schedule, and a sentence that explains it.

    Attributes:
        due_at: In UTC; None when it is never due.
        explanation: In the reader's language, local time and offset named.
    """

    due_at: datetime | None
    explanation: str


def explain_next(schedule: Schedule, now: datetime) -> NextDue:
    """Explain when a schedule is due next, seen from `now`."""
    due_at = next_due(schedule, now)
    if due_at is None or isinstance(schedule, Never):
        return NextDue(None, _("no schedule: only people start it"))
    local = due_at.astimezone(schedule.zone).strftime(_MOMENT)
    match schedule:
        case Window(start=start, end=end):
            sentence = _("{moment}: its place in the window {start}–{end}")
            filled = sentence.format(moment=local, start=f"{start:%H:%M}", end=f"{end:%H:%M}")
        case Cron(text=line):
            filled = _('{moment}: cron line "{line}"').format(moment=local, line=line)
    return NextDue(due_at, filled)
