"""Rates by the hour, by a clock that only pauses move, and a bucket that processes share."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from backup.stores.bandwidth import Allowance, LimitedStore
from backup.stores.bandwidth_plan import RatePlan, RateWindow, SharedBucket
from backup.stores.folder import FolderStore
from backup.stores.reopen import recipe_of, store_from_recipe

ZONE = "Asia/Ho_Chi_Minh"
# 100 bytes a second, 10 by day, no limit from 23:00 to 01:00.
PLAN = RatePlan(100, (RateWindow(7 * 60, 19 * 60, 10), RateWindow(23 * 60, 60, None)), ZONE)


class Clock:
    def __init__(self, text: str) -> None:
        self.now = datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(ZONE)).timestamp()

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds

    def __str__(self) -> str:
        return f"{datetime.fromtimestamp(self.now, ZoneInfo(ZONE)):%d %H:%M:%S}"


@pytest.mark.parametrize(
    ("local", "rate", "left"),
    [
        ("06:59:59", 100, 1),
        ("07:00:00", 10, 12 * 3600),
        ("18:59:30.5", 10, 29.5),
        ("19:00:00", 100, 4 * 3600),
        ("23:00:00", None, 2 * 3600),
        ("00:30:00", None, 1800),
        ("01:00:00", 100, 6 * 3600),
    ],
)
def test_the_part_of_the_day_decides(local: str, rate: float | None, left: float) -> None:
    when = datetime.fromisoformat(f"2026-11-24T{local}").replace(tzinfo=ZoneInfo(ZONE))

    found, seconds = PLAN.at(when.astimezone(UTC).timestamp())
    assert found == rate
    assert seconds == pytest.approx(left, abs=0.01)


@pytest.mark.parametrize(
    ("start", "count", "end"),
    [
        ("2026-11-24T12:00:00", 610, "24 12:01:00"),  # a second's worth is saved up
        ("2026-11-24T06:59:50", 1300, "24 07:00:20"),  # 100 + 1000 until seven, then 200
        ("2026-11-24T18:59:00", 2610, "24 19:00:20"),  # 10 + 600 until seven in the evening
        ("2026-11-24T22:59:00", 1_000_000, "24 23:00:00"),  # then there is no limit
        ("2026-11-24T23:30:00", 1_000_000, "24 23:30:00"),
    ],
)
def test_the_rate_changes_while_somebody_waits(start: str, count: int, end: str) -> None:
    clock = Clock(start)
    Allowance(PLAN, clock=clock, sleep=clock.sleep).take(count)

    assert str(clock) == end


def test_over_a_whole_day_the_limits_hold() -> None:
    clock = Clock("2026-11-24T01:00:00")
    allowance = Allowance(PLAN, clock=clock, sleep=clock.sleep)
    sent = {"night": 0, "day": 0, "evening": 0}
    while str(clock) < "24 22:59":
        allowance.take(7777)
        hour = int(str(clock)[3:5])
        sent["night" if hour < 7 else "day" if hour < 19 else "evening"] += 7777

    assert sent["night"] == pytest.approx(6 * 3600 * 100, abs=8000)
    assert sent["day"] == pytest.approx(12 * 3600 * 10, abs=8000)
    assert sent["evening"] == pytest.approx(4 * 3600 * 100, rel=0.02)


def test_a_clock_that_goes_back_gives_nothing_away() -> None:
    clock = Clock("2026-11-24T02:00:00")
    allowance = Allowance(100, clock=clock, sleep=clock.sleep)
    allowance.take(100)
    clock.now -= 3600
    before = clock.now
    allowance.take(500)

    assert clock.now - before == pytest.approx(5)


def test_a_plan_survives_its_way_to_another_process() -> None:
    assert RatePlan.unpack(PLAN.pack()) == PLAN
    assert PLAN.divided(2).at(0)[0] == 5  # 07:00 there


def test_threads_share_a_bucket(tmp_path: Path) -> None:
    path = str(tmp_path / "bucket")
    clock = Clock("2026-11-24T02:00:00")
    pauses: list[float] = []
    several = [
        Allowance(100, bucket=SharedBucket(path), clock=clock, sleep=pauses.append)
        for _ in range(4)
    ]
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(lambda it: it.take(100), several * 10))

    # 40 takes of a second's worth, one of which was saved up: the last waits 39 seconds.
    assert sorted(pauses) == pytest.approx([float(number) for number in range(1, 40)])


@pytest.mark.slow
def test_worker_processes_together_keep_the_limit(tmp_path: Path) -> None:
    rate, workers, size, each = 200_000, 3, 20_000, 10
    store = LimitedStore(FolderStore(str(tmp_path / "store")), upload_bytes_per_second=rate)
    code = (
        "import sys, ast, os, time\n"
        "from backup.stores.reopen import store_from_recipe\n"
        "store = store_from_recipe(ast.literal_eval(sys.stdin.read()))\n"
        "print(time.monotonic())\n"
        f"for number in range({each}):\n"
        f"    store.write(f'data/{{os.getpid()}}-{{number}}', bytes({size}))\n"
        "print(time.monotonic())\n"
    )
    recipe = repr(recipe_of(store, share=workers)).encode()
    several = [
        subprocess.Popen(
            [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        for _ in range(workers)
    ]
    for process in several:
        assert process.stdin is not None
        process.stdin.write(recipe)
        process.stdin.close()
        process.stdin = None
    told = [process.communicate(timeout=60)[0].split() for process in several]
    assert [process.returncode for process in several] == [0] * workers
    took = max(float(last) for _, last in told) - min(float(first) for first, _ in told)

    least = workers * size * each / rate - 1
    assert least <= took < 3 * least + 3


def test_a_bucket_out_of_reach_means_an_even_part(tmp_path: Path) -> None:
    store = LimitedStore(FolderStore(str(tmp_path)), upload_bytes_per_second=90)
    kind, inner, _, upload, download = recipe_of(store, share=3) or ()
    away = (kind, inner, 3, (upload[0], "/proc/0/fd/0"), download)
    opened = store_from_recipe(away)

    assert isinstance(opened, LimitedStore)
    assert opened.upload.plan == RatePlan(30)
