"""In figures: what duties asked for in a time and what came of it, by their verdicts alone.

Nothing is reckoned here that `duty.evidence` does not tell: a verdict is counted, never made.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Literal, TypeVar, get_args

from sqlalchemy.orm import Session

from ops.duties.evidence.due import Period
from ops.duties.evidence.judge import find_records, find_verdicts_in
from ops.duties.evidence.verdicts import Records, Verdict
from ops.duties.reminders import make_setting
from ops.duties.table.load import DutiesError, load_duties
from ops.duties.table.models import Duty
from ops.estate.model.estate import Estate
from ops.reports.figures.figure import Figure, Timespan

_DAY = timedelta(days=1)
Standing = Literal["met", "stated", "missed", "unknown", "unrecorded"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Owed:
    """How many periods, each of one subject, ended how.

    Attributes:
        met: Proven.
        stated: Somebody says that it was done, and nothing proves it.
        missed: Not done, done too late, too little of it, or tried and failed.
        unknown: It could not be checked, or what would prove it is not kept.
        unrecorded: Before anything was recorded: nobody can judge them.
    """

    met: int = 0
    stated: int = 0
    missed: int = 0
    unknown: int = 0
    unrecorded: int = 0

    @property
    def judged(self) -> int:
        """How many were owed while there were records."""
        return self.met + self.missed + self.undecided

    @property
    def undecided(self) -> int:
        """How many nobody can call met or missed: what is only stated among them."""
        return self.stated + self.unknown

    @property
    def is_whole(self) -> bool:
        """Whether anything was owed, and all of it is proven."""
        return 0 < self.met == self.judged

    def __add__(self, other: "Owed") -> "Owed":
        """Add another."""
        names = get_args(Standing)
        return Owed(**{name: getattr(self, name) + getattr(other, name) for name in names})


@dataclass(frozen=True, slots=True, kw_only=True)
class DutyCount:
    """What became of one duty.

    Attributes:
        duty: Its last row of the time.
        by_subject: Of each system or site; of the organisation under the empty name.
        by_month: By the window's month in which a period ended.
        judged_from: First day of the first period that was judged; None where none was.
    """

    duty: Duty
    by_subject: Mapping[str, Owed]
    by_month: tuple[Owed, ...]
    judged_from: date | None

    @property
    def total(self) -> Owed:
        """Of all subjects."""
        return sum(self.by_month, Owed())

    def of(self, subject: str) -> Owed:
        """Give that of one."""
        return self.by_subject.get(subject, Owed())


@dataclass(frozen=True, slots=True)
class Duties:
    """What became of every duty that something was owed of.

    Attributes:
        counts: By the duty's name, in the order of the table.
        records: Of which days there are records.
    """

    counts: Mapping[str, DutyCount]
    records: Records

    @property
    def backup(self) -> DutyCount | None:
        """The one that asks for a backup of each site; None where the table has none."""
        return next((it for it in self.counts.values() if _asks_for_backups(it.duty)), None)

    def share_wanted(self, query: str) -> int | None:
        """Give the percentage that the duty with a query aims at; None where there is none."""
        found = (it.duty.evidence for it in self.counts.values())
        return next((it.percent for it in found if it.query == query), None)


def _asks_for_backups(duty: Duty) -> bool:
    return duty.every is not None and duty.evidence.run_kind == "backup"


def count_duties(
    session: Session, estate: Estate, window: Timespan, now: datetime
) -> Figure[Duties]:
    """Count the verdicts of every period that ended in a time, and is over.

    Nobody knows where the table of duties has mistakes; `estate.check` tells them.
    """
    try:
        duties, setting = load_duties(estate).duties, make_setting(estate, now)
    except DutiesError:
        return Figure(None, "duties")
    time = Period(window.first, window.last)
    found: dict[str, DutyCount] = {}
    for duty in duties:
        verdicts = find_verdicts_in(session, duty, setting, time)
        over = (it for it in verdicts if it.period.end < setting.today)
        counted = _count(duty, over, window)
        if counted is not None:
            known = found.get(duty.name)
            found[duty.name] = _join(known, counted) if known else counted
    return Figure(Duties(found, find_records(session, setting)), "duties")


def _count(duty: Duty, verdicts: Iterable[Verdict], window: Timespan) -> DutyCount | None:
    """Count the verdicts of a row; None where nothing was owed; pure."""
    ends = [it.last for it in window.months()]
    by_subject, by_month = Counter[tuple[str, Standing]](), Counter[tuple[int, Standing]]()
    begins = set[date]()
    for it in verdicts:
        standing = tell_standing(it)
        if standing is None:
            continue
        by_subject[it.subject, standing] += 1
        # An event's term may end after the time.
        by_month[min(bisect_left(ends, it.period.end), len(ends) - 1), standing] += 1
        if standing != "unrecorded":
            begins.add(it.period.start)
    if not by_subject:
        return None
    names = dict.fromkeys(name for name, _standing in by_subject)
    return DutyCount(
        duty=duty,
        by_subject={it: _owed(by_subject, it) for it in names},
        by_month=tuple(_owed(by_month, it) for it in range(len(ends))),
        judged_from=min(begins, default=None),
    )


_Key = TypeVar("_Key", str, int)


def _owed(counted: Mapping[tuple[_Key, Standing], int], key: _Key) -> Owed:
    return Owed(**{it: counted.get((key, it), 0) for it in get_args(Standing)})


def tell_standing(verdict: Verdict) -> Standing | None:
    """Say where a verdict counts; None where nothing is done and its term still runs; pure."""
    if verdict.outcome == "ok":
        return "met"
    if verdict.outcome == "stated":
        return "stated"
    if verdict.outcome != "not_checked":
        return "missed"
    if verdict.reason == "nothing_yet":
        return None
    return "unrecorded" if verdict.reason == "no_records" else "unknown"


def _join(before: DutyCount, row: DutyCount) -> DutyCount:
    """Put two rows of one duty together."""
    names = {**before.by_subject, **row.by_subject}
    begins = [it for it in (before.judged_from, row.judged_from) if it is not None]
    return replace(
        row,
        by_subject={name: before.of(name) + row.of(name) for name in names},
        by_month=tuple(a + b for a, b in zip(before.by_month, row.by_month, strict=True)),
        judged_from=min(begins, default=None),
    )


def find_unjudged(
    counted: DutyCount, records: Records, window: Timespan
) -> Iterator[tuple[Period, str]]:
    """Yield the days of a time that a duty is not judged for, and why; pure.

    Yields:
        The days, and `no_records`, or `not_in_force` where the table did not ask for it yet.
    """
    began = counted.judged_from or window.last + _DAY
    if began > window.first:
        has_records = records.since is not None and records.since <= window.first
        yield Period(window.first, began - _DAY), "not_in_force" if has_records else "no_records"
    for gap in records.gaps:
        if began <= gap.end and gap.start <= window.last:
            yield Period(max(gap.start, began), min(gap.end, window.last)), "no_records"
