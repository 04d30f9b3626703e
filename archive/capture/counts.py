"""Count items for the yearly report: by class and column, late ones, questions answered in time.

Pure: the items come from wherever the archive's index has them, the working days from whoever
knows the holidays. What cannot be decided is counted as such, never as in time.
"""

import tomllib
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from importlib import resources
from typing import Literal

import msgspec

from archive.capture.values import find_zone
from archive.errors import ArchiveError
from archive.metadata.item import Item, is_part

Due = Callable[[date, int], date | None]
"""Gives the day that lies so many working days after another; None beyond the known holidays."""

Verdict = Literal["in-time", "late", "waiting", "undecided"]


class Limit(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename={
    "content_class": "class", "since": "from"}):  # fmt: skip
    """How long something may take, from a day on.

    Attributes:
        content_class: Of the items.
        begins: What it counts from: `published`, a field with a day, or a step of the trail.
        ends: What has to have happened; any of several.
        working_days, hours: One of the two.
        own: Only of items that are the portal's own, or only of others; None of all.
        since, until: When the rule holds: by the day it counts from.
        basis: Which rule says so.
        certainty: How sure that is, as the table of duties has it.
    """

    content_class: str
    begins: str
    ends: tuple[str, ...] = ("published",)
    working_days: int = 0
    hours: int = 0
    own: bool | None = None
    since: date
    until: date | None = None
    basis: str
    certainty: Literal["S", "S*", "M", "own"]


@dataclass(frozen=True, slots=True)
class Judged:
    """One item against one limit; `due` is None where it cannot be said."""

    item: Item
    limit: Limit
    verdict: Verdict
    due: datetime | None


@dataclass(slots=True)
class Counts:
    """What a period brought.

    Attributes:
        classes: Class → items.
        columns: Class and column → items.
        withdrawn: Class → items that the portal no longer shows.
        verdicts: Class and verdict → items that have a limit.
        late: Those that came late, or wait longer than they may.
    """

    classes: Counter[str] = field(default_factory=Counter)
    columns: Counter[tuple[str, str]] = field(default_factory=Counter)
    withdrawn: Counter[str] = field(default_factory=Counter)
    verdicts: Counter[tuple[str, Verdict]] = field(default_factory=Counter)
    late: list[Judged] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Period:
    """A period of whole days, both included, and until when is looked."""

    first: date
    last: date
    now: datetime
    time_zone: str = "Asia/Ho_Chi_Minh"

    def day_of(self, moment: datetime) -> date:
        """Give a moment's day where the portal is."""
        return moment.astimezone(find_zone(self.time_zone)).date()


def read_limits(data: bytes | None = None) -> tuple[Limit, ...]:
    """Read a table of limits; the one that comes with the archive unless given.

    Raises:
        ArchiveError: It is not right; says where.
    """
    if data is None:
        data = resources.files("archive.capture").joinpath("limits.toml").read_bytes()
    try:
        rows = tomllib.loads(data.decode())["limits"]
        found = msgspec.convert(rows, tuple[Limit, ...])
    except (ValueError, KeyError, msgspec.MsgspecError) as error:
        raise ArchiveError("the table of limits cannot be used", why="{reason}",
                           reason=str(error)) from error  # fmt: skip
    for it in found:
        if bool(it.working_days) == bool(it.hours):
            raise ArchiveError("a limit of {name} has not one of `working_days` and `hours`",
                               name=it.content_class)  # fmt: skip
    return found


def count(items: Iterable[Item], limits: Sequence[Limit], period: Period, due: Due) -> Counts:
    """Count the items that were published, or received, in a period.

    A private part, and what readers said, are objects of their own and of the same class: each
    belongs to an item that is counted, and is not counted itself.
    """
    found = Counts()
    for item in items:
        moment = item.published or item.created
        if moment is None or not period.first <= period.day_of(moment) <= period.last:
            continue
        if is_part(item):
            continue
        found.classes[item.content_class] += 1
        found.columns[item.content_class, item.fields.get("column", "")] += 1
        found.withdrawn[item.content_class] += item.withdrawn is not None
        judged = judge(item, limits, period, due)
        if judged is None:
            continue
        found.verdicts[item.content_class, judged.verdict] += 1
        if judged.verdict == "late":
            found.late.append(judged)
    return found


def judge(item: Item, limits: Sequence[Limit], period: Period, due: Due) -> Judged | None:
    """Hold an item against the limit that was in force; None where there is none for it."""
    is_own = item.source.basis == "own"
    mine = [it for it in limits if it.content_class == item.content_class
            and it.own in {None, is_own}]  # fmt: skip
    if not mine:
        return None
    for limit in mine:
        begin = _when(item, limit.begins, period)
        if begin is None:
            continue
        day = period.day_of(begin)
        if limit.since <= day and (limit.until is None or day <= limit.until):
            end = min(filter(None, (_when(item, it, period) for it in limit.ends)), default=None)
            last = _last_moment(begin, limit, period, due)
            return Judged(item, limit, _decide(end, last, period.now), last)
    return Judged(item, mine[0], "undecided", None)


def _decide(end: datetime | None, last: datetime | None, now: datetime) -> Verdict:
    if last is None:
        return "undecided"
    if end is None:
        return "waiting" if now < last else "late"
    return "in-time" if end < last else "late"


def _last_moment(begin: datetime, limit: Limit, period: Period, due: Due) -> datetime | None:
    """Give the moment from which on it is late: the end of the last day, or so many hours on."""
    if limit.hours:
        return begin + timedelta(hours=limit.hours)
    day = due(period.day_of(begin), limit.working_days)
    return None if day is None else _midnight(day + timedelta(days=1), period)


def _when(item: Item, name: str, period: Period) -> datetime | None:
    if name == "published":
        return item.published
    if name in item.fields:
        try:
            return _midnight(date.fromisoformat(item.fields[name]), period)
        except ValueError:
            return None
    return next((moment for moment, status, _note in item.trail if status == name), None)


def _midnight(day: date, period: Period) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=find_zone(period.time_zone))
