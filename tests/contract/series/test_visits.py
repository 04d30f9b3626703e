"""Visits are counted once, whatever happens to the log, and nobody's address is kept."""

import gzip
import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select

from ops.estate.model.estate import Estate
from ops.monitor import visits
from ops.monitor.series.store import SeriesStore
from ops.monitor.series.store import visits as counted_visits
from ops.monitor.visits import Visit, count_visits, parse_line

ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
NOW = datetime(2026, 11, 29, 10, 0, tzinfo=UTC)
DAY = date(2026, 11, 29)
PERSON = "Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0"


@dataclass(frozen=True, slots=True)
class DayVisits:
    day: date
    people: int
    robots: int


Counted = Callable[[], list[DayVisits]]


def read_visits(store: SeriesStore, site: str, first: date, last: date) -> list[DayVisits]:
    with store.reading() as connection:
        rows = connection.execute(
            select(counted_visits.c.day, counted_visits.c.people, counted_visits.c.robots)
            .where(counted_visits.c.site == site, counted_visits.c.day.between(first, last))
            .order_by(counted_visits.c.day)
        ).all()
    return [DayVisits(*it) for it in rows]


def line(path: str = "/", *, agent: str = PERSON, status: int = 200, at: str = "08:00:00") -> str:
    when = f"29/Nov/2026:{at} +0700"
    return f'203.0.113.9 - - [{when}] "GET {path} HTTP/1.1" {status} 512 "-" "{agent}"\n'


@pytest.fixture
def logs(tmp_path: Path) -> Path:
    folder = tmp_path / "logs"
    folder.mkdir()
    return folder


@pytest.fixture
def counted(store: SeriesStore, logs: Path) -> Counted:
    part = SimpleNamespace(kind="access-log", host=None, path=str(logs))
    site = SimpleNamespace(name="cong", files=(part,))
    estate = cast("Estate", SimpleNamespace(sites=(site,), zone=ZONE))

    def look() -> list[DayVisits]:
        count_visits(store, estate, NOW)
        return read_visits(store, "cong", date(2026, 1, 1), date(2026, 12, 31))

    return look


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (line(), Visit(DAY, is_robot=False)),
        (line(agent="Googlebot/2.1"), Visit(DAY, is_robot=True)),
        (line(agent="-"), Visit(DAY, is_robot=True)),
        (line("/a.css?x=1"), None),
        (line(status=404), None),
        (line().replace("GET", "POST"), None),
        ('::1 - nva [29/Nov/2026:23:30:00 +0000] "GET / HTTP/2" 200 -\n',
         Visit(date(2026, 11, 30), is_robot=False)),
        (('{"time_iso8601":"2026-11-29T08:00:00+07:00","request_method":"GET","status":"200",'
         f'"request_uri":"/","http_user_agent":"{PERSON}"}}'), Visit(DAY, is_robot=False)),
        (('{"ts":1795914000.5,"status":200,"request":{"method":"GET","uri":"/"},'
         '"user_agent":"curl/8"}'), Visit(DAY, is_robot=True)),
        ("", None), ("{", None), ("[]", None), ('{"status": []}', None), ("x" * 20_000, None),
        ("[" * 9_000, None), ("{" * 9_000, None),
        (line().replace("29/Nov", "99/Nov"), None), ('{"ts":"1e999","status":200}', None),
    ],
)  # fmt: skip
def test_lines_tell_of_pages_that_were_shown(text: str, expected: Visit | None) -> None:
    assert parse_line(text.encode(), ZONE) == expected


def test_only_what_is_new_is_counted_and_a_line_without_its_end_waits(
    counted: Counted, logs: Path
) -> None:
    log = logs / "access.log"
    log.write_text(line() + line(agent="Googlebot") + line("/tin")[:40])
    first = counted()
    with log.open("a") as file:
        file.write(line("/tin")[40:] + "rubbish\n")

    assert first == [DayVisits(DAY, 1, 1)]
    assert counted() == counted() == [DayVisits(DAY, 2, 1)]


def test_rotation_cutting_and_packing_count_no_line_twice(counted: Counted, logs: Path) -> None:
    log = logs / "access.log"
    log.write_text(line("/1") * 3)
    counted()
    log.rename(logs / "access.log.1")
    log.write_text(line("/2", at="09:00:00"))
    assert counted() == [DayVisits(DAY, 4, 0)]
    (logs / "access.log.2.gz").write_bytes(gzip.compress((logs / "access.log.1").read_bytes()))
    (logs / "access.log.1").unlink()
    log.write_text(line("/3", at="10:00:00") * 2)  # cut, and begun anew
    assert counted() == [DayVisits(DAY, 6, 0)]


def test_what_is_no_plain_file_is_left_alone(counted: Counted, logs: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").write_text(line())
    (logs / "link.log").symlink_to(tmp_path / "elsewhere")
    os.mkfifo(logs / "pipe.log")
    (logs / "empty.log").touch()

    assert counted() == []


def test_a_long_log_is_counted_in_several_turns(
    counted: Counted, logs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(visits, "MOST_BYTES", 10 * len(line()))
    (logs / "access.log").write_text(line() * 25)

    assert [counted()[0].people for _turn in range(4)] == [10, 20, 25, 25]


def test_no_address_and_no_path_is_kept(counted: Counted, logs: Path, store: SeriesStore) -> None:
    (logs / "access.log").write_text(line("/tim?ten=nguyen-van-a"))
    counted()
    with store.reading() as connection:
        kept: list[Any] = [
            connection.exec_driver_sql(f"SELECT * FROM {table}").all()  # noqa: S608 - our own names
            for table in ("series_visits", "series_log_places")
        ]

    assert "203.0.113.9" not in repr(kept)
    assert "nguyen" not in repr(kept)
    assert str(logs) not in repr(kept)
