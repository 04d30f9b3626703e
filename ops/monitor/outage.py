"""One outage of a site, from when to when, as its minutes tell: the one measure of it.

It begins with the first minute down since the site was last up before the alert was opened, and
ends with the first minute up after the last one down before the alert was closed. So where no
minute in it was left unwatched it is as long as the minutes that are counted as down.
"""

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from ops.alerts.outbox import find_estate
from ops.monitor.availability import join_days
from ops.monitor.series.minutes import Day, midnight, read_days
from ops.monitor.series.store import SeriesError, open_existing, series_url
from ops.register.timeline import Outage

_MINUTE, _DAY = timedelta(minutes=1), timedelta(days=1)
_LOOKED_BACK = timedelta(days=31)


def find_outage(
    session: Session, site: str, opened: datetime, closed: datetime | None
) -> Outage | None:
    """Give how long a site did not answer around an alert; None where its minutes tell nothing."""
    estate = find_estate(session)
    if estate is None:
        return None
    last = (closed or datetime.now(UTC)) + _DAY
    try:
        store = open_existing(series_url(estate))
        if store is None:
            return None
        try:
            days = read_days(
                store, site, first_day_of(opened, estate.zone), last.astimezone(estate.zone).date()
            )
        finally:
            store.close()
    except SeriesError:
        return None
    return trace_outage(days, opened, closed, estate.zone)


def first_day_of(opened: datetime, zone: ZoneInfo) -> date:
    """Give the first day that is looked at for when an outage began; pure."""
    return (opened - _LOOKED_BACK).astimezone(zone).date()


def trace_outage(
    days: Mapping[date, Day], opened: datetime, closed: datetime | None, zone: ZoneInfo
) -> Outage | None:
    """Give from when a site did not answer, and from when it did again; pure.

    Args:
        days: What was seen, from `first_day_of` the alert on.
        opened: When the alert that tells of it was opened.
        closed: When it was closed; None while it is open.
        zone: Of the organisation.
    """
    first, last = first_day_of(opened, zone), max(days, default=opened.astimezone(zone).date())
    begin = midnight(first, zone)
    up, down, _unknown = join_days(days, (first, last), zone)

    def until(moment: datetime) -> int:
        return (1 << (moment - begin) // _MINUTE + 1) - 1

    last_up = (up & until(opened)).bit_length()
    earlier = (down & until(opened)) >> last_up << last_up
    if not earlier:
        return None
    began = begin + _lowest(earlier) * _MINUTE
    if closed is None:
        return began, None
    last_down = (down & until(closed)).bit_length()
    later = up >> last_down << last_down
    return began, begin + _lowest(later) * _MINUTE if later else None


def _lowest(bits: int) -> int:
    """Give the place of the lowest bit that is set."""
    return (bits & -bits).bit_length() - 1
