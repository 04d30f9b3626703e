"""Show values to people: lines and tables; and to programs: JSON.

On a terminal tables are drawn by rich, elsewhere they are plain aligned columns without colour, so
that `grep` and a log file stay readable.
"""

import os
import sys
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from ops.language.text import N_, _, make_visible

Tone = Literal["plain", "good", "warning", "bad", "faint"]
_STYLES: dict[Tone, str] = {
    "plain": "",
    "good": "green",
    "warning": "yellow",
    "bad": "bold red",
    "faint": "dim",
}
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


def is_terminal() -> bool:
    """Tell whether a person looks at standard output as it is written."""
    return sys.stdout.isatty() and os.environ.get("TERM") != "dumb"


def write_line(text: str = "") -> None:
    """Write one line to standard output."""
    sys.stdout.write(f"{make_visible(text)}\n")


def write_text(text: str) -> None:
    """Write a text that brings its own newlines; a program that reads it gets it as it is."""
    sys.stdout.write(make_visible(text) if sys.stdout.isatty() else text)


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
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(
        title=title or None, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD
    )
    for number, head in enumerate(columns):
        table.add_column(head, justify="right" if number in right else "left", overflow="fold")
    for row in rows:
        table.add_row(*(Text(cell.text, style=_STYLES[cell.tone]) for cell in row))
    Console(highlight=False).print(table)


def _write_plain(
    columns: Sequence[str], rows: list[list[Cell]], title: str, right: Sequence[int]
) -> None:
    lines = [list(columns), *([cell.text for cell in row] for row in rows)]
    widths = [max(text_width(line[number]) for line in lines) for number in range(len(columns))]
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
