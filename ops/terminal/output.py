"""Show values to people: lines and tables; and to programs: JSON.

On a terminal tables are drawn by rich, elsewhere they are plain aligned columns without colour, so
that `grep` and a log file stay readable.
"""

import os
import sys
import unicodedata
from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Literal, TextIO

from ops.language.text import N_, _, make_visible
from ops.meanwhile import meanwhile

Tone = Literal["plain", "good", "warning", "bad", "faint"]
_STYLES: dict[Tone, str] = {
    "plain": "",
    "good": "green",
    "warning": "yellow",
    "bad": "bold red",
    "faint": "dim",
}
_LONGEST_WHOLE = 24
"""What is as wide as a moment is shown on one line, as ids, moments and names are."""
_CELL_MARGIN = 3  # a blank on either side, and one between the columns or at the left edge
_RIGHT_EDGE = 1
_BETWEEN, _INDENT = " · ", "  "
OUTCOMES: dict[str, tuple[str, Tone]] = {
    "ok": (N_("ok"), "good"),
    "incomplete": (N_("incomplete"), "warning"),
    "failed": (N_("failed"), "bad"),
    "not_checked": (N_("not checked"), "warning"),
    "missed": (N_("missed"), "bad"),
    "skipped": (N_("skipped"), "faint"),
}


@dataclass(frozen=True, slots=True)
class Cell:
    """A table's cell with a tone; a bare string is a plain cell."""

    text: str
    tone: Tone = "plain"


def _visible(cell: Cell) -> Cell:
    return Cell(make_visible(cell.text), cell.tone)


def outcome_cell(outcome: str) -> Cell:
    """Give an outcome of the shared vocabulary in the reader's language, in its colour."""
    text, tone = OUTCOMES[outcome]
    return Cell(_(text), tone)


_ASIDE: ContextVar[TextIO | None] = ContextVar("written_aside", default=None)


def writing_aside(lines: TextIO) -> AbstractContextManager[None]:
    """Have what this thread writes for people kept in `lines`, not on standard output."""
    return meanwhile(_ASIDE, lines)


def _out() -> TextIO:
    aside = _ASIDE.get()
    return sys.stdout if aside is None else aside


def is_terminal() -> bool:
    """Tell whether a person looks at standard output as it is written."""
    return _ASIDE.get() is None and sys.stdout.isatty() and os.environ.get("TERM") != "dumb"


def write_line(text: str = "") -> None:
    """Write one line to standard output."""
    _out().write(f"{make_visible(text)}\n")


def write_text(text: str) -> None:
    """Write a text that brings its own newlines; a program that reads it gets it as it is."""
    out = _out()
    out.write(make_visible(text) if out.isatty() else text)


def write_json(items: Iterable[object], **whole: object) -> None:
    """Give a task's result to programs; the shape stands in `ops.terminal.document`.

    Args:
        items: A row each: dataclasses or mappings.
        whole: What is true of all of them together.
    """
    from ops.terminal.document import give

    give(items, whole)


def write_table(
    columns: Sequence[str],
    rows: Iterable[Sequence[str | Cell]],
    *,
    title: str = "",
    right: Sequence[int] = (),
) -> None:
    """Write a table with translated column heads.

    Args:
        columns: The heads, in the reader's language.
        rows: Each as long as `columns`.
        title: A line above; empty for none.
        right: Indices of the columns that hold figures, aligned to the right.
    """
    cells = [[_visible(Cell(it) if isinstance(it, str) else it) for it in row] for row in rows]
    if is_terminal():
        _write_drawn(columns, cells, title, right)
    else:
        _write_plain(columns, cells, title, right)


def write_cells(cells: Sequence[Cell], *, bold: bool = False) -> None:
    """Write cells one after the other on a line; on a terminal in their tones, perhaps bold."""
    if not is_terminal():
        write_line("".join(cell.text for cell in cells).rstrip())
        return
    from rich.console import Console
    from rich.text import Text

    cells = [_visible(cell) for cell in cells]
    weight = "bold" if bold else ""
    parts = [(cell.text, f"{weight} {_STYLES[cell.tone]}".strip()) for cell in cells]
    Console(highlight=False).print(Text.assemble(*parts))


def _write_drawn(
    columns: Sequence[str], rows: list[list[Cell]], title: str, right: Sequence[int]
) -> None:
    """Draw a table; only texts wrap. Where that is too wide, each row becomes a card."""
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console(highlight=False)
    if _needed(columns, rows) > console.width:
        columns, rows, right = _without_empty(columns, rows, right)
    if rows and _needed(columns, rows) > console.width:
        _write_cards(columns, rows, title, console.width)
        return
    table = Table(
        title=title or None, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD
    )
    widths = _widths(columns, rows)
    for number, head in enumerate(columns):
        table.add_column(
            head,
            justify="right" if number in right else "left",
            overflow="fold",
            no_wrap=widths[number] <= _LONGEST_WHOLE,
        )
    for row in rows:
        table.add_row(*(Text(cell.text, style=_STYLES[cell.tone]) for cell in row))
    console.print(table)


def _write_cards(columns: Sequence[str], rows: list[list[Cell]], title: str, width: int) -> None:
    """Write each row under its first cell, the others with their heads; what is empty falls away.

    Cells share a line as far as they fit; none is broken but a text that needs lines of its own.
    """
    from ops.terminal.paragraphs import write_indented  # it stands on this module

    if title:
        write_cells([Cell(title)], bold=True)
    for first, *others in rows:
        write_cells([first], bold=True)
        line: list[Cell] = []
        for head, cell in zip(columns[1:], others, strict=True):
            if cell.text in {"", "–"}:
                continue
            told = [Cell(f"{head}: ", "faint"), cell]
            if line and _width_of(line) + _width_of(told) + len(_BETWEEN) > width:
                write_cells(line)
                line = []
            if _width_of(told) + len(_INDENT) > width:
                write_indented(
                    f"{head}: {cell.text}", _INDENT, 2 * _INDENT, style=_STYLES[cell.tone]
                )
                continue
            line += [Cell(_BETWEEN if line else _INDENT, "faint"), *told]
        if line:
            write_cells(line)


def _needed(columns: Sequence[str], rows: Sequence[Sequence[Cell]]) -> int:
    """Give the columns on screen below which something would be broken."""
    widths = _widths(columns, rows)
    return sum(min(width, _LONGEST_WHOLE) + _CELL_MARGIN for width in widths) + _RIGHT_EDGE


def _without_empty(
    columns: Sequence[str], rows: list[list[Cell]], right: Sequence[int]
) -> tuple[Sequence[str], list[list[Cell]], Sequence[int]]:
    """Leave out the columns in which no row says anything."""
    kept = [
        number
        for number in range(len(columns))
        if any(row[number].text not in {"", "–"} for row in rows)
    ]
    shown = [[row[number] for number in kept] for row in rows]
    return [columns[it] for it in kept], shown, [kept.index(it) for it in right if it in kept]


def _width_of(cells: Iterable[Cell]) -> int:
    return sum(text_width(cell.text) for cell in cells)


def _widths(columns: Sequence[str], rows: Sequence[Sequence[Cell]]) -> list[int]:
    lines = [list(columns), *([cell.text for cell in row] for row in rows)]
    return [max(text_width(line[number]) for line in lines) for number in range(len(columns))]


def _write_plain(
    columns: Sequence[str], rows: list[list[Cell]], title: str, right: Sequence[int]
) -> None:
    lines = [list(columns), *([cell.text for cell in row] for row in rows)]
    widths = _widths(columns, rows)
    if title:
        write_line(title)
    for line in lines:
        padded = (
            " " * (width - text_width(text)) + text
            if number in right
            else text + " " * (width - text_width(text))
            for number, (text, width) in enumerate(zip(line, widths, strict=True))
        )
        write_line("  ".join(padded).rstrip())


def text_width(text: str) -> int:
    """Give the columns a text takes on screen: combining marks take none."""
    return sum(not unicodedata.combining(character) for character in text)
