"""The border of a terminal, a file, a pipe: what an act tells is printed as it comes.

On a terminal tables are drawn by rich, sentences wrapped, a command between backticks never broken:
it is copied from the screen. Elsewhere all is plain, so that `grep` and a log file stay readable.
"""

import os
import re
import shutil
import sys
import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from ops.language.text import make_visible
from ops.terminal.output import (
    Block,
    Cell,
    Line,
    Quoted,
    Sentence,
    Square,
    Table,
    Text,
    Tone,
    text_width,
)

if TYPE_CHECKING:
    from rich.console import Console

LONGEST_LINE = 100
MARK = "   │ "
"""Before each line of a command's output, and before none of the runner's."""

_STYLES: dict[Tone, str] = {
    "plain": "",
    "good": "green",
    "stated": "cyan",
    "warning": "yellow",
    "bad": "bold red",
    "faint": "dim",
}
_LONGEST_WHOLE = 24
"""What is as wide as a moment is shown on one line, as ids, moments and names are."""
_CELL_MARGIN = 3  # a blank on either side, and one between the columns or at the left edge
_RIGHT_EDGE = 1
_BETWEEN, _INDENT = " · ", "  "
_QUIET_ZONE = 2
"""Modules around a square; readers of screens need no more, and a narrow terminal has no more."""
_COMMAND = re.compile(r"`[^`]*`")
_HARD_BLANK = "\u00a0"


class Printer:
    """The border that prints, to the standard streams as they are just then."""

    def is_terminal(self) -> bool:
        """Tell whether a person looks at what is told as it comes."""
        return sys.stdout.isatty() and os.environ.get("TERM") != "dumb"

    def show(self, block: Block) -> None:
        """Show something to people."""
        if self.is_terminal():
            _draw(block)
        else:
            text = plain_text(block)
            sys.stdout.write(make_visible(text) if sys.stdout.isatty() else text)

    def give(self, items: Iterable[object], whole: Mapping[str, object]) -> None:
        """Give a task's rows to programs: here at once, for who did not ask for a document."""
        from ops.terminal.document import Result, rows_of, write

        write(Result(given=rows_of(items, whole)).document())

    def flush(self) -> None:
        """Have all that was told seen: a pipe keeps it back otherwise."""
        sys.stdout.flush()


def plain_text(block: Block) -> str:
    """Give what is told without colours and width, its newlines with it. Pure."""
    match block:
        case Line(cells):
            line = "".join(cell.text for cell in cells)
            return f"{line if len(cells) == 1 else line.rstrip()}\n"
        case Sentence(text, indent):
            return f"{indent}{text}\n"
        case Text(text):
            return text
        case Quoted(lines):
            return "".join(f"{MARK}{line}\n" for line in lines)
        case Table():
            return "".join(f"{line}\n" for line in _plain_rows(block))
        case _:
            return ""


def _plain_rows(table: Table) -> Iterator[str]:
    lines = [list(table.columns), *([cell.text for cell in row] for row in table.rows)]
    widths = _widths(table.columns, table.rows)
    if table.title:
        yield table.title
    for line in lines:
        padded = (
            " " * (width - text_width(text)) + text
            if number in table.right
            else text + " " * (width - text_width(text))
            for number, (text, width) in enumerate(zip(line, widths, strict=True))
        )
        yield "  ".join(padded).rstrip()


def _draw(block: Block) -> None:
    """Draw something on a terminal."""
    match block:
        case Line(cells, bold) if bold or len(cells) > 1 or cells[0].tone != "plain":
            _print_cells(cells, bold=bold)
        case Sentence():
            _print_sentence(block)
        case Quoted(lines, False):
            sys.stdout.writelines(f"{MARK}{it}\n" for line in lines for it in _cut(line))
        case Square(text):
            import segno

            square = segno.make(text, error="l", micro=False)
            square.terminal(out=sys.stdout, border=_QUIET_ZONE, compact=True)
        case Table():
            _print_table(block)
        case _:
            sys.stdout.write(make_visible(plain_text(block)))


def _cut(line: str) -> list[str]:
    """Give the pieces that a terminal would break a line into."""
    from rich.cells import chop_cells

    width = shutil.get_terminal_size().columns - len(MARK)
    return chop_cells(line.expandtabs(), max(width, 1)) or [""]


def _console() -> "Console":
    from rich.console import Console

    return Console(highlight=False)


def _print_cells(cells: Sequence[Cell], *, bold: bool = False) -> None:
    from rich.text import Text as Styled

    weight = "bold" if bold else ""
    parts = [(cell.text, f"{weight} {_STYLES[cell.tone]}".strip()) for cell in cells]
    _console().print(Styled.assemble(*parts))


def _print_sentence(told: Sentence) -> None:
    width = min(shutil.get_terminal_size().columns, LONGEST_LINE)
    lines = wrap(told.text, width, told.indent, told.hanging)
    if not told.style:
        sys.stdout.writelines(f"{line}\n" for line in lines)
        return
    for line in lines:
        _console().print(line, style=told.style, markup=False, soft_wrap=True)


def wrap(text: str, width: int, indent: str, hanging: str) -> list[str]:
    """Break a sentence into lines of at most `width` columns, commands left whole."""
    kept = _COMMAND.sub(lambda found: found[0].replace(" ", _HARD_BLANK), text)
    lines = textwrap.wrap(
        kept,
        max(width, 20),
        initial_indent=indent,
        subsequent_indent=hanging,
        break_long_words=False,
        break_on_hyphens=False,
    )
    return [line.replace(_HARD_BLANK, " ") for line in lines]


def _print_table(table: Table) -> None:
    """Draw a table; only texts wrap. Where that is too wide, each row becomes a card."""
    from rich import box
    from rich.table import Table as Drawn
    from rich.text import Text as Styled

    console = _console()
    if _needed(table) > console.width:
        table = _without_empty(table)
    if table.rows and _needed(table) > console.width:
        _print_cards(table, console.width)
        return
    drawn = Drawn(
        title=table.title or None, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD
    )
    widths = _widths(table.columns, table.rows)
    for number, head in enumerate(table.columns):
        drawn.add_column(
            head,
            justify="right" if number in table.right else "left",
            overflow="fold",
            no_wrap=widths[number] <= _LONGEST_WHOLE,
        )
    for row in table.rows:
        drawn.add_row(*(Styled(cell.text, style=_STYLES[cell.tone]) for cell in row))
    console.print(drawn)


def _print_cards(table: Table, width: int) -> None:
    """Print each row under its first cell, the others with their heads; what is empty falls away.

    Cells share a line as far as they fit; none is broken but a text that needs lines of its own.
    """
    if table.title:
        _print_cells([Cell(table.title)], bold=True)
    for first, *others in table.rows:
        _print_cells([first], bold=True)
        line: list[Cell] = []
        for head, cell in zip(table.columns[1:], others, strict=True):
            if cell.text in {"", "–"}:
                continue
            told = [Cell(f"{head}: ", "faint"), cell]
            if line and _width_of(line) + _width_of(told) + len(_BETWEEN) > width:
                _print_cells(line)
                line = []
            if _width_of(told) + len(_INDENT) > width:
                text, style = f"{head}: {cell.text}", _STYLES[cell.tone]
                _print_sentence(Sentence(text, _INDENT, 2 * _INDENT, style))
                continue
            line += [Cell(_BETWEEN if line else _INDENT, "faint"), *told]
        if line:
            _print_cells(line)


def _needed(table: Table) -> int:
    """Give the columns on screen below which something would be broken."""
    widths = _widths(table.columns, table.rows)
    return sum(min(width, _LONGEST_WHOLE) + _CELL_MARGIN for width in widths) + _RIGHT_EDGE


def _without_empty(table: Table) -> Table:
    """Leave out the columns in which no row says anything."""
    kept = [
        number
        for number in range(len(table.columns))
        if any(row[number].text not in {"", "–"} for row in table.rows)
    ]
    rows = [[row[number] for number in kept] for row in table.rows]
    right = [kept.index(it) for it in table.right if it in kept]
    return Table([table.columns[it] for it in kept], rows, table.title, right)


def _width_of(cells: Iterable[Cell]) -> int:
    return sum(text_width(cell.text) for cell in cells)


def _widths(columns: Sequence[str], rows: Sequence[Sequence[Cell]]) -> list[int]:
    lines = [list(columns), *([cell.text for cell in row] for row in rows)]
    return [max(text_width(line[number]) for line in lines) for number in range(len(columns))]
