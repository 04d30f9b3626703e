"""When a drill of a site may run: when its backups do, and behind them; pure."""

from datetime import UTC, datetime, timedelta

from ops.clock.occurrences import next_due, second_half
from ops.clock.schedule import Cron, Schedule, Window

_AFTER_BACKUP = timedelta(hours=1)


def next_moment(schedule: Schedule, now: datetime) -> datetime:
    """Give when a site can be drilled next, in UTC to the whole second.

    Args:
        schedule: Of the site's backup. A window: its second half, when the night's backups have
            begun. A cron line: an hour after the next backup. None: now, since no time is better.
        now: Aware.
    """
    moment: datetime | None = now.astimezone(UTC)
    if isinstance(schedule, Window):
        moment = second_half(schedule, now)
    elif isinstance(schedule, Cron):
        due = next_due(schedule, now - _AFTER_BACKUP)
        moment = due and due + _AFTER_BACKUP
    return (moment or now.astimezone(UTC)).replace(microsecond=0)
