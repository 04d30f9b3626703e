"""Moments, numbers, sizes and durations in the reader's language."""

from datetime import date, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from ops.language.text import _, language, ngettext

DEFAULT_ZONE = "Asia/Ho_Chi_Minh"
_BYTES_STEP = 1024
_ID_DIGITS = 8


def format_moment(moment: datetime, zone: str = DEFAULT_ZONE) -> str:
    """Give `24/11/2026 01:03 +07:00` for an aware moment, in the organisation's zone."""
    try:
        local = moment.astimezone(ZoneInfo(zone))
    except OverflowError:  # at the calendar's edge, where somebody may have dated a key or a title
        local = moment
    offset = local.strftime("%z")
    return f"{local:%d/%m/%Y %H:%M} {offset[:3]}:{offset[3:5]}"


def format_second(moment: datetime, zone: str = DEFAULT_ZONE) -> str:
    """Give `24/11/2026 01:03:59 +07:00`: one snapshot is told from the next, and is found by it."""
    told, offset = format_moment(moment, zone).rsplit(" ", 1)
    return f"{told}:{moment.second:02} {offset}"


def format_spoken(moment: datetime, zone: str = DEFAULT_ZONE) -> str:
    """Give a moment as a notice to the public has it: `22 giờ 00 phút ngày 24/11/2026`."""
    local = moment.astimezone(ZoneInfo(zone))
    return _("{hour}:{minute} on {day}").format(
        hour=f"{local:%H}", minute=f"{local:%M}", day=format_date(local.date())
    )


def format_date(day: date) -> str:
    """Give `24/11/2026`."""
    return f"{day:%d/%m/%Y}"


def format_long_date(day: date) -> str:
    """Write a day as papers do: `05 tháng 02 năm 2027` (NĐ 30/2020: no 0 before months 3 to 9)."""
    month = f"{day.month:02}" if day.month <= 2 else str(day.month)  # noqa: PLR2004 - of the decree
    return f"{day.day:02} tháng {month} năm {day.year}"


def format_id(whole: UUID | str) -> str:
    """Give the end of an id, by which people call it: those of one hour begin alike."""
    return str(whole)[-_ID_DIGITS:]


def format_number(number: float, digits: int = 0) -> str:
    """Give a number with the reader's separators: `1.234,5` in Vietnamese, `1,234.5` in English."""
    text = f"{number:,.{digits}f}"
    return text if language() == "en" else text.translate(str.maketrans(",.", ".,"))


def format_size(size_bytes: int) -> str:
    """Give bytes in binary units with at most one decimal: `512 B`, `1,5 GiB`."""
    size = float(size_bytes)
    for unit in ("B", "KiB", "MiB", "GiB", "TiB"):
        if abs(size) < _BYTES_STEP or unit == "TiB":
            break
        size /= _BYTES_STEP
    return f"{format_number(size, 0 if unit == 'B' else 1)} {unit}"


def format_duration(duration: timedelta) -> str:
    """Give the two largest units that matter: `2 giờ 5 phút`, `3,4 giây`, `12 ngày`."""
    seconds = abs(duration.total_seconds())
    days, rest = divmod(round(seconds), 86_400)
    hours, rest = divmod(rest, 3_600)
    minutes, whole_seconds = divmod(rest, 60)
    if days:
        return _join(_days(days), _hours(hours))
    if hours:
        return _join(_hours(hours), _minutes(minutes))
    if minutes:
        return _join(_minutes(minutes), _seconds(whole_seconds))
    if seconds and seconds < 10:  # noqa: PLR2004 - below ten seconds a decimal says something
        return _("{seconds} seconds").format(seconds=format_number(seconds, 1))
    return _seconds(whole_seconds) or _("0 seconds")


def _join(*parts: str) -> str:
    return " ".join(part for part in parts if part)


def _days(count: int) -> str:
    return ngettext("{count} day", "{count} days", count).format(count=count) if count else ""


def _hours(count: int) -> str:
    return ngettext("{count} hour", "{count} hours", count).format(count=count) if count else ""


def _minutes(count: int) -> str:
    text = ngettext("{count} minute", "{count} minutes", count)
    return text.format(count=count) if count else ""


def _seconds(count: int) -> str:
    text = ngettext("{count} second", "{count} seconds", count)
    return text.format(count=count) if count else ""
