"""Say when a job is due next, and why just then, for people."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from ops.language.formats import format_moment
from ops.language.text import N_, _
from ops.schedule.occurrences import next_due
from ops.schedule.windows import Cron, Never, Schedule, Window

_WEEKDAYS = (
    N_("Sunday"),
    N_("Monday"),
    N_("Tuesday"),
    N_("Wednesday"),
    N_("Thursday"),
    N_("Friday"),
    N_("Saturday"),
    N_("Sunday"),
)
"""By cron's number."""


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
    local = format_moment(due_at, schedule.zone.key)
    match schedule:
        case Window(start=start, end=end):
            sentence = _("{moment}: its place in the window {start}–{end}")
            filled = sentence.format(moment=local, start=f"{start:%H:%M}", end=f"{end:%H:%M}")
        case Cron(text=line):
            filled = f"{local}: {tell_schedule(line)}"
    return NextDue(due_at, filled)


def tell_schedule(text: str) -> str:
    """Give a schedule of the estate in words: a window, or a cron line.

    A cron line that says more than people say in a few words is given as it stands.
    """
    start, dash, end = text.partition("-")
    if ":" in text and dash:
        return _("from {start} to {end}").format(start=start.strip(), end=end.strip())
    fields = text.split()
    template, values = _choose(fields) if len(fields) == len(_FIELDS) else ("", {})
    if not template:
        return _('by the cron line "{line}"').format(line=text)
    return _(template).format(**values)


_FIELDS = ("minute", "hour", "day", "month", "weekday")


def _choose(fields: Sequence[str]) -> tuple[str, Mapping[str, object]]:
    """Give the sentence for a cron line and what fills it; an empty one where there is none."""
    minute, hour, day, month, weekday = fields
    values: dict[str, object] = {"minute": minute.zfill(2), "time": f"{hour:0>2}:{minute:0>2}"}
    fixed = tuple(it.isdecimal() for it in (minute, hour, day, weekday))
    rest = tuple(it == "*" for it in (hour, day, weekday))
    match month, fixed, rest:
        case "*", (True, True, False, False), (_, True, True):
            return N_("at {time} every day"), values
        case "*", (True, True, True, False), (_, _, True):
            return N_("at {time} on day {day} of each month"), {**values, "day": day.zfill(2)}
        case "*", (True, True, False, True), (_, True, _):
            return N_("at {time} every {weekday}"), {
                **values,
                "weekday": _(_WEEKDAYS[int(weekday)]),
            }
        case "*", (True, False, False, False), (True, True, True):
            return N_("at minute {minute} of every hour"), values
        case "*", (False, False, False, False), (True, True, True) if minute[:2] == "*/":
            return N_("every {count} minutes"), {"count": minute[2:]}
    return "", {}
