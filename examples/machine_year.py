"""What the watch would have measured over the year: the one part of it that is invented.

The names of the figures are those of a real look at this machine and the sites; so are most of
today's values, which the invented ones lead to. The machine is busy in office hours. The disk fills
over the last two months, up to where it really stands, so that the forecast has a day to tell.
"""

import math
import random
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from datetime import time as day_time
from pathlib import Path

from sqlalchemy import insert

from examples import moved_clock
from examples.failure import DemoFailedError
from examples.served import served
from examples.typed import Terminal
from ops.monitor.probes.probe import probe_sites
from ops.monitor.probes.result import list_points
from ops.monitor.probes.target import list_targets, surroundings_of
from ops.monitor.samples.look import list_look_points
from ops.monitor.samples.sampler import Sampler
from ops.monitor.series.read import Point, split_metric
from ops.monitor.series.store import days, open_series, series_url
from ops.monitor.series.write import write_points

DAYS = 6
"""So many are kept at a time; what is older the store refuses."""

_MINUTES = 24 * 60
_FILLING_DAYS = 60
_FULLER = 0.7
_DENSE_DAYS = 2
_CPU = "cpu_percent"
_DAILY = frozenset({_CPU, "load5"})
_WAVERING = frozenset({"memory_percent", "probe_first_byte_seconds", "probe_whole_seconds",
                       "probe_name_seconds", "probe_connect_seconds"})  # fmt: skip
_IDLE, _BUSY = {_CPU: 6.0, "load5": 0.15}, {_CPU: 34.0, "load5": 1.1}
"""Of the night, and what office hours add: how busy a machine is just now tells little."""

_OPENS = 6
_SECOND_LOOK = (("host:this-machine", _CPU, 0.0), ("store:near", "store_used_bytes", 4.5e6))
"""What one look cannot tell."""

_LOOK_SECONDS = 20.0

Figure = tuple[str, str, float]

DOWN = {
    ("cong-xa", 56): (20 * 60 + 2, 66), ("phuong-tan-lap", 142): (3 * 60, 25),
    ("so-cong-thuong", 231): (13 * 60 + 40, 95), ("so-cong-thuong", 17): (9 * 60 + 12, 7),
}  # fmt: skip
"""Site and days ago → minute of the day from which it was down, and for how many."""

_UNWATCHED = {199: (0, 240)}
"""Days ago → minute from which nobody looked, and for how many: the service was upgraded."""


@dataclass(slots=True)
class MachineYear:
    """Keeps a few days at a time."""

    terminal: Terminal
    folder: Path
    _figures: list[Figure] = field(default_factory=list)
    _dice: random.Random = field(default_factory=lambda: random.Random(2026))  # noqa: S311 - no secret

    def keep(self, last: int, today: date) -> None:
        """Keep the days up to one, so many days before today; the service rolls them up later.

        Of today's, figures up to this moment; whether sites answered, the watch itself has seen.
        """
        estate = self.terminal.estate
        self._figures = self._figures or list(self._look())
        store, now = open_series(series_url(estate)), moved_clock.now()
        try:
            for ago in range(last + DAYS, last or -1, -1):
                day = today - timedelta(days=ago)
                midnight = datetime.combine(day, day_time(), estate.zone).astimezone(UTC)
                rows = [_day_row(it.name, ago, day) for it in estate.sites if ago]
                with store.writing() as connection:
                    for row in rows:
                        connection.execute(insert(days).prefix_with("OR REPLACE"), row)
                refused = write_points(
                    store, list(self._points(ago, midnight)), now if ago else datetime.now(UTC)
                )
                if refused:
                    raise DemoFailedError(f"{len(refused)}: {refused[0]}")
        finally:
            store.close()

    def _look(self) -> Iterator[Figure]:
        """Look at this machine and the sites once, for real."""
        estate = self.terminal.estate
        sampler, deadline = Sampler(estate), time.monotonic() + _LOOK_SECONDS
        try:
            yield from list_look_points(sampler.look(deadline, with_upkeep=False))
            yield from _SECOND_LOOK
        finally:
            sampler.close()
        with served(estate):
            found = probe_sites(list_targets(estate), {}, moved_clock.now(), deadline=deadline,
                                around=surroundings_of(estate))  # fmt: skip
        for it in found:
            yield from ((f"site:{it.site}", *point) for point in list_points(it).items())

    def _points(self, ago: int, midnight: datetime) -> Iterator[Point]:
        hours: Sequence[float] = (3, 9, 15, 21) if ago <= _FILLING_DAYS + DAYS else (15,)
        if ago <= _DENSE_DAYS:
            hours = [it / 2 for it in range(48)]
        for hour in hours:
            at = midnight + timedelta(hours=hour)
            if at > datetime.now(UTC):
                return
            for subject, metric, value in self._figures:
                name = split_metric(metric)[0]
                yield Point(subject, metric, at, self._vary(name, value, ago, hour))

    def _vary(self, name: str, value: float, ago: int, hour: float) -> float:
        if name in _DAILY:
            office = max(0.0, math.sin(math.pi * (hour - _OPENS) / 13)) if hour > _OPENS else 0.0
            return (_IDLE[name] + _BUSY[name] * office) * self._dice.uniform(0.8, 1.2)
        if name == "store_used_bytes":
            return value * (1 - _FULLER * ago / 365)
        if name == "disk_percent":
            filled = 1 - _FULLER * min(ago - hour / 24, _FILLING_DAYS) / _FILLING_DAYS
            return value * filled * self._dice.uniform(0.99, 1.01)
        if name in _WAVERING:
            return value * self._dice.uniform(0.7, 1.3)
        return value


def _day_row(site: str, ago: int, day: date) -> dict[str, object]:
    """Give a day of a site as the watch keeps it: a bit a minute for each verdict."""
    from_, count = DOWN.get((site, ago), (0, 0))
    unwatched, missing = _UNWATCHED.get(ago, (0, 0))
    down = _bits(from_, count)
    up = _bits(0, _MINUTES) & ~down & ~_bits(unwatched, missing)
    packed = {"up": _pack(up), "down": _pack(down), "unknown": b""}
    return {"site": site, "day": day, **packed}


def _bits(first: int, count: int) -> int:
    return ((1 << count) - 1) << first


def _pack(bits: int) -> bytes:
    return bits.to_bytes((bits.bit_length() + 7) // 8, "little")
