"""Schedules: a cron line, a window of the night, or nothing; read once, then plain values.

Cron text means what Debian's cron means by it (five fields; 0 and 7 are Sunday; a time that
daylight saving leaves out runs right after the gap, one that comes twice runs the first time).
A window such as "22:00-05:00" is due once a day, at a place inside it that each site keeps for
life: the fraction is a hash of the site's name, so that adding a site moves no other.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, time
from hashlib import sha256
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

from ops.errors import WrongUseError
from ops.language.text import N_

_WINDOW = re.compile(r"([01]\d|2[0-3]):([0-5]\d)\s*[-–]\s*([01]\d|2[0-3]):([0-5]\d)")
_CRON_FIELDS = 5
_ANY_MOMENT = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Never:
    """No schedule: only people start it."""


@dataclass(frozen=True, slots=True)
class Cron:
    """A cron line.

    Attributes:
        text: Five fields.
        zone: The zone its hours are in.
    """

    text: str
    zone: ZoneInfo


@dataclass(frozen=True, slots=True)
class Window:
    """A part of each day, which may cross midnight.

    Attributes:
        start, end: Local times; the window of a day begins on that day at `start`.
        zone: The zone they are in.
        place: How far into the first half of the window this job is due, 0 ≤ place < 1.
    """

    start: time
    end: time
    zone: ZoneInfo
    place: float


Schedule = Never | Cron | Window


def parse_schedule(schedule: str, zone: ZoneInfo, *, spread_key: str = "") -> Schedule:
    """Read a schedule as the estate file writes it.

    Args:
        schedule: A cron line, `HH:MM-HH:MM`, or nothing.
        zone: The organisation's time zone.
        spread_key: What the place in a window is derived from; the site's name as a rule.

    Raises:
        WrongUseError: It is neither of these, or a window without length.
    """
    stripped = schedule.strip()
    if not stripped:
        return Never()
    if found := _WINDOW.fullmatch(stripped):
        hour, minute, end_hour, end_minute = (int(digits) for digits in found.groups())
        start, end = time(hour, minute), time(end_hour, end_minute)
        if start == end:
            raise _unreadable(stripped, N_("the window begins and ends at the same time"))
        return Window(start, end, zone, spread_place(spread_key))
    return Cron(_checked_cron(stripped), zone)


def spread_place(spread_key: str) -> float:
    """Give the place of a name inside any window: a fraction that depends on nothing else."""
    return int.from_bytes(sha256(spread_key.encode()).digest()[:6]) / (1 << 48)


def _checked_cron(line: str) -> str:
    if len(line.split()) != _CRON_FIELDS:
        raise _unreadable(line, N_("a cron line has five fields: minute hour day month weekday"))
    try:
        next(CronSim(line, _ANY_MOMENT))
    except CronSimError as error:
        raise _unreadable(line, N_("the cron reader says: {detail}"), str(error)) from error
    except StopIteration as error:
        raise _unreadable(line, N_("no such day comes within fifty years")) from error
    return line


def _unreadable(schedule: str, reason: str, detail: str = "") -> WrongUseError:
    return WrongUseError(
        'the schedule "{schedule}" cannot be read',
        why=reason,
        next_step='write a window such as "22:00-05:00" or a cron line such as "0 1 * * *"',
        schedule=schedule,
        detail=detail,
    )
