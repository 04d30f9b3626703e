"""Plain tables with a title row, as restic lays them out."""

from collections.abc import Sequence
from itertools import zip_longest
from typing import NamedTuple

from backup.commands.output import show_text

_GAP = "  "


class Column(NamedTuple):
    """One column.

    Attributes:
        title: Its head; spaces at its end widen the column.
        cells: For each row the lines of its cell; may be empty.
    """

    title: str
    cells: Sequence[Sequence[str]]


def format_table(columns: Sequence[Column], *, footer: str = "") -> list[str]:
    """Lay out a table: titles, a rule, the rows, a rule, and the footer if there is one.

    What the cells hold comes from repositories, and is made harmless.
    """
    columns = [
        Column(column.title, [[show_text(line) for line in cell] for cell in column.cells])
        for column in columns
    ]
    widths = [
        max([len(column.title), *(len(line) for cell in column.cells for line in cell)])
        for column in columns
    ]
    rows = [_lay_out([column.title for column in columns], widths)]
    for cells in zip(*(column.cells for column in columns), strict=True):
        rows += [_lay_out(line, widths) for line in zip_longest(*cells, fillvalue="")]
    rule = "-" * len(_GAP.join("-" * width for width in widths))
    return [rows[0], rule, *rows[1:], rule, *([footer] if footer else [])]


def _lay_out(line: Sequence[str], widths: Sequence[int]) -> str:
    cells = [text.ljust(width) for text, width in zip(line, widths, strict=True)]
    return _GAP.join(cells).rstrip()
