"""What a year brought, counted from the archive: for reports, and for a person at a terminal.

Classes and columns, what came late against the limits of the law, questions answered in time. The
index says which items a period has; the items themselves say the rest. Of what lies in the private
root only numbers and keys are given out, never a word of it.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from functools import partial
from typing import Any

from archive.capture.counts import Counts, Judged, Limit, Period, Verdict, count, read_limits
from archive.errors import ArchiveError
from archive.metadata.item import ITEM_FILE, Grade, Item, parse_item
from backup.progress import SILENT, Progress
from ops.archives.cli import read_day
from ops.archives.places import opened_index, own_places
from ops.archives.tasks import ArchiveStatus
from ops.duties.evidence.due import BeyondTableError, WorkCalendar
from ops.duties.table.load import load_calendar
from ops.errors import WrongUseError
from ops.estate.choose import choose_sites
from ops.estate.load.load import load_estate
from ops.estate.model.estate import Estate
from ops.language.formats import format_number
from ops.language.text import N_, _, fill
from ops.terminal.exit_codes import INCOMPLETE
from ops.terminal.output import Cell, write_json, write_line
from ops.terminal.progress import shown_progress
from ops.terminal.view import Column, Row, View, moment, number, short_id, write_list

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


_SHOWN = 50


def _judged(name: str) -> Callable[[Row], Any]:
    return lambda row: row[name] if row["has_limit"] else None


def _late(value: int, _zone: str) -> Cell:
    return Cell(format_number(value), "warning" if value else "plain")


CLASSES = View(
    N_("no item is like that"),
    Column("class", N_("Class")),
    Column("items", N_("Items"), number),
    Column("withdrawn", N_("Gone"), number),
    Column("in_time", N_("In time"), number, of=_judged("in_time")),
    Column("late", N_("Late"), _late, of=_judged("late")),
    Column("waiting", N_("Waiting"), number, of=_judged("waiting")),
    Column("undecided", N_("Not decided"), number, of=_judged("undecided")),
)
COLUMNS = View(
    CLASSES.empty,
    Column("column", N_("Column")),
    Column("class", N_("Class")),
    Column("items", N_("Items"), number),
)
LATE = View(
    CLASSES.empty,
    Column("id", N_("Id"), short_id),
    Column("title", N_("Late"), of=lambda row: row["title"] or row["key"]),
    Column("class", N_("Class")),
    Column("due", N_("Was due"), moment),
    Column("basis", N_("Limit")),
)


def show_counts(wish: ArchiveStatus) -> int:
    """Count and show; gives the exit code: incomplete where an object could not be read."""
    estate = load_estate()
    if wish.site:
        choose_sites(estate, wish.site)
    now = datetime.now(UTC)
    first, last = _days(wish, now.astimezone(estate.zone).date())
    with shown_progress() as progress:
        counted = count_items(estate, first, last, now, site=wish.site, progress=progress)
    if wish.json:
        write_json(
            counted.classes(),
            since=first,
            until=last,
            columns=counted.columns(),
            late=counted.late(),
            questions=counted.questions(),
            unread=counted.unread,
        )
    else:
        _write(counted, estate)
    return INCOMPLETE if counted.unread else 0


def _days(wish: ArchiveStatus, today: date) -> tuple[date, date]:
    """Give the first and the last day that are asked for; what is left out is the present."""
    since, until = read_day(wish.since, "since"), read_day(wish.until, "until")
    if wish.year and (since or until):
        raise _wrong(N_("either a year or days, not both"))
    if wish.year and not date.min.year <= wish.year <= date.max.year:
        raise _wrong(N_("that is no year"))
    if not (since or until):
        year = wish.year or today.year
        return date(year, 1, 1), date(year, 12, 31)
    last = until or today
    first = since or date(last.year, 1, 1)
    if last < first:
        raise _wrong(N_("the last day lies before the first"))
    return first, last


def _wrong(why: str) -> WrongUseError:
    return WrongUseError(
        "this is no period",
        why=why,
        next_step="`{program} archive.status --counts --year 2026`, or --since and --until",
    )


def _write(counted: Counted, estate: Estate) -> None:
    period = counted.period
    text = _("Published or received from {first} to {last}")
    days = {"first": f"{period.first:%d/%m/%Y}", "last": f"{period.last:%d/%m/%Y}"}
    write_line(text.format(**days))
    titles = {it.name: it.title or it.name for it in estate.classes}
    beside = {"class": partial(_class, titles)}
    if write_list(CLASSES, counted.classes(), as_json=False, beside=beside):
        write_line(_("No figure stands where the law sets no limit that is known here."))
    named = [it for it in counted.columns() if it["column"]]
    for view, rows in ((COLUMNS, named), (LATE, counted.late())):
        if rows:
            write_line()
            zone = estate.organisation.timezone
            write_list(view, rows[:_SHOWN], as_json=False, zone=zone, beside=beside)
            _write_more(len(rows))
    if counted.unread:
        text = N_(
            "{count} objects could not be read and are not counted: `{program} archive.verify`"
        )
        write_line(fill(text, {"count": len(counted.unread)}))


def _class(titles: Mapping[str, str], row: Row) -> str:
    return titles.get(row["class"], row["class"])


def _write_more(count: int) -> None:
    if count > _SHOWN:
        write_line(_("and {count} more").format(count=format_number(count - _SHOWN)))
