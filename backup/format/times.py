"""Times as the repository format writes them: RFC 3339 with up to nine digits, as Go formats them.

Trailing zeros of the fraction are left out, UTC is ``Z``. A year before 0 becomes 0 and one after
9999 becomes 9999, month and day kept, as restic does it.
Node times are written in UTC, so that an unchanged folder gives the same tree in every zone.
"""

import re
from datetime import UTC, date, datetime, timedelta, timezone
from functools import lru_cache

from backup.errors import UnsupportedFormatError

_SECONDS_A_DAY = 86_400
_NS = 1_000_000_000
_EPOCH_ORDINAL = date(1970, 1, 1).toordinal()
_FIRST_DAY = -719_162  # 0001-01-01, the first day Python's calendar knows
_LAST_DAY = 2_932_896  # 9999-12-31
_DAYS_IN_400_YEARS = 146_097  # after which the calendar repeats itself
_LEAP_DAY = "02-29"
_RFC3339 = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d)",
    re.ASCII,
)


_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 -- UTC by agreement, for times that say Z
_MOST_DIGITS = 9
_SECONDS_TEXT = len("2026-11-24T01:03:00")


@lru_cache(maxsize=4096)
def _day_text(day: int) -> str:
    if _FIRST_DAY <= day <= _LAST_DAY:
        return date.fromordinal(_EPOCH_ORDINAL + day).isoformat()
    month_and_day = date.fromordinal((day - _FIRST_DAY) % _DAYS_IN_400_YEARS + 1).isoformat()[5:]
    if day < _FIRST_DAY:
        return f"0000-{month_and_day}"
    return f"9999-{'03-01' if month_and_day == _LEAP_DAY else month_and_day}"


@lru_cache(maxsize=16_384)  # nearly two years; times of files rarely share more than the hour
def _hour_text(hour: int) -> str:
    day, hour_of_day = divmod(hour, 24)
    return f"{_day_text(day)}T{hour_of_day:02}"


_WITHIN_HOUR = tuple(f":{minute:02}:{second:02}" for minute in range(60) for second in range(60))


def format_nanoseconds(nanoseconds: int) -> str:
    """Write nanoseconds since the epoch as UTC, e.g. ``2026-11-24T01:03:00.25Z``."""
    seconds, fraction = divmod(nanoseconds, _NS)
    hour, rest = divmod(seconds, 3600)
    if fraction % 10:
        return f"{_hour_text(hour)}{_WITHIN_HOUR[rest]}.{fraction:09}Z"
    text = f"{_hour_text(hour)}{_WITHIN_HOUR[rest]}"
    return text + (f".{fraction:09}".rstrip("0") if fraction else "") + "Z"


def parse_nanoseconds(text: str) -> int:
    """Read an RFC 3339 time as nanoseconds since the epoch.

    Raises:
        UnsupportedFormatError: The text is not such a time.
    """
    quick = _parse_usual(text)
    if quick is not None:
        return quick
    when, fraction = _split(text)
    delta = when - datetime(1970, 1, 1, tzinfo=UTC)
    days = delta.days
    if text.startswith("0000"):
        days -= _DAYS_IN_400_YEARS
    return (days * _SECONDS_A_DAY + delta.seconds) * _NS + int(fraction.ljust(9, "0"))


def _parse_usual(text: str) -> int | None:
    """Read a time as we write node times; there are two in every node. None for another form."""
    digits = text[_SECONDS_TEXT + 1 : -1]
    marks = text[4:20:3]  # all that stands between numbers
    if marks == "--T::Z":
        if len(text) > _SECONDS_TEXT + 1:
            return None
    elif marks != "--T::." or text[-1] != "Z" or not _is_fraction(digits):
        return None
    try:
        since = datetime.fromisoformat(text[:_SECONDS_TEXT]) - _EPOCH
    except ValueError:
        return None
    fraction = int(digits.ljust(_MOST_DIGITS, "0")) if digits else 0
    return (since.days * _SECONDS_A_DAY + since.seconds) * _NS + fraction


def _is_fraction(digits: str) -> bool:
    return len(digits) <= _MOST_DIGITS and digits.isascii() and digits.isdigit()


def format_local_time(when: datetime) -> str:
    """Write an aware time with its own offset, as snapshots and locks carry it."""
    text = when.replace(microsecond=0).isoformat()
    fraction = f".{when.microsecond:06}".rstrip("0").rstrip(".")
    base, offset = text[:19], text[19:]
    # Go leaves out the seconds of an offset, which zones had a century ago.
    return f"{base}{fraction}{'Z' if offset == '+00:00' else offset[:6]}"


def parse_time(text: str) -> datetime:
    """Read an RFC 3339 time as an aware datetime in its own offset, to the microsecond.

    The calendar's first and last day, which not every zone can tell, are given in years of the
    same days: one snapshot so dated would end whatever shows or sorts all of them.

    Raises:
        UnsupportedFormatError: The text is not such a time.
    """
    when, fraction = _split(text)
    year = {"0001-01-01": 401, "9999-12-31": 9599}.get(text[:10], when.year)
    return when.replace(year=year, microsecond=int(fraction.ljust(6, "0")[:6]))


def _split(text: str) -> tuple[datetime, str]:
    match = _RFC3339.fullmatch(text)
    if match is None:
        raise UnsupportedFormatError("{text!r} is not a time", text=text)
    *fields, fraction, zone = match.groups()
    year, month, day, hour, minute, second = (int(field) for field in fields)
    try:
        # Go allows the year 0, Python's calendar starts at 1; the year 400 has the same days.
        moment = datetime(year or 400, month, day, hour, minute, second, tzinfo=_zone(zone))
    except ValueError as error:
        raise UnsupportedFormatError("{text!r} is not a time", text=text) from error
    return moment, fraction or ""


def _zone(text: str) -> timezone:
    if text == "Z":
        return UTC
    offset = timedelta(hours=int(text[1:3]), minutes=int(text[4:6]))
    return timezone(-offset if text[0] == "-" else offset)
