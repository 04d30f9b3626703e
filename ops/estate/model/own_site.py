"""The sites that are the service's own, itself and its archive, and its folders on this machine.

They stand in no file: the estate refuses sites of those names. Nobody else's files belong in the
folders (`list_own_folders`).
"""

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from ops.estate.model.estate import Estate
from ops.estate.model.sites import RESERVED_SITE_NAMES, FilesPart, Site, make_built_in
from ops.language.text import N_, _
from ops.schedule.occurrences import next_due, occurrences_between
from ops.schedule.windows import Never, Window, parse_schedule

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
    """Give the service as a site, as if the estate file named it.

    Records, journal, estate, known hosts and the signing key are backed up once a day, after the
    last window of the night.
    """
    schedule = {
        "backup": own_schedule(estate),
        "full_read": "",
        "archive": "",
        "drill": "",
        "scan": "",
    }
    return make_built_in(OWN_SITE, _(_TITLE), estate.defaults, schedule, ())


def own_schedule(estate: Estate) -> str:
    """Give the cron line of the service's own backup: an hour after the night's last window."""
    return _cron(_end_of_night(estate) + _AFTER_BACKUPS)


def witness_schedule(estate: Estate) -> str:
    """Give the cron line of the witness: when the service has saved itself."""
    return _cron(_end_of_night(estate) + _AFTER_BACKUPS + _WITNESS_AFTER)


def _end_of_night(estate: Estate) -> int:
    """Give minutes after noon: a night begins at one noon and ends before the next."""
    zone = estate.organisation.timezone
    schedules = {site.schedule.backup for site in estate.sites}
    ends = [end for text in schedules if (end := _latest_end(text, zone)) is not None]
    return min(max(ends, default=_NOON), _LATEST - _AFTER_BACKUPS)


@lru_cache(maxsize=1_000)
def _latest_end(text: str, zone_name: str) -> int | None:
    """Give how late in a night a schedule may still be due, in minutes after noon."""
    zone = ZoneInfo(zone_name)
    schedule = parse_schedule(text, zone)
    if isinstance(schedule, Never):
        return None
    if isinstance(schedule, Window):
        return _after_noon(schedule.end.hour * 60 + schedule.end.minute)
    found = occurrences_between(schedule, _ANY_WEEK, _ANY_WEEK + _WEEK)
    following = None if found else next_due(schedule, _ANY_WEEK)  # a yearly one, say
    dues = [due.astimezone(zone) for due in (*found, following) if due is not None]
    return max((_after_noon(due.hour * 60 + due.minute) for due in dues), default=None)


def _after_noon(minute_of_day: int) -> int:
    return (minute_of_day - _NOON) % _DAY


def _cron(after_noon: int) -> str:
    hour, minute = divmod((after_noon + _NOON) % _DAY, 60)
    return f"{minute} {hour} * * *"


def results_folder(estate: Estate) -> Path:
    """Give where the console keeps what its acts give, until it is fetched or an hour is over."""
    return Path(estate.service.state) / "console"


def list_own_folders(estate: Estate) -> list[Path]:
    """Give state, scratch, cache, and the stores that are folders here, as the estate has them."""
    service = estate.service
    stores = [Path(store.url) for store in estate.stores if store.url.startswith("/")]
    return [service.state, service.scratch, service.cache, *stores]


if TYPE_CHECKING:
    from ops.estate.model.estate import Estate

ARCHIVE_SITE = RESERVED_SITE_NAMES[1]
PUBLIC_PART, PRIVATE_PART = "cong-khai", "rieng"
_ARCHIVE_TITLE = N_("The archive")


def make_archive_site(estate: "Estate") -> Site:
    """Give the archive as a site, as if the estate file named it.

    Once `[archive]` is written, the roots are backed up, copied, locked, checked and held against
    3-2-1-1-0 as any site's files are.
    """
    settings = estate.archive
    if settings is None:
        raise LookupError("the estate has no archive")
    parts = ((PUBLIC_PART, settings.url), (PRIVATE_PART, settings.private))
    files = tuple(
        FilesPart.model_construct(name=name, path=str(path), kind="content") for name, path in parts
    )
    schedule = {"archive": "", "drill": "", "scan": ""}
    return make_built_in(ARCHIVE_SITE, _(_ARCHIVE_TITLE), estate.defaults, schedule, files)
