"""Show what a year brought, for the person who writes its report."""

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from functools import partial
from typing import Any

from ops.archives.cli import read_day
from ops.archives.counting import Counted, count_items
from ops.archives.tasks import Status
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


def show_counts(wish: Status) -> int:
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


def _days(wish: Status, today: date) -> tuple[date, date]:
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
