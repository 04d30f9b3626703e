"""Which snapshots a keep policy keeps, and why: pure decisions, the same as restic's ``forget``.

The rules (restic's manual, "Removing snapshots according to a policy"; confirmed against restic
0.18 by ``tests/property/test_retention.py``):

- Snapshots are divided into groups first; the policy is applied to each group alone.
- A group is looked at from its newest snapshot to its oldest. A counting rule keeps a snapshot when
  it falls into another hour, day, ISO week, month or year than the one that rule kept last, until
  its count is used up. While counts remain the oldest snapshot of the group is kept as well.
- Durations are measured back from the newest snapshot that does not lie in the future.
- Calendar hours, days and so on are those of the offset written in each snapshot's own time.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Generic

from backup.errors import BackupError, UsageError
from backup.snapshots.groups import GroupKey, SnapshotT, has_all_tags, sort_newest_first

UNLIMITED = -1

_DURATION = re.compile(r"(?:[0-9]+[ymdh])*")
_DURATION_PART = re.compile(r"([0-9]+)([ymdh])")
_MONTHS_IN_YEAR = 12


@dataclass(frozen=True, slots=True)
class CalendarDuration:
    """A stretch of calendar time; none of its parts is negative. False if all parts are zero."""

    years: int = 0
    months: int = 0
    days: int = 0
    hours: int = 0

    def __bool__(self) -> bool:
        return any((self.years, self.months, self.days, self.hours))

    def __str__(self) -> str:
        parts = ((self.years, "y"), (self.months, "m"), (self.days, "d"), (self.hours, "h"))
        return "".join(f"{number}{unit}" for number, unit in parts if number)

    def before(self, moment: datetime) -> datetime | None:
        """Go back by this duration from `moment`, in the offset of `moment`.

        A day that its month does not have runs over into the next one: a month before 31 March is
        3 March (2 March in a leap year).

        Returns:
            The moment; None when it lies before year 1.
        """
        month_number = (moment.year - self.years) * _MONTHS_IN_YEAR + moment.month - 1 - self.months
        year, month = divmod(month_number, _MONTHS_IN_YEAR)
        if year < 1:
            return None
        first_of_month = moment.replace(year=year, month=month + 1, day=1)
        try:
            return first_of_month + timedelta(days=moment.day - 1 - self.days, hours=-self.hours)
        except OverflowError:
            return None


NO_DURATION = CalendarDuration()


@dataclass(frozen=True, slots=True)
class KeepPolicy:
    """What to keep. A count of 0 and an empty duration switch a rule off.

    Attributes:
        last: How many of the newest snapshots; `UNLIMITED` keeps all. So with the next five.
        hourly: How many hours with a snapshot; the newest one of each is kept.
        daily: How many days.
        weekly: How many ISO weeks.
        monthly: How many months.
        yearly: How many years.
        within: Every snapshot younger than this.
        within_hourly: The newest snapshot of each hour younger than this.
        within_daily: The same for days.
        within_weekly: The same for ISO weeks.
        within_monthly: The same for months.
        within_yearly: The same for years.
        tags: Lists of tags; a snapshot that has all tags of any one list is kept.
    """

    last: int = 0
    hourly: int = 0
    daily: int = 0
    weekly: int = 0
    monthly: int = 0
    yearly: int = 0
    within: CalendarDuration = NO_DURATION
    within_hourly: CalendarDuration = NO_DURATION
    within_daily: CalendarDuration = NO_DURATION
    within_weekly: CalendarDuration = NO_DURATION
    within_monthly: CalendarDuration = NO_DURATION
    within_yearly: CalendarDuration = NO_DURATION
    tags: tuple[tuple[str, ...], ...] = ()

    def __post_init__(self) -> None:
        for name in ("last", "hourly", "daily", "weekly", "monthly", "yearly"):
            count: int = getattr(self, name)
            if count < UNLIMITED:
                raise UsageError(
                    "cannot keep {count} snapshots (keep-{name})",
                    next_step="give a number from 0, or the word unlimited",
                    count=count,
                    name=name,
                )

    @property
    def is_empty(self) -> bool:
        """Whether no rule is switched on."""
        return self == KeepPolicy()


@dataclass(frozen=True, slots=True)
class Verdict(Generic[SnapshotT]):
    """What is decided about one snapshot.

    Attributes:
        snapshot: The snapshot.
        keep: Whether it stays.
        reasons: Why it stays, in restic's words, e.g. "last snapshot", "oldest weekly snapshot",
            "within 3d", "daily within 1m", "has tags [yearly, legal]". Empty when it does not
            stay, and when it stays only because the policy is empty.
    """

    snapshot: SnapshotT
    keep: bool
    reasons: tuple[str, ...]


def parse_duration(text: str) -> CalendarDuration:
    """Read a duration such as ``2y5m7d3h``: years, months, days, hours, each of them optional.

    Of a unit given twice the last one counts. Empty text is the empty duration.

    Raises:
        UsageError: The text is something else.
    """
    stripped = text.strip()
    if not _DURATION.fullmatch(stripped):
        raise UsageError(
            'cannot read the duration "{text}"',
            why="a duration is made of whole years, months, days and hours",
            next_step="write it like 2y5m7d3h",
            text=text,
        )
    numbers = {unit: int(number) for number, unit in _DURATION_PART.findall(stripped)}
    return CalendarDuration(
        years=numbers.get("y", 0),
        months=numbers.get("m", 0),
        days=numbers.get("d", 0),
        hours=numbers.get("h", 0),
    )


def parse_count(text: str) -> int:
    """Read the count of a keep rule: a number from 0, or ``unlimited`` for `UNLIMITED`.

    Raises:
        UsageError: The text is something else.
    """
    if text == "unlimited":
        return UNLIMITED
    if not re.fullmatch(r"[+]?[0-9]+", text):
        raise UsageError(
            'cannot read the count "{text}"',
            next_step="give a number from 0, or the word unlimited",
            text=text,
        )
    return int(text)


def parse_tag_list(text: str) -> tuple[str, ...]:
    """Split the value of ``--keep-tag`` or ``--tag`` at its commas; one empty tag if it is empty.

    The empty tag stands for snapshots that have no tags.
    """
    return tuple(tag.strip() for tag in text.split(","))


def decide_kept(
    snapshots: Iterable[SnapshotT], policy: KeepPolicy, *, now: datetime
) -> list[Verdict[SnapshotT]]:
    """Decide about the snapshots of one group.

    An empty policy keeps everything. Of two snapshots of the same instant the one with the smaller
    id is looked at first.

    Args:
        snapshots: The snapshots of one group in any order.
        policy: What to keep.
        now: Present moment, aware; snapshots later than this do not count as the newest one from
            which durations are measured.

    Returns:
        One verdict per snapshot, newest first.
    """
    ordered = sort_newest_first(snapshots)
    if policy.is_empty:
        return [Verdict(snapshot, keep=True, reasons=()) for snapshot in ordered]
    newest = max((snapshot.time for snapshot in ordered if snapshot.time < now), default=None)
    rules = _make_rules(policy, newest)
    verdicts = []
    for position, snapshot in enumerate(ordered):
        is_oldest = position == len(ordered) - 1
        reasons = [
            f"has tags [{', '.join(tags)}]" for tags in policy.tags if has_all_tags(snapshot, tags)
        ]
        reasons += filter(
            None, (rule.decide(snapshot.time, position, is_oldest=is_oldest) for rule in rules)
        )
        verdicts.append(Verdict(snapshot, keep=bool(reasons), reasons=tuple(reasons)))
    return verdicts


def refuse_emptied_group(
    key: GroupKey, verdicts: Sequence[Verdict[SnapshotT]], *, policy: KeepPolicy
) -> None:
    """Refuse a policy that would leave nothing of a group, as restic does.

    Raises:
        BackupError: The group has snapshots and none of them is kept.
    """
    if verdicts and not policy.is_empty and not any(verdict.keep for verdict in verdicts):
        raise BackupError(
            'refusing to remove all {count} snapshots of the group "{group}"',
            why="the policy keeps none of them",
            data="nothing was removed",
            next_step="add a rule such as --keep-last 1, or name the snapshots to remove",
            count=len(verdicts),
            group=str(key),
        )


Bucket = Callable[[datetime, int], tuple[int, ...]]

_BUCKETS: dict[str, Bucket] = {
    "last": lambda _time, position: (position,),
    "hourly": lambda time, _position: (time.year, time.month, time.day, time.hour),
    "daily": lambda time, _position: (time.year, time.month, time.day),
    "weekly": lambda time, _position: tuple(time.isocalendar())[:2],
    "monthly": lambda time, _position: (time.year, time.month),
    "yearly": lambda time, _position: (time.year,),
}


@dataclass(slots=True)
class _Rule:
    """One rule of a policy while a group is looked at; it remembers what it kept last.

    Attributes:
        bucket: Gives what a snapshot must differ in to be kept; None keeps every one.
        label: Reason without the word "oldest".
        remaining: How many snapshots it may still keep; `UNLIMITED` for no bound.
        after: Only snapshots later than this are kept; None for all.
    """

    bucket: Bucket | None
    label: str
    remaining: int = UNLIMITED
    after: datetime | None = None
    last: tuple[int, ...] | None = None

    def decide(self, time: datetime, position: int, *, is_oldest: bool) -> str | None:
        """Give the reason to keep a snapshot, or None."""
        if self.remaining == 0 or (self.after is not None and time <= self.after):
            return None
        if self.bucket is None:
            return self.label
        value = self.bucket(time, position)
        is_new = value != self.last
        if not is_new and not is_oldest:
            return None
        self.last = value
        if self.remaining > 0:
            self.remaining -= 1
        return self.label if is_new else f"oldest {self.label}"


def _make_rules(policy: KeepPolicy, newest: datetime | None) -> list[_Rule]:
    """List the rules that are switched on, in the order in which restic names their reasons."""

    def start(duration: CalendarDuration) -> datetime | None:
        return None if newest is None else duration.before(newest)

    rules = []
    if policy.within:
        rules.append(_Rule(None, f"within {policy.within}", after=start(policy.within)))
    for name, bucket in _BUCKETS.items():
        count: int = getattr(policy, name)
        if count != 0:
            rules.append(_Rule(bucket, f"{name} snapshot", remaining=count))
    for name, bucket in _BUCKETS.items():
        within: CalendarDuration = getattr(policy, f"within_{name}", NO_DURATION)
        if within:
            rules.append(_Rule(bucket, f"{name} within {within}", after=start(within)))
    return rules
