"""The service as a site of its own estate: its name, its schedule and its rules.

It stands in no file: the estate refuses a site of that name. Records, journal, estate, known hosts
and the signing key are backed up once a day, after the last window of the night.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from ops.clock.occurrences import next_due, occurrences_between
from ops.clock.schedule import Never, Window, parse_schedule
from ops.estate.models import Estate
from ops.estate.policies import Schedule
from ops.estate.sites import RESERVED_SITE_NAMES, Site
from ops.text import N_, _

OWN_SITE = RESERVED_SITE_NAMES[0]
_TITLE = N_("Giữ Cổng itself: catalog, journal, estate")

_NOON = 12 * 60
_DAY = 24 * 60
_AFTER_BACKUPS = 60
_WITNESS_AFTER = 30
_LATEST = _DAY - 61
_ANY_WEEK = datetime(2026, 1, 4, tzinfo=UTC)
_WEEK = timedelta(days=8)


def make_own_site(estate: Estate) -> Site:
    """Give the site, as if the estate file named it."""
    schedule = estate.defaults.schedule
    return Site.model_construct(
        name=OWN_SITE,
        title=_(_TITLE),
        unit=OWN_SITE,
        schedule=Schedule.model_construct(
            backup=own_schedule(estate),
            full_read="",
            check=schedule.check,
            forget=schedule.forget,
            archive="",
            drill="",
        ),
        targets=estate.defaults.targets,
        retention=estate.defaults.retention,
    )


def own_schedule(estate: Estate) -> str:
    """Give the cron line of the service's own backup: an hour after the night's last window."""
    return _cron(_end_of_night(estate) + _AFTER_BACKUPS)


def witness_schedule(estate: Estate) -> str:
    """Give the cron line of the witness: when the service has saved itself."""
    return _cron(_end_of_night(estate) + _AFTER_BACKUPS + _WITNESS_AFTER)


def _end_of_night(estate: Estate) -> int:
    """Give minutes after noon: a night begins at one noon and ends before the next."""
    zone = estate.zone
    ends = [end for site in estate.sites for end in _ends(site.schedule.backup, zone)]
    return min(max(ends, default=_NOON), _LATEST - _AFTER_BACKUPS)


def _ends(text: str, zone: ZoneInfo) -> Iterator[int]:
    schedule = parse_schedule(text, zone)
    if isinstance(schedule, Never):
        return
    if isinstance(schedule, Window):
        yield _after_noon(schedule.end.hour * 60 + schedule.end.minute)
        return
    found = occurrences_between(schedule, _ANY_WEEK, _ANY_WEEK + _WEEK)
    following = next_due(schedule, _ANY_WEEK)
    for due in found or (() if following is None else (following,)):
        local = due.astimezone(zone)
        yield _after_noon(local.hour * 60 + local.minute)


def _after_noon(minute_of_day: int) -> int:
    return (minute_of_day - _NOON) % _DAY


def _cron(after_noon: int) -> str:
    hour, minute = divmod((after_noon + _NOON) % _DAY, 60)
    return f"{minute} {hour} * * *"
