"""The verdict of each minute of a site: one row a day, one bit a minute and verdict.

A day is the organisation's: minute 0 is its midnight. Verdicts are only ever added. Of two about
one minute the graver counts: down before up before unknown. So what is written twice, or in another
order, gives the same. A minute without any was not watched: a gap.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import Literal
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, select, update

from ops.monitor.series.store import SeriesStore, days
from ops.monitor.series.write import insert_at

MinuteVerdict = Literal["up", "down", "unknown"]

_MINUTE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Day:
    """Which minutes of a day had which verdict: bit 0 is the first minute.

    Attributes:
        up, down, unknown: No minute is in two of them.
    """

    up: int = 0
    down: int = 0
    unknown: int = 0


def midnight(day: date, zone: ZoneInfo) -> datetime:
    """Give the beginning of the organisation's day, in UTC."""
    return datetime.combine(day, time(), zone).astimezone(UTC)


@lru_cache(maxsize=4096)
def minutes_of(day: date, zone: ZoneInfo) -> int:
    """Give how many minutes a day has: 1440 in Việt Nam, another number where clocks are moved."""
    return (midnight(day + timedelta(days=1), zone) - midnight(day, zone)) // _MINUTE


def place_minute(at: datetime, zone: ZoneInfo) -> tuple[date, int]:
    """Give the organisation's day of a moment, and the minute in it from 0."""
    day = at.astimezone(zone).date()
    return day, (at.astimezone(UTC) - midnight(day, zone)) // _MINUTE


def write_minutes(
    store: SeriesStore, verdicts: Iterable[tuple[str, datetime, MinuteVerdict]], zone: ZoneInfo
) -> None:
    """Add verdicts of sites about minutes; they are kept on return.

    Args:
        store: Where.
        verdicts: Site, any moment of the minute, verdict.
        zone: Of the organisation.
    """
    added: dict[tuple[str, date], dict[str, int]] = {}
    for site, at, verdict in verdicts:
        day, minute = place_minute(at, zone)
        bits = added.setdefault((site, day), {"up": 0, "down": 0, "unknown": 0})
        bits[verdict] |= 1 << minute
    with store.writing() as connection:
        for (site, day), bits in sorted(added.items()):
            _add(connection, site, day, bits)


def _add(connection: Connection, site: str, day: date, bits: Mapping[str, int]) -> None:
    key = (days.c.site == site) & (days.c.day == day)
    begun = insert_at(connection, days).on_conflict_do_nothing()
    connection.execute(begun, {"site": site, "day": day, "up": b"", "down": b"", "unknown": b""})
    row = connection.execute(select(days).where(key).with_for_update()).one()
    merged = {name: _pack(_unpack(getattr(row, name)) | new) for name, new in bits.items()}
    connection.execute(update(days).where(key).values(merged))


def _pack(bits: int) -> bytes:
    return bits.to_bytes((bits.bit_length() + 7) // 8, "little")


def _unpack(packed: bytes) -> int:
    return int.from_bytes(packed, "little")


def read_days(store: SeriesStore, site: str, first: date, last: date) -> dict[date, Day]:
    """Give the verdicts of a site by day, both ends included; days without any are left out.

    Raises:
        SeriesError: The database cannot be used.
    """
    with store.reading() as connection:
        rows = connection.execute(
            select(days).where(days.c.site == site, days.c.day >= first, days.c.day <= last)
        ).all()
    return {it.day: _read_day(it.up, it.down, it.unknown) for it in rows}


def read_all_days(
    store: SeriesStore, sites: Collection[str], first: date, last: date
) -> dict[str, dict[date, Day]]:
    """Give the verdicts of sites likewise, by name, in one query; one without any is left out.

    Raises:
        SeriesError: The database cannot be used.
    """
    query = select(days.c.site, days.c.day, days.c.up, days.c.down, days.c.unknown)
    query = query.where(days.c.day >= first, days.c.day <= last)
    if len(sites) == 1:
        query = query.where(days.c.site.in_(sites))
    found: dict[str, dict[date, Day]] = {it: {} for it in sites}
    with store.reading() as connection:
        for site, day, up, down, unknown in connection.execute(query):
            if site in found:
                found[site][day] = _read_day(up, down, unknown)
    return {site: it for site, it in found.items() if it}


@lru_cache(maxsize=256)
def _read_day(up: bytes, down: bytes, unknown: bytes) -> Day:
    return judge_day(*map(_unpack, (up, down, unknown)))


def judge_day(up: int, down: int, unknown: int) -> Day:
    """Give each minute its gravest verdict; pure."""
    return Day(up & ~down, down, unknown & ~up & ~down)
