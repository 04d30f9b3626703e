"""Read and write sheets: CSV and XLSX, bounded; nothing of a file is ever reckoned."""

import csv
import io
import zipfile
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

from ops.errors import OpsError
from ops.estate.edit.csv_sheet import DELIMITERS

MOST_BYTES = 10_000_000
MOST_UNPACKED = 100_000_000
MOST_LINES = 10_000
MOST_COLUMNS = 60


class SheetError(OpsError):
    """A file is no sheet that can be read."""

    def __init__(self, path: Path, *, why: str) -> None:
        super().__init__(
            "{path} is no sheet of assets",
            why=why,
            data="nothing was changed",
            next_step="save it as XLSX or as `CSV UTF-8`, then type the command again",
            path=path,
            most=MOST_BYTES,
            lines=MOST_LINES,
            columns=MOST_COLUMNS,
        )


def read_lines(path: Path) -> list[list[object]]:
    """Give the lines of the first sheet of a file.

    Raises:
        SheetError: It is not there, is too large, or is neither CSV in UTF-8 nor XLSX.
    """
    try:
        with path.open("rb") as file:
            content = file.read(MOST_BYTES + 1)
    except OSError as error:
        raise SheetError(path, why="it cannot be read, or is not there") from error
    if len(content) > MOST_BYTES:
        raise SheetError(path, why="it is larger than {most} bytes")
    lines = _read_xlsx(path, content) if content[:2] == b"PK" else _read_csv(path, content)
    if len(lines) > MOST_LINES or any(len(line) > MOST_COLUMNS for line in lines):
        raise SheetError(path, why="it has more than {lines} lines or {columns} columns")
    return lines


def _read_csv(path: Path, content: bytes) -> list[list[object]]:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise SheetError(path, why="it is not in UTF-8") from error
    delimiter = max(DELIMITERS, key=text.partition("\n")[0].count)
    try:
        return [
            list(line) for line in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
        ]
    except csv.Error as error:
        raise SheetError(path, why="its quotes do not fit together") from error


def _read_xlsx(path: Path, content: bytes) -> list[list[object]]:
    from python_calamine import CalamineError, CalamineWorkbook

    try:
        with zipfile.ZipFile(io.BytesIO(content)) as packed:
            if sum(it.file_size for it in packed.infolist()) > MOST_UNPACKED:
                raise SheetError(path, why="it unpacks to far more than it is")
        book = CalamineWorkbook.from_filelike(io.BytesIO(content))
        return [list(line) for line in book.get_sheet_by_index(0).to_python()]
    except (zipfile.BadZipFile, CalamineError, IndexError, ValueError) as error:
        raise SheetError(path, why="it is no XLSX that can be read") from error


def write_csv(lines: Sequence[Sequence[object]]) -> bytes:
    """Give a CSV that spreadsheet programs open: UTF-8 with its mark, CRLF, days as 2027-03-31."""
    buffer = io.StringIO(newline="")
    csv.writer(buffer).writerows(["" if it is None else it for it in line] for line in lines)
    return b"\xef\xbb\xbf" + buffer.getvalue().encode()


def write_xlsx(lines: Sequence[Sequence[object]], *, title: str) -> bytes:
    """Give an XLSX of one sheet."""
    return write_book({title: lines})


def write_book(sheets: Mapping[str, Sequence[Sequence[object]]]) -> bytes:
    """Give an XLSX of sheets by title, each with a head that stays, filters and fitting columns."""
    import xlsxwriter

    buffer = io.BytesIO()
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    with xlsxwriter.Workbook(buffer, options) as book:
        book.set_properties({"created": None})
        formats = (
            book.add_format({"bold": True, "border": 1, "text_wrap": True, "valign": "top"}),
            book.add_format({"num_format": "dd/mm/yyyy"}),
            book.add_format({"num_format": "#,##0"}),
        )
        for title, lines in sheets.items():
            _fill(book.add_worksheet(title[:31]), lines, formats)
    return buffer.getvalue()


def _fill(sheet: Any, lines: Sequence[Sequence[object]], formats: tuple[Any, Any, Any]) -> None:
    bold, day, money = formats
    width = len(lines[0]) if lines else 0
    for place, head in enumerate(lines[0] if lines else ()):
        sheet.write_string(0, place, str(head), bold)
    _write_cells(sheet, lines, day, money)
    for place in range(width):
        widest = max(len(str(line[place] or "")) for line in lines)
        sheet.set_column(place, place, min(max(widest + 2, 8), 48))
    sheet.freeze_panes(1, 1)
    if len(lines) > 1:
        sheet.autofilter(0, 0, len(lines) - 1, width - 1)


def _write_cells(sheet: Any, lines: Sequence[Sequence[object]], day: Any, money: Any) -> None:
    for number, line in enumerate(lines[1:], start=1):
        for place, cell in enumerate(line):
            if isinstance(cell, date):
                sheet.write_datetime(number, place, cell, day)
            elif isinstance(cell, int):
                sheet.write_number(number, place, cell, money)
            elif cell is not None:
                sheet.write_string(number, place, str(cell))
