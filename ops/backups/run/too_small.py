"""Is a good run strangely fast, or did it read strangely little? Judged against its own history.

The danger is a job that reports success and saved next to nothing: an empty dump, a folder that is
not mounted. So each measure of a run is held against a band learnt from the good runs before it;
pure arithmetic, and every verdict says what it was made from.

For each measure the middle of the band is the median. Its lower edge lies four spreads below, in
logarithms, where a spread is the median distance from the median, made comparable to a standard
deviation, and at least a floor: what hardly ever varies may still vary a little. Whatever a good
run has had before is never strange: nine tenths of the smallest value seen is not below the band.
So a run that was strange itself must not be learnt from until a person accepts its size.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Any

NEEDED_RUNS = 5
"""Good runs that must have gone before; with fewer nothing is judged."""

LEARNT_FROM = 30
"""Good runs that are looked back on."""

SECONDS = "seconds"
_SPREADS = 4.0
_NORMAL = 1.4826  # median distance to standard deviation, for a normal distribution
_TIME_FLOOR = 0.35
_SIZE_FLOOR = 0.05
_WORTH_SECONDS = 10.0
_WORTH_BYTES = 65_536.0
_USUAL = 0.9


@dataclass(frozen=True, slots=True)
class RunFigures:
    """What is compared of a run.

    Attributes:
        seconds: How long it took.
        parts: Bytes read, by part of the site.
    """

    seconds: float
    parts: Mapping[str, int] = field(default_factory=dict)

    @classmethod
    def from_summary(cls, summary: Mapping[str, Any]) -> "RunFigures":
        """Read the figures from a run's summary in the catalog."""
        return cls(float(summary.get("seconds", 0.0)), dict(summary.get("parts", {})))


@dataclass(frozen=True, slots=True)
class Oddity:
    """One measure below its band.

    Attributes:
        measure: `seconds`, or a part's path in the snapshot.
        value: What it was.
        lowest: Lower edge of the band.
        typical: Its middle.
        runs: Good runs it was learnt from.
    """

    measure: str
    value: float
    lowest: float
    typical: float
    runs: int


def find_oddities(run: RunFigures, history: Sequence[RunFigures]) -> list[Oddity]:
    """Give every measure of a good run that lies below its band; the duration first.

    Args:
        run: The run to judge.
        history: The good runs before it, in any order; the newest `LEARNT_FROM` are enough.
    """
    seconds = [past.seconds for past in history]
    found = [_judge(SECONDS, run.seconds, seconds, floor=_TIME_FLOOR, worth=_WORTH_SECONDS)]
    for part, size in run.parts.items():
        sizes = [float(past.parts[part]) for past in history if part in past.parts]
        found.append(_judge(part, float(size), sizes, floor=_SIZE_FLOOR, worth=_WORTH_BYTES))
    return [oddity for oddity in found if oddity is not None]


def _judge(
    measure: str, value: float, past: Sequence[float], *, floor: float, worth: float
) -> Oddity | None:
    if len(past) < NEEDED_RUNS:
        return None
    typical = median(past)
    if typical < worth:
        return None  # so little that its variation says nothing
    lowest = min(_lower_edge(past, floor), _USUAL * min(past))
    if value >= lowest:
        return None
    return Oddity(measure, value, round(lowest, 1), round(typical, 1), len(past))


def _lower_edge(past: Sequence[float], floor: float) -> float:
    logarithms = [math.log(max(value, 1e-3)) for value in past]
    middle = median(logarithms)
    spread = _NORMAL * median(abs(value - middle) for value in logarithms)
    return math.exp(middle - _SPREADS * max(spread, floor))
