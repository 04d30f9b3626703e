"""Count visits from the logs of web servers on this machine, going on where the last count ended.

Order, file by file, all in one transaction:
1. What is new in the file, up to a bound, is read and counted; a line without its end waits.
2. The counts of the days are added, and how far the file was read.

Killed anywhere, the file is counted as before or as after: no line twice. A file is known by its
inode and its first bytes, so that one that was renamed by rotation goes on, and one that was cut
begins anew. Packed logs (`.gz`) are those that were read before, and are left alone.

Formats: common and combined (https://httpd.apache.org/docs/current/logs.html), and a JSON object a
line with the names that nginx and Caddy users give. What is no such line is left out.
"""

import hashlib
import json
import os
import re
import stat
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import BinaryIO
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, select

from ops.estate.model.estate import Estate
from ops.monitor.series.store import SeriesStore, log_places, visits
from ops.monitor.series.write import insert_at

LONGEST = 16_384
_LINE = re.compile(
    r'\S+ \S+ [^\[]{0,200}\[([^\]]{20,32})\] "([A-Z]{3,10}) (\S{1,8000})[^"]{0,20}" (\d{3}) \S+'
    r'(?: "(?:[^"\\]|\\.){0,8000}" "((?:[^"\\]|\\.){0,4000})")?'
)
_PARTS = re.compile(
    r"\.(?:css|js|mjs|map|png|jpe?g|gif|svg|webp|avif|ico|woff2?|ttf|eot|mp4|mp3|xml|txt|json)$",
    re.IGNORECASE,
)
_ROBOTS = re.compile(
    r"bot\b|bot/|crawl|spider|slurp|curl/|wget/|python|java/|go-http|libwww|headless|monitor|probe"
    r"|scan|feed|facebookexternalhit|giucong",
    re.IGNORECASE,
)
_GOOD = range(200, 400)
_NAMES: Mapping[str, tuple[str, ...]] = {
    "at": ("time_iso8601", "time_local", "time", "timestamp", "ts"),
    "method": ("request_method", "method"),
    "path": ("request_uri", "uri", "path"),
    "status": ("status",),
    "agent": ("http_user_agent", "user_agent"),
}


@dataclass(frozen=True, slots=True)
class Visit:
    """A page that was shown: on which of the organisation's days, and whether to a robot."""

    day: date
    is_robot: bool


def parse_line(line: bytes, zone: ZoneInfo) -> Visit | None:
    """Give the visit that a line tells of; None where it tells of none."""
    if len(line) > LONGEST:
        return None
    text = line.decode("utf-8", "replace").strip()
    found = _parse_json(text) if text.startswith("{") else _parse_words(text)
    if found is None:
        return None
    at, method, path, status, agent = found
    is_page = method == "GET" and status in _GOOD and not _PARTS.search(path.partition("?")[0])
    day = _day_of(at, zone) if is_page else None
    if day is None:
        return None
    return Visit(day, is_robot=not agent.strip("- ") or bool(_ROBOTS.search(agent)))


_Found = tuple[str, str, str, int, str]  # when, method, path, status, agent


def _parse_words(text: str) -> _Found | None:
    match = _LINE.match(text)
    if match is None:
        return None
    # The common format has no agent: nobody can tell robots apart, so they count as people.
    agent = "unknown" if match[5] is None else match[5]
    return match[1], match[2], match[3], int(match[4]), agent


def _parse_json(text: str) -> _Found | None:
    try:
        row = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if not isinstance(row, dict):
        return None
    inner = row.get("request")
    both = {**inner, **row} if isinstance(inner, dict) else row
    named = {
        name: next((str(both[it]) for it in places if it in both), "")
        for name, places in _NAMES.items()
    }
    if not named["status"].isascii() or not re.fullmatch(r"\d{3}", named["status"]):
        return None
    return named["at"], named["method"], named["path"], int(named["status"]), named["agent"]


def _day_of(text: str, zone: ZoneInfo) -> date | None:
    try:
        if re.fullmatch(r"\d{9,10}(\.\d{1,9})?", text):
            return datetime.fromtimestamp(float(text), UTC).astimezone(zone).date()
        if "/" in text:
            return datetime.strptime(text, "%d/%b/%Y:%H:%M:%S %z").astimezone(zone).date()
        moment = datetime.fromisoformat(text)
        return moment.astimezone(zone).date() if moment.tzinfo else None
    except (ValueError, OverflowError):
        return None


MOST_BYTES = 32 * 1024 * 1024
MOST_FILES = 200
_HEAD = 256
_OLDEST = timedelta(days=400)


def count_visits(store: SeriesStore, estate: Estate, now: datetime) -> None:
    """Count what is new in every log that the estate names on this machine.

    A log on another machine is not counted here, and has no counts at all.
    """
    left = MOST_BYTES
    for site in estate.sites:
        for part in site.files:
            if part.kind == "access-log" and part.host is None:
                for path in _list_logs(Path(part.path)):
                    left -= _count_file(store, site.name, path, estate.zone, now, left)


def _list_logs(place: Path) -> list[Path]:
    """Give the plain files of a folder, or the one file, by name."""
    try:
        found = sorted(place.iterdir()) if place.is_dir() else [place]
    except OSError:
        return []
    return [it for it in found if it.suffix not in {".gz", ".xz", ".bz2", ".zst"}][:MOST_FILES]


def _open(path: Path) -> BinaryIO | None:
    """Open a regular file; what else has the name, or leads elsewhere, is left alone."""
    with suppress(OSError):
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        if stat.S_ISREG(os.fstat(handle).st_mode):
            return os.fdopen(handle, "rb")
        os.close(handle)
    return None


def _count_file(
    store: SeriesStore, site: str, path: Path, zone: ZoneInfo, now: datetime, most: int
) -> int:
    file = _open(path)
    if file is None or most <= 0:
        return 0
    with file, store.writing() as connection:
        status = os.fstat(file.fileno())
        head = file.read(_HEAD).partition(b"\n")[0]
        if not head:
            return 0
        key = hashlib.sha256(f"{site}/{status.st_dev}/{status.st_ino}/".encode() + head).hexdigest()
        offset = _offset_of(connection, key)
        if offset > status.st_size:
            offset = 0
        file.seek(offset)
        people, robots, end = _read(file, zone, now, most)
        _add(connection, site, people, robots)
        begun = insert_at(connection, log_places)
        row = {"place": key, "offset": offset + end, "seen_at": int(now.timestamp())}
        kept = {"offset": begun.excluded.offset, "seen_at": begun.excluded.seen_at}
        connection.execute(begun.on_conflict_do_update(index_elements=["place"], set_=kept), row)
    return end


def _offset_of(connection: Connection, key: str) -> int:
    query = select(log_places.c.offset).where(log_places.c.place == key)
    return connection.execute(query).scalar() or 0


def _read(
    file: BinaryIO, zone: ZoneInfo, now: datetime, most: int
) -> tuple[Counter[date], Counter[date], int]:
    """Count whole lines; give also how many bytes they have."""
    people, robots, read = Counter[date](), Counter[date](), 0
    first, last = (now - _OLDEST).date(), (now + timedelta(days=1)).date()
    for line, size in _lines(file):
        if read >= most:
            break
        read += size
        visit = parse_line(line, zone)
        if visit is not None and first <= visit.day <= last:
            (robots if visit.is_robot else people)[visit.day] += 1
    return people, robots, read


def _lines(file: BinaryIO) -> Iterator[tuple[bytes, int]]:
    """Yield whole lines and their sizes; of one that is too long only its beginning."""
    while line := file.readline(LONGEST + 1):
        size = len(line)
        part = line
        while not part.endswith(b"\n"):
            part = file.readline(1 << 20)
            if not part:
                return  # its end is not written yet
            size += len(part)
        yield line, size


def _add(connection: Connection, site: str, people: Counter[date], robots: Counter[date]) -> None:
    begun = insert_at(connection, visits)
    added = {
        "people": visits.c.people + begun.excluded.people,
        "robots": visits.c.robots + begun.excluded.robots,
    }
    for day in sorted({*people, *robots}):
        connection.execute(
            begun.on_conflict_do_update(index_elements=["site", "day"], set_=added),
            {"site": site, "day": day, "people": people[day], "robots": robots[day]},
        )
