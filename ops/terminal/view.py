"""A list's columns, declared once: what a terminal, a page and a program see of the same rows.

A row is as the JSON document has it (`ops.terminal.document`), whoever looks. A column names a key
of it, says what stands above, and how the value is shown; `link` names the page on which more is
told of it. What only the reader's surroundings know (a unit's title) is handed in beside the rows.

::

    REGISTER = View(
        N_("The register has nothing of that."),
        Column("called", N_("Entry"), link="/entry?id={called}"),
        Column("received_at", N_("Received"), moment),
        Column("state", N_("State"), words(STATES, TONES)),
    )
    if write_list(REGISTER, entries, zone=zone, as_json=wish.json):
        write_line(...)  # what people are told below the table
"""

from collections.abc import Callable, Container, Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from urllib.parse import quote
from zoneinfo import ZoneInfo

from ops.language.formats import (
    DEFAULT_ZONE,
    format_date,
    format_duration,
    format_id,
    format_moment,
    format_number,
    format_size,
)
from ops.language.text import _, fill
from ops.terminal.document import plain
from ops.terminal.output import (
    Cell,
    Tone,
    outcome_cell,
    verdict_cell,
    write_json,
    write_line,
    write_table,
)

Row = Mapping[str, Any]
How = Callable[[Any, str], str | Cell]
"""Shows a value, as JSON has it and never None, to who reads in a zone."""

Beside = Mapping[str, Callable[[Row], Any]]
"""Key of a column → what gives its value, or its cell, where the row alone does not say it."""

NONE = "–"


def text(value: Any, _zone: str) -> str:
    """Show what is a text already."""
    return str(value)


def moment(value: str, zone: str) -> Cell:
    """Show a moment; a page tells its offset to who asks."""
    return Cell(format_moment(datetime.fromisoformat(value), zone), at=value)


def age(value: str, _zone: str) -> Cell:
    """Show how long ago a moment was."""
    return Cell(format_duration(datetime.now(UTC) - datetime.fromisoformat(value)))


def day(value: str, _zone: str) -> str:
    """Show a day."""
    return format_date(date.fromisoformat(value))


def until(value: str, zone: str) -> Cell:
    """Show a day until which something holds; bad once it has passed."""
    is_over = date.fromisoformat(value) < datetime.now(ZoneInfo(zone)).date()
    return Cell(day(value, zone), "bad" if is_over else "plain")


def money(value: float, _zone: str) -> str:
    """Show đồng."""
    return f"{format_number(value)} đ"


def number(value: float, _zone: str) -> str:
    """Show a count."""
    return format_number(value)


def size(value: int, _zone: str) -> str:
    """Show bytes."""
    return format_size(value)


def duration(value: float, _zone: str) -> str:
    """Show seconds."""
    return format_duration(timedelta(seconds=value))


def figure(value: Any, _zone: str) -> str:
    """Show a figure that is written already."""
    return str(value)


def short_id(value: str, _zone: str) -> str:
    """Show an id as people call it."""
    return format_id(value)


def outcome(value: str, _zone: str) -> Cell:
    """Show an outcome of the shared vocabulary."""
    return outcome_cell(value)


def verdict(value: str, _zone: str) -> Cell:
    """Show what a drill, a check or a target came to."""
    return verdict_cell(value)


def words(known: Mapping[Any, str], tones: Mapping[Any, Tone] | None = None) -> How:
    """Show a word of a vocabulary in the reader's language, in its tone; a strange one as it is."""

    def how(value: str, _zone: str) -> Cell:
        return Cell(_(known[value]) if value in known else value, (tones or {}).get(value, "plain"))

    return how


_FIGURES: tuple[How, ...] = (number, money, size, duration, figure)
"""Stand on the right."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a list.

    Attributes:
        key: Of the row.
        head: What stands above; translated where it is shown.
        how: Shows the value.
        link: Address of the page that tells more, `{key}` for values of the row.
        of: Gives the value, or the whole cell, where it is more than what stands at the key.
    """

    key: str
    head: str
    how: How = text
    link: str = ""
    of: Callable[[Row], Any] | None = None


class View:
    """Columns in order, and what is told where there are no rows."""

    def __init__(self, empty: str, *columns: Column) -> None:
        self.empty = empty
        self.columns = columns

    def cells(self, row: Row, zone: str, beside: Beside | None = None) -> list[Cell]:
        """Give a row's cells."""
        return [_cell(it, row, zone, beside or {}) for it in self.columns]


def write_list(
    view: View,
    items: Iterable[object],
    *,
    as_json: bool,
    zone: str = DEFAULT_ZONE,
    beside: Beside | None = None,
    title: str = "",
    **whole: object,
) -> bool:
    """Give rows to a program, or tell people of them; gives whether people look at a table.

    Args:
        view: How.
        items: Dataclasses or mappings.
        as_json: Whether a program reads them.
        zone: In which people read moments.
        beside: As in `Beside`.
        title: Above the table.
        whole: What a program is told of all of them together.
    """
    if as_json:
        write_json(items, **whole)
        return False
    rows = _rows(items)
    if not rows:
        write_line(fill(view.empty, {}))
        return False
    right = [number for number, it in enumerate(view.columns) if it.how in _FIGURES]
    cells = [view.cells(row, zone, beside) for row in rows]
    write_table([_(it.head) for it in view.columns], cells, title=title, right=right)
    return True


def as_table(
    view: View,
    items: Iterable[object],
    *,
    zone: str = DEFAULT_ZONE,
    beside: Beside | None = None,
    links: bool = True,
) -> dict[str, object]:
    """Give rows as the macro `table` of the console's templates shows them.

    Args:
        view: How.
        items: Dataclasses or mappings.
        zone: In which moments are read.
        beside: As in `Beside`.
        links: Whether who looks may open the pages that the columns name.
    """
    heads = [{"text": _(it.head), "right": it.how in _FIGURES} for it in view.columns]
    shown = [
        list(as_cells(view, row, zone=zone, beside=beside, links=links).values())
        for row in _rows(items)
    ]
    return {"heads": heads, "rows": shown, "empty": fill(view.empty, {})}


def as_made(
    heads: Iterable[str], rows: Iterable[Iterable[str | Cell]], right: Container[int] = ()
) -> dict[str, object]:
    """Give rows of cells that are made already as the macro `table` shows them."""
    shown = [[asdict(Cell(it) if isinstance(it, str) else it) for it in row] for row in rows]
    named = [{"text": _(it) if it else "", "right": at in right} for at, it in enumerate(heads)]
    return {"heads": named, "rows": shown, "empty": ""}


def as_cells(
    view: View,
    row: Row,
    *,
    zone: str = DEFAULT_ZONE,
    beside: Beside | None = None,
    links: bool = True,
) -> dict[str, dict[str, str]]:
    """Give one row's cells by their keys, as the macro `cell` shows them; see `as_table`."""
    return {
        it.key: {
            **asdict(cell),
            "link": (cell.link or _fill(it.link, row)) if links and cell.text != NONE else "",
        }
        for it, cell in zip(view.columns, view.cells(row, zone, beside), strict=True)
    }


def _rows(items: Iterable[object]) -> list[Row]:
    return [row for it in items if isinstance(row := plain(it), dict)]


def _cell(column: Column, row: Row, zone: str, beside: Beside) -> Cell:
    find = beside.get(column.key) or column.of
    value = find(row) if find else row[column.key]
    if not isinstance(value, Cell):
        value = NONE if value is None or value == "" else column.how(value, zone)
    return value if isinstance(value, Cell) else Cell(value)


def _fill(link: str, row: Row) -> str:
    return link.format_map({key: quote(str(value), "") for key, value in row.items()})
