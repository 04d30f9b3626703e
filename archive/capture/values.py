"""Read a row with distrust: every value may be of a wrong type, broken, huge or meant to harm.

Nothing here raises for what a row holds: a value is given, or what is left of it, and a note says
what was done. Bytes of contents are handed on as they are.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import quote, unquote, urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from archive.metadata.encodings import read_once

LINE = 500
TEXT = 20_000
CONTENT = 64 << 20
_LARGEST_NUMBER = 1 << 63
_PATH = 1000
_LONGEST_ADDRESS = 4096
_FIRST_YEAR, _LAST_YEAR = 1900, 2200
# All of C0 but tab and line ends. What lies above is left alone: old Vietnamese encodings use it.
_CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_DIGITS = re.compile(r"[+-]?\d{1,19}")
_COMPACT = re.compile(r"\d{14}")
# "Thứ Hai, 02/11/2026 08:30", "8h30 ngày 2-11-2026", "ngày 2 tháng 11 năm 2026": the day first.
_CLOCK = r"(\d{1,2})\s?[:hH]\s?(\d{2})(?::(\d{2}))?"
_DAY = r"(\d{1,2})(?:\s?[/.-]\s?|\s+tháng\s+)(\d{1,2})(?:\s?[/.-]\s?|,?\s+(?:năm\s+)?)(\d{4})"
_AS_PEOPLE_WRITE = (
    re.compile(rf"[^\d]{{0,20}}(?P<day>{_DAY})(?:[^\d]{{1,12}}(?P<clock>{_CLOCK})\s?(SA|CH)?)?"
               r"[^\d]{0,12}(?:GMT\s?\+7)?", re.IGNORECASE),
    re.compile(rf"[^\d]{{0,20}}(?P<clock>{_CLOCK})[^\d]{{1,20}}(?P<day>{_DAY})[^\d]{{0,5}}",
               re.IGNORECASE),
)  # fmt: skip
_NO_DATE = re.compile(r"0000-00-00|0{14}")
_NAME = re.compile(r"(?:[A-Za-z_][A-Za-z0-9_]{0,63}\.)?[A-Za-z_][A-Za-z0-9_]{0,63}")
_SUFFIX = re.compile(r"\.[a-z0-9]{1,8}")
_LINKED = re.compile(r"""(?:src|href)\s*=\s*["']([^"'<>]{1,1000})["']""", re.IGNORECASE)
_PLACEHOLDER = re.compile(r"\{(\w+)\}")


class Cells:
    """One row; `notes` counts what was put right in it."""

    def __init__(self, row: Mapping[str, Any], time_zone: str) -> None:
        self.row, self.notes = row, Counter[str]()
        self._zone = find_zone(time_zone)

    def note(self, column: str, what: str) -> None:
        """Remember what was done to a value."""
        self.notes[f"{column}: {what}"] += 1

    def text(self, column: str, limit: int = LINE) -> str:
        """Give a value as text, without control characters, cut at so many characters."""
        return self.read(column, self.row.get(column), limit)

    def read(self, column: str, value: object, limit: int = LINE) -> str:
        """Do the same for a value that did not stand in the row itself."""
        found, broken = _as_text(value)
        if broken:
            self.note(column, broken)
        if len(found) > limit:
            self.note(column, "cut")
            found = found[:limit]
        once = read_once(found)
        if once is not None:
            self.note(column, "UTF-8 inside UTF-8")
            found = once
        kept = _CONTROLS.sub("", found)
        if kept != found:
            self.note(column, "control characters removed")
        return kept.strip()

    def whole(self, column: str) -> int:
        """Give a value as a whole number; 0 where it is none."""
        value = self.row.get(column)
        number = as_number(value)
        if number is None and not is_empty(value):
            self.note(column, "not a number")
        return number or 0

    def content(self, column: str) -> bytes:
        """Give a value as the bytes the portal has."""
        return as_bytes(self.row.get(column))

    def moment(self, column: str, zone: str = "") -> datetime | None:
        """Give a value as a moment, in UTC; one without a zone is in the portal's, or in `zone`."""
        return self.as_moment(column, self.row.get(column), zone)

    def as_moment(self, column: str, value: object, zone: str = "") -> datetime | None:
        """Do the same for a value that did not stand in the row itself."""
        if is_empty(value) or as_number(value) == 0:
            return None
        found = _as_moment(value, find_zone(zone) if zone else self._zone)
        if found is None and not _NO_DATE.match(_as_text(value)[0]):
            self.note(column, "not a date")
        return found

    def day(self, column: str) -> str:
        """Give a value as a day of the portal, 2026-01-31; empty where it is none."""
        return self.as_day(self.moment(column))

    def as_day(self, moment: datetime | None) -> str:
        """Give a moment's day where the portal is."""
        return moment.astimezone(self._zone).date().isoformat() if moment else ""

    def path(self, column: str, value: object, folder: str = "") -> str:
        """Give a file's path below the web root; empty where it leads anywhere else."""
        text, broken = _as_text(value)
        found = "" if broken else clean_path(f"{folder}/{text}" if folder else text)
        if text and not found:
            self.note(column, "not a path of the site")
        return found


def is_empty(value: object) -> bool:
    """Say whether there is nothing: NULL, or a text without characters."""
    return value is None or (isinstance(value, str | bytes) and not value)


def _as_text(value: object) -> tuple[str, str]:
    """Give a value as text, and what was wrong with it."""
    if isinstance(value, bytes | bytearray | memoryview):
        text = bytes(value).decode(errors="replace")
        return text, "" if text.encode() == bytes(value) else "not UTF-8"
    if isinstance(value, str):
        text = value.encode("utf-8", "replace").decode()
        return text, "" if text == value else "not Unicode"
    if isinstance(value, date):  # and datetime
        return value.isoformat(), ""
    is_small = isinstance(value, int) and abs(value) < _LARGEST_NUMBER
    if is_small or isinstance(value, float | Decimal):
        return str(value), ""
    return "", "" if value is None else "of a wrong type"


def as_number(value: object) -> int | None:
    """Give a value as a whole number of at most 64 bits; None where it is none."""
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, int):
        return value if abs(value) < _LARGEST_NUMBER else None
    if isinstance(value, float | Decimal):
        exact = float(value)
        return int(exact) if exact.is_integer() and abs(exact) < _LARGEST_NUMBER else None
    text = _as_text(value)[0].strip()
    number = int(text) if _DIGITS.fullmatch(text) and text.isascii() else None
    return number if number is not None and abs(number) < _LARGEST_NUMBER else None


def as_bytes(value: object) -> bytes:
    """Give a content as it lies in the database; a driver's escapes for broken bytes undone."""
    if isinstance(value, bytes | bytearray | memoryview):
        return bytes(value)
    if isinstance(value, str):
        try:
            return value.encode("utf-8", "surrogateescape")
        except UnicodeEncodeError:
            return value.encode("utf-8", "surrogatepass")
    return _as_text(value)[0].encode()


def find_zone(name: str) -> ZoneInfo:
    """Give a time zone; UTC where the name is none."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return ZoneInfo("UTC")


def _as_moment(value: object, zone: ZoneInfo) -> datetime | None:
    try:
        found = _parse_moment(value)
        if found is None or not _FIRST_YEAR <= found.year <= _LAST_YEAR:
            return None
        aware = found if found.tzinfo else found.replace(tzinfo=zone)
        return aware.astimezone(UTC)
    except (ValueError, OverflowError, OSError):
        return None


def _parse_moment(value: object) -> datetime | None:
    if isinstance(value, datetime):
        return value
    if isinstance(value, date):
        return datetime(value.year, value.month, value.day)  # noqa: DTZ001 -- the zone comes next
    text = _as_text(value)[0].strip()[:40]
    if _COMPACT.fullmatch(text):  # MediaWiki's, in UTC
        return datetime.strptime(text, "%Y%m%d%H%M%S").replace(tzinfo=UTC)
    seconds = as_number(value)
    if seconds is not None:
        return datetime.fromtimestamp(seconds, UTC)
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        found = _as_people_write(_as_text(value)[0])
        if found is None:
            raise
        return found


def _as_people_write(text: str) -> datetime | None:
    """Read a day as Vietnamese pages write it, with or without the time of day.

    Raises:
        ValueError: There is no such day.
    """
    text = unicodedata.normalize("NFC", text.strip()[:80])
    for form in _AS_PEOPLE_WRITE:
        if found := form.fullmatch(text):
            day, month, year = map(int, re.findall(r"\d+", found["day"]))
            told = [int(it) for it in re.findall(r"\d+", found["clock"] or "")]
            hour, minute, second = (*told, 0, 0, 0)[:3]
            if text.upper().endswith("CH") and 0 < hour < 12:  # noqa: PLR2004 -- after noon
                hour += 12
            return datetime(year, month, day, hour, minute, second)  # noqa: DTZ001 -- the zone comes next
    return None


def clean_path(text: str) -> str:
    """Give a path that stays below the folder it is read from; empty where it would not.

    What is on the disk may be in any normal form: it is not changed.
    """
    parts = [it for it in text.strip().split("/") if it not in {"", "."}]
    bad = (
        len(text) > _PATH
        or _CONTROLS.search(text)
        or any(it in {"\\", "\n", "\r", "\t"} for it in text)
        or ".." in parts
        or (parts and ":" in parts[0])
    )
    return "" if bad else str(PurePosixPath(*parts)) if parts else ""


def file_name(path: str) -> str:
    """Give the name that people read: the last piece of a path or address, in NFC."""
    return unicodedata.normalize("NFC", path.rstrip("/").rpartition("/")[2])


def is_name(text: str) -> bool:
    """Say whether it can stand in SQL without quotes: a name, with or without a schema."""
    return bool(_NAME.fullmatch(text))


def suffix_of(name: str, default: str = ".bin") -> str:
    """Give the suffix of a name if it is a plain one."""
    found = PurePosixPath(name).suffix.lower()
    return found if _SUFFIX.fullmatch(found) else default


def linked_files(html: str, url: str, folders: tuple[str, ...], most: int = 100) -> list[str]:
    """Give the paths of the site's own files that a text shows or links to, each once.

    Args:
        html: The text.
        url: Address of the portal.
        folders: Where its files lie below the web root; others are pages.
        most: No more than so many.
    """
    host, found = urlsplit(url).netloc, dict[str, None]()
    for link in _LINKED.findall(html):
        try:
            parts = urlsplit(link.replace("&amp;", "&"))
        except ValueError:
            continue
        path = clean_path(unquote(parts.path))
        if parts.netloc in {"", host} and path.startswith(folders) and len(found) < most:
            found[path] = None
    return list(found)


def placeholders(template: str) -> list[str]:
    """Give the names in a template's braces."""
    return _PLACEHOLDER.findall(template)


def fill_in(template: str, values: Mapping[str, str]) -> str:
    """Put values into the braces of a template; unknown ones stay empty."""
    return _PLACEHOLDER.sub(lambda found: values.get(found[1], ""), template)


def address(url: str, path: str) -> str:
    """Give a page's address on the portal; what may not stand in one is escaped."""
    return f"{url.rstrip('/')}/{quote(path.lstrip('/'), safe='/?&=%.,;:@!$()*+~-_')}"


def web_address(text: str) -> str:
    """Give an address of the web as it is; empty where it is none, or has what none may have."""
    try:
        parts = urlsplit(text)
    except ValueError:
        return ""
    is_one = parts.scheme in {"http", "https"} and parts.netloc and len(text) < _LONGEST_ADDRESS
    return text if is_one and text.isprintable() and " " not in text else ""


def hours_east(offset: str) -> str:
    """Give the name of the zone that is so many hours east of Greenwich; empty if none is."""
    number = as_number(offset)
    if number is None or not -12 <= number <= 14:  # noqa: PLR2004 -- the ends of the world's clocks
        return ""
    return f"Etc/GMT{-number:+d}"
