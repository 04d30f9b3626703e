"""When a schedule is due: pure arithmetic over instants, zones with daylight saving included."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import count, takewhile
from zoneinfo import ZoneInfo

from cronsim import CronSim

from ops.language.formats import format_moment
from ops.language.text import N_, _
from ops.schedule.windows import Cron, Never, Schedule, Window

_DAY = timedelta(days=1)
_FOLD = timedelta(hours=3)
_GROWTH = 8


def occurrences_between(
    schedule: Schedule, after: datetime, until: datetime, *, limit: int | None = None
) -> tuple[datetime, ...]:
    """Give the due times in (after, until].

    Args:
        schedule: What to read.
        after: Aware; a due time exactly then is not given.
        until: Aware; a due time exactly then is given.
        limit: Give only the newest so many; keeps a minute schedule over years cheap.

    Returns:
        Aware instants in UTC, oldest first, unique, may be empty.
    """
    if limit is None:
        return _all_between(schedule, after, until)
    span = _DAY
    while (start := until - span) > after:
        found = _all_between(schedule, start, until)
        if len(found) >= limit:
            return found[-limit:]
        span *= _GROWTH
    return _all_between(schedule, after, until)[-limit:]


def next_due(schedule: Schedule, after: datetime) -> datetime | None:
    """Give the first due time after an instant, in UTC; None for a schedule that is never due."""
    return next(_iterate(schedule, after), None)


def window_end(schedule: Schedule, after: datetime) -> datetime | None:
    """Give the first end of a window after an instant, in UTC; None where there is no window."""
    if not isinstance(schedule, Window):
        return None
    first = after.astimezone(schedule.zone).date() - _DAY
    ends = (_bounds(schedule, first + timedelta(days=days))[1] for days in range(4))
    return next((end for end in ends if end > after), None)


def second_half(schedule: Schedule, after: datetime) -> datetime | None:
    """Give the first moment from an instant on that lies in the second half of a window, in UTC.

    What is due in a window starts in its first half; work that can wait has room in the second.
    None where there is no window.
    """
    if not isinstance(schedule, Window):
        return None
    first = after.astimezone(schedule.zone).date() - _DAY
    bounds = (_bounds(schedule, first + timedelta(days=days)) for days in range(4))
    halves = ((start + (end - start) / 2, end) for start, end in bounds)
    return next((max(middle, after.astimezone(UTC)) for middle, end in halves if end > after), None)


def _all_between(schedule: Schedule, after: datetime, until: datetime) -> tuple[datetime, ...]:
    return tuple(takewhile(lambda due: due <= until, _iterate(schedule, after)))


def _iterate(schedule: Schedule, after: datetime) -> Iterator[datetime]:
    match schedule:
        case Never():
            return iter(())
        case Cron():
            return _later_only(_cron_instants(schedule, after), after)
        case Window():
            return _later_only(_window_instants(schedule, after), after)


def _later_only(instants: Iterator[datetime], after: datetime) -> Iterator[datetime]:
    """Drop what is not later than the one before: two local times may be one instant."""
    newest = after
    for instant in instants:
        if instant > newest:
            newest = instant
            yield instant


def _cron_instants(schedule: Cron, after: datetime) -> Iterator[datetime]:
    # A little early, since cronsim counts local times and those near a change of clocks may fold.
    start = (after - _FOLD).astimezone(schedule.zone)
    for local in CronSim(schedule.text, start):
        yield local.astimezone(UTC).replace(microsecond=0)


def _window_instants(schedule: Window, after: datetime) -> Iterator[datetime]:
    first = after.astimezone(schedule.zone).date() - 2 * _DAY
    for days in count():
        yield _due_in_window(schedule, first + timedelta(days=days))


def _due_in_window(schedule: Window, day: date) -> datetime:
    """Give the due time in the window that begins on `day`, to the whole second.

    It lies in the first half, so that whoever comes last has half the window until its end.
    """
    start, end = _bounds(schedule, day)
    seconds = max((end - start).total_seconds(), 0.0)
    return start + timedelta(seconds=int(seconds * schedule.place / 2))


def _bounds(schedule: Window, day: date) -> tuple[datetime, datetime]:
    """Give when the window that begins on `day` begins and ends."""
    crosses_midnight = schedule.end <= schedule.start
    start = _instant(day, schedule.start.hour, schedule.start.minute, schedule.zone)
    end_day = day + _DAY if crosses_midnight else day
    return start, _instant(end_day, schedule.end.hour, schedule.end.minute, schedule.zone)


def _instant(day: date, hour: int, minute: int, zone: ZoneInfo) -> datetime:
    return datetime(day.year, day.month, day.day, hour, minute, tzinfo=zone).astimezone(UTC)


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
