"""The works of the series: a minute's batch, a year's chart, a year on disk, forecasts.

`python -m bench.charting FOLDER SHARE` does them inside one process, as the watch does, and prints
what it found as JSON. The databases are filled in the order in which the watch writes, which is
what decides how full their pages are; a tenth of the series stands for all of them.
"""

import json
import os
import random
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from statistics import median
from typing import Any

from bench.figures import Outcome
from bench.measure import CommandFailedError, Measurement
from bench.peers import CHECKOUT
from bench.rounds import Note, Setting

BATCH, CHART, FORECAST = "watch-batch", "watch-chart", "watch-forecast"
WORKS = frozenset({BATCH, CHART, FORECAST})
HOSTS, FIGURES, TENTH = 41, 30, 10
MOST_BYTES = 1.5e9
MOST_DAYS_OFF = 5
_NOW = datetime(2026, 11, 29, 10, 0, tzinfo=UTC)
_DAY, _HOUR = 86_400, 3_600
_ROUNDS = 31
_LEARNT, _SOON = 28, 30  # days that are seen before the four weeks; days that are an alarm


def run_series(setting: Setting, note: Note) -> None:
    """Time batches, charts and forecasts; fail where a year is too large or a forecast is wrong."""
    folder, share = setting.folder / "run", min(setting.scales["site"], 1.0)
    folder.mkdir(parents=True, exist_ok=True)
    load = os.getloadavg()[0]
    setting.say(f"{CHART}: a year of series is written, not timed")
    argv = (sys.executable, "-m", "bench.charting", str(folder), str(share))
    ended = subprocess.run(argv, cwd=CHECKOUT, capture_output=True, text=True, check=False)
    if ended.returncode:
        raise CommandFailedError(f"{CHART}: {ended.stderr[-2000:]}")
    told: dict[str, Any] = json.loads(ended.stdout)
    for work in (BATCH, CHART, FORECAST):
        runs = [Measurement(wall, cpu, told["peak"], is_pss=False) for wall, cpu in told[work]]
        if work in setting.works:
            when = datetime.now(UTC).isoformat(timespec="seconds")
            note(Outcome(work, told["what"][work], when, {"ours": runs}, {}, load))
    if share == 1.0 and told["year_bytes"] > MOST_BYTES:
        raise CommandFailedError(f"{CHART}: a year takes {told['year_bytes'] / 1e9:.2f} GB")
    if told["false"] or told["days_off"] > MOST_DAYS_OFF:
        raise CommandFailedError(f"{FORECAST}: {told['what'][FORECAST]}")


def main(folder: str, share: str) -> int:
    """Do all of it."""
    count = max(round(HOSTS * FIGURES * float(share)), FIGURES)
    told: dict[str, Any] = {"what": {}}
    told |= measure_batches(Path(folder) / "batch.db", count, told["what"])
    told |= measure_charts(Path(folder) / "year.db", max(count // TENTH, 3), told["what"])
    told |= measure_forecasts(told["what"])
    told["peak"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    print(json.dumps(told))
    return 0


def _time(work: Callable[[], object], rounds: int = _ROUNDS) -> list[tuple[float, float]]:
    found = []
    for _number in range(rounds):
        began, worked = time.perf_counter(), time.process_time()
        work()
        found.append((time.perf_counter() - began, time.process_time() - worked))
    return found


def measure_batches(path: Path, count: int, what: dict[str, str]) -> dict[str, Any]:
    """Time a minute's batch, and its roll-up, in a database that has a day of raw numbers."""
    from ops.monitor.series.read import Point
    from ops.monitor.series.store import open_series
    from ops.monitor.series.write import roll_up, write_points

    chance = random.Random(7)
    names = [(f"host:h{it // FIGURES}", f"figure{it % FIGURES}") for it in range(count)]
    begin = int(_NOW.timestamp()) - _DAY
    with closing(open_series(f"sqlite:///{path}")) as store:
        write_points(store, [Point(*it, _NOW, 0.0) for it in names], _NOW)
        _fill(store, "INSERT OR IGNORE INTO series_raw VALUES (?, ?, ?)",
              ((it + 1, begin + 60 * minute, chance.randrange(100_000))
               for minute in range(_DAY // 60) for it in range(count)))  # fmt: skip
        minutes = iter(range(1, 10_000))

        def write() -> None:
            at = _NOW + timedelta(minutes=next(minutes))
            write_points(store, [Point(*it, at, chance.random() * 100) for it in names], at)

        def roll() -> None:
            roll_up(store, _NOW + timedelta(minutes=next(minutes)))

        _time(write, 2)
        batches, rolls = _time(write), _time(roll, 61)
    longest, rolled = max(batches)[0] * 1e3, median(wall for wall, _cpu in rolls[1:]) * 1e3
    what[BATCH] = (
        f"{count} numbers, one a series, into {count * _DAY // 60} raw ones; the longest of"
        f" {_ROUNDS} took {longest:.0f} ms, a sixtieth rolled up {rolled:.0f} ms"
    )
    return {BATCH: batches}


def _fill(store: Any, statement: str, rows: Iterator[tuple[int, ...]]) -> None:
    with store.writing() as connection:
        connection.connection.driver_connection.executemany(statement, rows)


def measure_charts(path: Path, count: int, what: dict[str, str]) -> dict[str, Any]:
    """Time a year's chart of one series, from figures to SVG, and weigh the first year on disk."""
    from ops.charts.lines import Curve, Dot, LineChart, draw_lines
    from ops.monitor.series.read import Point, read_series
    from ops.monitor.series.store import open_series
    from ops.monitor.series.write import write_points

    end = int(_NOW.timestamp())
    with closing(open_series(f"sqlite:///{path}")) as store:
        points = [Point("host:h", f"figure{it}", _NOW, 0.0) for it in range(count)]
        write_points(store, points, _NOW)
        raw = "INSERT OR IGNORE INTO series_raw VALUES (?, ?, ?)"
        for table, size, days in (("hours", _HOUR, 365), ("five_minutes", 300, 60)):
            statement = f"INSERT INTO series_{table} VALUES (?, ?, ?, ?, ?, ?)"  # noqa: S608 - our own
            _fill(store, statement, _buckets(count, size, end - days * _DAY, end))
        _fill(store, raw, _raw(count, end - 7 * _DAY, end))
        with store.writing() as connection:
            connection.exec_driver_sql("UPDATE series SET rolled_until = ?", (end,))
        since = _NOW - timedelta(days=365)

        def draw() -> None:
            found = read_series(store, "host:h", "figure1", since, _NOW, timedelta(hours=1))
            if len(found) < 364 * 24:
                raise SystemExit(f"{len(found)} hours are no year")
            dots = tuple(Dot(it.at.timestamp(), it.mean, it.minimum, it.maximum) for it in found)
            draw_lines(LineChart(title="năm", summary="", lines=(Curve("đã đo", dots, 9_000),),
                                 window=(dots[0].x, dots[-1].x), ticks=(), write_value=str,
                                 write_x=str, heads=("", "", "", "")))  # fmt: skip

        charts = _time(draw)
    size = path.stat().st_size * HOSTS * FIGURES // count
    what[CHART] = (
        f"one series of 8760 hours, read and drawn; {HOSTS} hosts with {FIGURES} figures a minute"
        f" take {size / 1e9:.2f} GB after a year ({count} series weighed)"
    )
    return {CHART: charts, "year_bytes": size}


def _value(series: int, chance: random.Random) -> int:
    """Give a number in thousandths: a third stand still, a third are shares, a third are bytes."""
    kinds = (20_000, chance.randrange(100_000), 8_000_000_000_000 + chance.randrange(10**12))
    return kinds[series % 3]


def _raw(count: int, begin: int, end: int) -> Iterator[tuple[int, ...]]:
    chance = random.Random(1)
    for at in range(begin, end, 60):
        for it in range(count):
            yield it + 1, at, _value(it, chance)


def _buckets(count: int, size: int, begin: int, end: int) -> Iterator[tuple[int, ...]]:
    """Yield buckets as they are written: the last hour of each series in its turn."""
    chance = random.Random(2)
    for hour in range(begin, end, _HOUR):
        for it in range(count):
            for at in range(hour, hour + _HOUR, size):
                values = sorted(_value(it, chance) for _number in range(3))
                mean = sum(values) // 3
                yield it + 1, at // size, mean, mean - values[0], values[2] - mean, size // 60


def measure_forecasts(what: dict[str, str]) -> dict[str, Any]:
    """Time forecasts of four disks a host, and judge four weeks with a nightly dump, hour by hour.

    0.25 points a day from 40 on, a dump of 12 points that comes at 2 and goes at 4: full at 100 on
    day 192.
    """
    from ops.monitor.trend import forecast_limit

    start, full_on, false, hours = date(2026, 1, 1), date(2026, 1, 1) + timedelta(192), 0, 0
    errors: list[int] = []
    for seed in range(20):
        chance, maxima = random.Random(seed), dict[date, float]()
        dumps = [12 * chance.uniform(0.98, 1.02) for _day in range(60)]
        for hour in range(56 * 24):
            day, of_day = divmod(hour, 24)
            value = 40 + 0.25 * hour / 24 + chance.gauss(0, 0.1)
            value += dumps[day] if of_day in {2, 3} else 0
            today = start + timedelta(day)
            maxima[today] = max(value, maxima.get(today, 0.0))
            if day >= _LEARNT:
                forecast = forecast_limit(maxima, 100, today)
                left, hours = forecast.days_left(today), hours + 1
                false += left is not None and left <= _SOON
                if forecast.on is not None:
                    errors.append(abs((forecast.on - full_on).days))
    times = _time(
        lambda: [forecast_limit(maxima, 100, today) for _it in range(4 * HOSTS)], rounds=5
    )
    errors.sort()
    what[FORECAST] = (
        f"{4 * HOSTS} disks; over four simulated weeks with a nightly dump, 20 times: {false} false"
        f" alarms in {hours} hours; the date is right to {median(errors):.0f} days in half of them,"
        f" {errors[len(errors) * 95 // 100]} in 95 of 100, {errors[-1]} at most"
    )
    return {FORECAST: times, "false": false, "days_off": errors[len(errors) * 95 // 100]}


if __name__ == "__main__":
    raise SystemExit(main(*sys.argv[1:]))
