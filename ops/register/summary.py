"""The register of a year in figures, for the summary that Điều 16(2) of the Regulation asks for."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from statistics import median
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from ops.errors import WrongUseError
from ops.register.entry import KINDS, Entry, Kind
from ops.register.records import Wanted, list_entries

_FIRST_YEAR, _LAST_YEAR = 2000, 2999


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What can be said of some entries; None where there is nothing to reckon with.

    Attributes:
        count, still_open: How many there are, and how many of them are not closed.
        serious: How many incidents were serious.
        answered: Median time from receipt to acknowledgement.
        restored: Median time from the event until it worked again.
        longest: The longest such time.
    """

    count: int
    still_open: int
    serious: int
    answered: timedelta | None
    restored: timedelta | None
    longest: timedelta | None


@dataclass(frozen=True, slots=True, kw_only=True)
class YearSummary:
    """The register of some time.

    Attributes:
        since, until: Received from the one on, and before the other.
        total: Of everything.
        by_kind: Each kind in the order of `KINDS`, also where nothing of it came.
        by_unit: Each unit that brought something, by name; those of no unit under the empty name.
        difficulties: Those received in the time, or before and still open, the oldest first.
        left_open: How many entries were received before the time and are still open.
    """

    since: datetime
    until: datetime
    total: Figures
    by_kind: Mapping[Kind, Figures]
    by_unit: Mapping[str, Figures]
    difficulties: tuple[Entry, ...]
    left_open: int = 0


def summarise(
    session: Session,
    since: datetime,
    until: datetime,
    *,
    kind: str = "",
    site: str = "",
    unit: str = "",
) -> YearSummary:
    """Give the figures of what was received in a time, of all or of these alone; two queries."""
    wanted = Wanted(kind=kind, site=site, unit=unit, since=since, until=until)
    before = replace(wanted, since=None, until=since, only_open=True)
    earlier = list_entries(session, before, limit=None)
    return sum_up(list_entries(session, wanted, limit=None), since, until, earlier)


def year_bounds(year: int, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """Give the first moment of a calendar year, and the first one after it."""
    if not _FIRST_YEAR <= year <= _LAST_YEAR:
        raise WrongUseError(
            "there is no register of the year {year}",
            next_step="give `--year` as four digits, such as 2026",
            year=year,
        )
    return datetime(year, 1, 1, tzinfo=zone), datetime(year + 1, 1, 1, tzinfo=zone)


def sum_up(
    entries: Iterable[Entry], since: datetime, until: datetime, earlier: Sequence[Entry] = ()
) -> YearSummary:
    """Reckon the figures of entries, and tell what is left open of earlier ones; pure."""
    found = _in_order(entries)
    units = sorted({it.unit for it in found})
    return YearSummary(
        since=since,
        until=until,
        total=_figures(found),
        by_kind={kind: _figures(it for it in found if it.kind == kind) for kind in KINDS},
        by_unit={unit: _figures(it for it in found if it.unit == unit) for unit in units},
        difficulties=tuple(it for it in (*_in_order(earlier), *found) if it.kind == "difficulty"),
        left_open=len(earlier),
    )


def _in_order(entries: Iterable[Entry]) -> list[Entry]:
    return sorted(entries, key=lambda it: (it.received_at, it.called))


def _figures(entries: Iterable[Entry]) -> Figures:
    found = list(entries)
    restored = _spans(found, lambda it: (it.occurred_at, it.restored_at))
    return Figures(
        count=len(found),
        still_open=sum(it.state != "closed" for it in found),
        serious=sum(it.is_serious for it in found),
        answered=_middle(_spans(found, lambda it: (it.received_at, it.acknowledged_at))),
        restored=_middle(restored),
        longest=max(restored, default=None),
    )


def _spans(
    entries: Iterable[Entry], ends: Callable[[Entry], tuple[datetime, datetime | None]]
) -> list[timedelta]:
    found = (ends(it) for it in entries)
    return [end - begin for begin, end in found if end is not None]


def _middle(spans: list[timedelta]) -> timedelta | None:
    if not spans:
        return None
    return timedelta(seconds=median(it.total_seconds() for it in spans))
