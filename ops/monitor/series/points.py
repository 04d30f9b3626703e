"""One number at one moment, and what is refused before it reaches a table; pure.

A subject is `KIND:NAME`: `host:web1`, `site:cong-chinh`, `store:near`, `service:giucong`. A metric
is a lower-case name that ends with its unit where it has one, and may say in brackets which of
several it is: `load1`, `memory_used_percent`, `disk_used_percent[/var]`.
"""

import math
import re
from collections.abc import Container, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

SCALE = 1_000
"""Values are kept as whole thousandths: databases write small integers in few bytes."""

AHEAD = timedelta(minutes=5)
LATE = timedelta(days=6)
"""A day less than raw numbers are kept: a late one can still be rolled up with its neighbours."""

_LARGEST = 9e15  # thousandths of it fit 64 bits
_SUBJECT = re.compile(r"[a-z]+:[^\x00-\x1f\x7f]{1,200}")
_METRIC = re.compile(r"([a-z][a-z0-9_]{0,63})(?:\[([^\x00-\x1f\x7f]{1,200})\])?")

Why = Literal["not-finite", "too-large", "in-the-future", "too-late", "bad-name", "too-many"]


@dataclass(frozen=True, slots=True)
class Point:
    """A number.

    Attributes:
        subject, metric: As the module says.
        at: Aware; kept to the second.
        value: In the metric's unit, kept to a thousandth of it.
    """

    subject: str
    metric: str
    at: datetime
    value: float


@dataclass(frozen=True, slots=True)
class Refused:
    """A point that is not kept, and why."""

    point: Point
    why: Why


def check_points(
    points: Iterable[Point], now: datetime, known: Container[tuple[str, str]] = ()
) -> tuple[list[Point], list[Refused]]:
    """Part what may be kept from what may not, both in the order given.

    Args:
        points: To be looked at.
        now: Aware.
        known: Subjects and metrics whose names were looked at before.
    """
    good: list[Point] = []
    refused: list[Refused] = []
    for point in points:
        why = _find_fault(point, now)
        if why is None and (point.subject, point.metric) not in known and not _is_named(point):
            why = "bad-name"
        if why is None:
            good.append(point)
        else:
            refused.append(Refused(point, why))
    return good, refused


def _find_fault(point: Point, now: datetime) -> Why | None:
    if not math.isfinite(point.value):
        return "not-finite"
    if abs(point.value) > _LARGEST:
        return "too-large"
    if point.at > now + AHEAD:
        return "in-the-future"
    if point.at < now - LATE:
        return "too-late"
    return None


def _is_named(point: Point) -> bool:
    return bool(_SUBJECT.fullmatch(point.subject) and _METRIC.fullmatch(point.metric))


def split_metric(metric: str) -> tuple[str, str]:
    """Give the name, and which of several it is; empty where there is one: `("load1", "")`."""
    match = _METRIC.fullmatch(metric)
    return (match[1], match[2] or "") if match else (metric, "")


def to_thousandths(value: float) -> int:
    """Give the whole number that is kept."""
    return round(value * SCALE)
