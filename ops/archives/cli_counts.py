"""Show what a year brought, for the person who writes its report."""

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime
from typing import Any

from ops.archives.cli import read_day
from ops.archives.counting import Counted, count_items
from ops.archives.tasks import Status
from ops.errors import WrongUseError
from ops.estate.choose import choose_sites
from ops.estate.load.load import load_estate
from ops.estate.model.estate import Estate
from ops.language.formats import format_id, format_moment, format_number
from ops.language.text import N_, _, fill
from ops.terminal.exit_codes import INCOMPLETE
from ops.terminal.output import Cell, write_json, write_line, write_table
from ops.terminal.progress import shown_progress

_SHOWN = 50
_NONE = "–"


def show_counts(wish: Status) -> int:
    """Count and show; gives the exit code: incomplete where an object could not be read.

    Raises:
        WrongUseError: The days are wrong, there is no such site, or the estate has no archive.
    """
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
            since=first, until=last, columns=counted.columns(), late=counted.late(),
            questions=counted.questions(), unread=counted.unread,
        )  # fmt: skip
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
    rows = counted.classes()
    if not rows:
        write_line(_("no item is like that"))
    else:
        columns = (_("Class"), _("Items"), _("Gone"), _("In time"), _("Late"), _("Waiting"),
                   _("Not decided"))  # fmt: skip
        write_table(columns, [_row(it, titles) for it in rows], right=range(1, 7))
        write_line(_("No figure stands where the law sets no limit that is known here."))
    _write_columns(counted.columns(), titles)
    _write_late(counted.late(), titles, estate.organisation.timezone)
    if counted.unread:
        text = N_(
            "{count} objects could not be read and are not counted: `{program} archive.verify`"
        )
        write_line(fill(text, {"count": len(counted.unread)}))


def _row(row: Mapping[str, Any], titles: Mapping[str, str]) -> list[str | Cell]:
    """Give a line of the table; without a limit there is nothing to be late for."""
    found: list[str | Cell] = [titles.get(row["class"], row["class"])]
    found += [format_number(row[it]) for it in ("items", "withdrawn")]
    for name in ("in_time", "late", "waiting", "undecided"):
        text = format_number(row[name]) if row["has_limit"] else _NONE
        found.append(Cell(text, "warning" if name == "late" and row[name] else "plain"))
    return found


def _write_columns(rows: Iterable[Mapping[str, Any]], titles: Mapping[str, str]) -> None:
    named = [it for it in rows if it["column"]]
    if not named:
        return
    write_line()
    write_table(
        (_("Column"), _("Class"), _("Items")),
        [[it["column"], titles.get(it["class"], it["class"]), format_number(it["items"])]
         for it in named[:_SHOWN]],
        right=(2,),
    )  # fmt: skip
    _write_more(len(named))


def _write_late(rows: list[dict[str, Any]], titles: Mapping[str, str], zone: str) -> None:
    if not rows:
        return
    write_line()
    write_table(
        (_("Id"), _("Late"), _("Class"), _("Was due"), _("Limit")),
        [
            [
                format_id(it["id"]), it["title"] or it["key"],
                titles.get(it["class"], it["class"]), format_moment(it["due"], zone), it["basis"],
            ]
            for it in rows[:_SHOWN]
        ],
    )  # fmt: skip
    _write_more(len(rows))


def _write_more(count: int) -> None:
    if count > _SHOWN:
        write_line(_("and {count} more").format(count=format_number(count - _SHOWN)))
