"""Count visits from logs that lie on this machine, going on where the last count ended.

Order, file by file, all in one transaction:
1. What is new in the file, up to a bound, is read and counted; a line without its end waits.
2. The counts of the days are added, and how far the file was read.

Killed anywhere, the file is counted as before or as after: no line twice. A file is known by its
inode and its first bytes, so that one that was renamed by rotation goes on, and one that was cut
begins anew. Packed logs (`.gz`) are those that were read before, and are left alone.
"""

import hashlib
import os
import stat
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import BinaryIO
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, select

from ops.estate.model.estate import Estate
from ops.monitor.series.store import SeriesStore
from ops.monitor.series.tables import log_places, visits
from ops.monitor.series.write import insert_at
from ops.monitor.visits.parse import LONGEST, parse_line

MOST_BYTES = 32 * 1024 * 1024
MOST_FILES = 200
_HEAD = 256
_OLDEST = timedelta(days=400)


@dataclass(frozen=True, slots=True)
class DayVisits:
    """Pages that were shown on a day: to people, and to robots."""

    day: date
    people: int
    robots: int


def count_visits(store: SeriesStore, estate: Estate, now: datetime) -> None:
    """Count what is new in every log that the estate names on this machine.

    A log on another machine is not counted here, and has no counts at all.

    Raises:
        SeriesError: The series cannot be used.
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


def read_visits(store: SeriesStore, site: str, first: date, last: date) -> list[DayVisits]:
    """Give the visits of a site by day, both ends included; days without any are left out.

    Raises:
        SeriesError: The series cannot be used.
    """
    with store.reading() as connection:
        rows = connection.execute(
            select(visits.c.day, visits.c.people, visits.c.robots)
            .where(visits.c.site == site, visits.c.day >= first, visits.c.day <= last)
            .order_by(visits.c.day)
        ).all()
    return [DayVisits(*it) for it in rows]
