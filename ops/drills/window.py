"""When a drill of a site may run: within the window of its backups; pure."""

from datetime import UTC, datetime, timedelta

from ops.clock.occurrences import next_due
from ops.clock.schedule import Cron, Schedule, Window

_AFTER_BACKUP = timedelta(hours=1)
_DAY = timedelta(days=1)


def next_moment(schedule: Schedule, now: datetime) -> datetime:
    """Give when a site can be drilled next, in UTC to the whole second.

    Args:
        schedule: Of the site's backup. A window: now within it, else when it begins. A cron line:
            an hour after the next backup. None: now, since there is no time that is better.
        now: Aware.
    """
    moment = now.astimezone(UTC).replace(microsecond=0)
    if isinstance(schedule, Window):
        return moment if _is_within(schedule, now) else _next_start(schedule, now)
    if isinstance(schedule, Cron):
        due = next_due(schedule, now - _AFTER_BACKUP)
        return moment if due is None else max(due + _AFTER_BACKUP, moment)
    return moment


def _is_within(window: Window, now: datetime) -> bool:
    clock = now.astimezone(window.zone).time()
    if window.start < window.end:
        return window.start <= clock < window.end
    return clock >= window.start or clock < window.end


def _next_start(window: Window, now: datetime) -> datetime:
    local = now.astimezone(window.zone)
    start = datetime.combine(local.date(), window.start, window.zone)
    if start <= local:
        start = datetime.combine(local.date() + _DAY, window.start, window.zone)
    return start.astimezone(UTC)
