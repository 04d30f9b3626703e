"""What a year brought, counted from the archive: for reports, and for a person at a terminal.

Classes and columns, what came late against the limits of the law, questions answered in time. The
index says which items a period has; the items themselves say the rest. Of what lies in the private
root only numbers and keys are given out, never a word of it.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from archive.capture.counts import Counts, Judged, Limit, Period, Verdict, count, read_limits
from archive.errors import ArchiveError
from archive.metadata.item import ITEM_FILE, Grade, Item, parse_item
from backup.progress import SILENT, Progress
from ops.archives.places import opened_index, own_places
from ops.duties.evidence.due import BeyondTableError, WorkCalendar
from ops.duties.table.load import load_calendar
from ops.estate.model.estate import Estate

QUESTIONS = "feedback"
"""Class of questions and petitions; see `archive.capture.captured`."""

_VERDICTS: tuple[Verdict, ...] = ("in-time", "late", "waiting", "undecided")


@dataclass(slots=True)
class Counted:
    """What was counted.

    Attributes:
        period: Of these days.
        counts: What they brought.
        limits: Those that items were held against.
        unread: Ids of objects that could not be read, and are in no count.
    """

    period: Period
    counts: Counts
    limits: tuple[Limit, ...]
    unread: list[str] = field(default_factory=list)

    def classes(self) -> list[dict[str, Any]]:
        """Give a row for each class: items, gone ones, and verdicts where it has a limit."""
        found = self.counts
        limited = {it.content_class for it in self.limits}
        return [
            {
                "class": name,
                "items": number,
                "withdrawn": found.withdrawn[name],
                "has_limit": name in limited,
                **_verdicts(found, name),
            }
            for name, number in sorted(found.classes.items())
        ]

    def columns(self) -> list[dict[str, Any]]:
        """Give a row for each class and column, most items first."""
        ranked = sorted(self.counts.columns.items(), key=lambda it: (-it[1], it[0]))
        return [
            {"class": name, "column": column, "items": number} for (name, column), number in ranked
        ]

    def late(self) -> list[dict[str, Any]]:
        """Give a row for each item that came late; private ones without their title."""
        return [_late_row(it) for it in self.counts.late]

    def questions(self) -> dict[str, int]:
        """Give how many questions came in, and how they were answered."""
        return {"received": self.counts.classes[QUESTIONS], **_verdicts(self.counts, QUESTIONS)}


def count_items(
    estate: Estate,
    first: date,
    last: date,
    now: datetime,
    *,
    site: str = "",
    progress: Progress = SILENT,
) -> Counted:
    """Count what was published, or received, on these days, both included.

    Args:
        estate: The estate in force.
        first: Day where the portal is.
        last: The same.
        now: Until when is looked: what is not answered by then waits, or is late.
        site: One site; empty: all.
        progress: Told of each object.
    """
    period = Period(first, last, now, estate.organisation.timezone)
    limits = read_limits()
    counted = Counted(period, Counts(), limits)
    calendar = load_calendar(estate)
    items = _items(estate, counted, site, progress)
    counted.counts = count(items, limits, period, lambda day, days: _due(calendar, day, days))
    return counted


def _items(estate: Estate, counted: Counted, site: str, progress: Progress) -> Iterator[Item]:
    period = counted.period
    for place in own_places(estate):
        if place.index is None or not place.index.exists():
            continue
        with opened_index(place, read_only=True) as index:
            ids = index.ids_between(period.first, period.last, site)
        if not ids:
            continue
        root = place.root()
        progress.start("count items", len(ids), "items")
        for item_id in ids:
            progress.advance(1)
            try:
                item = parse_item(root.find(item_id).read(ITEM_FILE))
            except (ArchiveError, OSError):
                counted.unread.append(item_id)
                continue
            yield item
        progress.finish()


def _verdicts(counts: Counts, name: str) -> dict[str, int]:
    return {it.replace("-", "_"): counts.verdicts[name, it] for it in _VERDICTS}


def _due(calendar: WorkCalendar, day: date, days: int) -> date | None:
    try:
        return calendar.add_working_days(day, days)
    except BeyondTableError:
        return None


def _late_row(judged: Judged) -> dict[str, Any]:
    item, limit = judged.item, judged.limit
    return {
        "id": item.id,
        "site": item.site,
        "class": item.content_class,
        "key": item.source_key,
        "title": item.title if item.grade < Grade.RESTRICTED else "",
        "private": item.grade >= Grade.RESTRICTED,
        "due": judged.due,
        "basis": limit.basis,
        "certainty": limit.certainty,
    }
