"""Write CSV, all that the service gives out, so that no spreadsheet reckons what others have typed.

A cell is tamed by an apostrophe, which `untame` takes away again. Source of the signs:
https://owasp.org/www-community/attacks/CSV_Injection; those of full width count in East Asia.
Where a country writes numbers with a comma, a spreadsheet parts cells at `;`, so that what stands
after one inside of a cell begins another.
"""

import csv
import io
import re
from collections.abc import Callable, Iterable, Sequence
from typing import TextIO

_SIGN, _BEFORE = "[=+@＝＋－＠-]", """[;"'\\s]"""
_LEADING = re.compile(rf"[\t\r']|{_BEFORE}*+{_SIGN}")
_INSIDE = re.compile(rf"(?<!{_BEFORE}){_BEFORE}++(?={_SIGN})")
"""Each run once, from its beginning: the time is linear whatever a cell holds."""

_PARTS = re.compile(r"[;\t\r\n]")
_NUMBER = re.compile(r"-?[0-9]+(?:[.,][0-9]+)*(?:[eE][+-]?[0-9]+)?%?")


def tame(cell: object) -> object:
    """Give a cell that no spreadsheet reckons; a number stays one."""
    if not isinstance(cell, str) or _NUMBER.fullmatch(cell):
        return cell
    inside = _INSIDE.sub(lambda it: f"{it[0]}'" if _PARTS.search(it[0]) else it[0], cell)
    return f"'{inside}" if _LEADING.match(cell) else inside


def untame(cell: str) -> str:
    """Give a cell as it was before it was tamed."""
    inside = cell[1:] if cell[:1] == "'" and _LEADING.match(cell, 1) else cell
    return _INSIDE.sub(
        lambda it: it[0].removesuffix("'") if _PARTS.search(it[0]) else it[0], inside
    )


def csv_writer(file: TextIO) -> Callable[[Sequence[object]], object]:
    """Give what writes a line; None is an empty cell, lines end as RFC 4180 has it.

    Args:
        file: Opened with `newline=""`.
    """
    sheet = csv.writer(file)
    return lambda line: sheet.writerow(map(tame, line))


def write_csv(lines: Iterable[Sequence[object]]) -> bytes:
    """Give a CSV that spreadsheet programs open: UTF-8 with its mark, days as 2027-03-31."""
    text = io.StringIO(newline="")
    write = csv_writer(text)
    for line in lines:
        write(line)
    return text.getvalue().encode("utf-8-sig")
