"""From numbers to places on paper; pure."""

import math
from collections.abc import Iterable
from dataclasses import dataclass

_EQUAL = 1e-6


@dataclass(frozen=True, slots=True)
class Scale:
    """A straight axis.

    Attributes:
        low, high: The numbers at its two ends; never equal.
        begin, end: Where these lie.
    """

    low: float
    high: float
    begin: float
    end: float

    def place(self, value: float) -> float:
        """Give where a number lies; beyond the ends is put on the end."""
        share = (min(max(value, self.low), self.high) - self.low) / (self.high - self.low)
        return self.begin + share * (self.end - self.begin)


def choose_ticks(low: float, high: float, most: int = 6, *, least_step: float = 0.0) -> list[float]:
    """Give round numbers that enclose a range, rising: steps of 1, 2, 2.5 or 5 times a power of 10.

    Ends that are as good as equal give a range around them; there are at least two ticks. Of whole
    numbers, such as counts, none of the ticks lies between two: `least_step` is 1.
    """
    size = max(1.0, abs(low), abs(high))
    if high - low < _EQUAL * size:
        low, high = (low - size / 2, high + size / 2) if low else (0.0, 1.0)
    rough = max((high - low) / most, least_step)
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(it * power for it in (1, 2, 2.5, 5, 10) if it * power >= rough * (1 - 1e-9))
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [round(it * step, 12) for it in range(first, last + 1)]


def find_range(values: Iterable[float], *, from_zero: bool) -> tuple[float, float]:
    """Give the smallest and largest number; (0, 1) where there is none."""
    found = [it for it in values if math.isfinite(it)]
    if not found:
        return 0.0, 1.0
    low, high = min(found), max(found)
    return (min(0.0, low), max(0.0, high)) if from_zero else (low, high)
