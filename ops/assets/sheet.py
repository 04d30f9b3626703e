"""Read and write sheets: CSV and XLSX, bounded; nothing of a file is ever reckoned."""

import csv
import io
import re
import unicodedata
import zipfile
import zlib
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

from ops.csv_file import tame
from ops.durable_files import read_bounded
from ops.errors import OpsError, Problem
from ops.estate.edit.csv_sheet import DELIMITERS

MOST_BYTES = 10_000_000
MOST_UNPACKED = 100_000_000
MOST_LINES = 10_000
MOST_COLUMNS = 60
_PLACED = re.compile(
    rb"""<(?:[\w.-]+:)?(?:c|row)\s(?:[^<>]*?\s)?r\s*=\s*["']([A-Za-z]*)([0-9]+)["']"""
)
"""Where a cell or a row says that it stands (ECMA-376, 18.3.1.4 and 18.3.1.73)."""

_WIDEST = "BH"
"""The column that `MOST_COLUMNS` is."""

_WHOLE = re.compile(r"[0-9]+|[0-9]{1,3}([.,\u0020\u00a0\u202f])[0-9]{3}(?:\1[0-9]{3})*")
_MOST_FIGURES = 30
_MOST_TOLD = 30


def _no_sheet(path: Path, why: str) -> OpsError:
    return OpsError(
        "{path} is no sheet that can be read",
        why=why,
        data="nothing was changed",
        next_step="save it as XLSX or as `CSV UTF-8`, then type the command again",
        path=path,
        most=MOST_BYTES,
        lines=MOST_LINES,
        columns=MOST_COLUMNS,
    )


class LinesError(OpsError):
    """Lines of a sheet have mistakes; holds as many of them as people read."""

    def __init__(self, path: Path, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems[:_MOST_TOLD])
        super().__init__(
            "{path} cannot be used; problems found: {count}",
            data="nothing was changed",
            next_step="correct the lines above, then type the command again",
            path=path,
            count=len(problems),
        )


def read_lines(path: Path) -> list[list[object]]:
    """Give the lines of the first sheet of a file.

    Raises:
        OpsError: It is not there, is too large, or is neither CSV in UTF-8 nor XLSX.
    """
    try:
        content = read_bounded(path, MOST_BYTES)
    except OSError as error:
        raise _no_sheet(path, "it cannot be read, or is not there") from error
    if len(content) > MOST_BYTES:
        raise _no_sheet(path, "it is larger than {most} bytes")
    lines = _read_xlsx(path, content) if content[:2] == b"PK" else _read_csv(path, content)
    if len(lines) > MOST_LINES or any(len(line) > MOST_COLUMNS for line in lines):
        raise _no_sheet(path, "it has more than {lines} lines or {columns} columns")
    return lines


def _read_csv(path: Path, content: bytes) -> list[list[object]]:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise _no_sheet(path, "it is not in UTF-8") from error
    delimiter = max(DELIMITERS, key=text.partition("\n")[0].count)
    try:
        return [
            list(line) for line in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
        ]
    except csv.Error as error:
        raise _no_sheet(path, "its quotes do not fit together") from error


def _read_xlsx(path: Path, content: bytes) -> list[list[object]]:
    from python_calamine import CalamineError, CalamineWorkbook

    try:
        book = CalamineWorkbook.from_filelike(io.BytesIO(_unpack(path, content)))
        return [list(line) for line in book.get_sheet_by_index(0).to_python()]
    except (*_BROKEN, CalamineError) as error:
        raise _no_sheet(path, "it is no XLSX that can be read") from error


_BROKEN = (
    zipfile.BadZipFile,
    zlib.error,
    IndexError,
    ValueError,
    EOFError,
    NotImplementedError,
    RuntimeError,
)
"""What `zipfile` raises for a file that is no ZIP, or asks for a password."""


def _unpack(path: Path, content: bytes) -> bytes:
    """Give the parts of an XLSX unpacked, each no larger than it says, as a ZIP again.

    The reader makes room for every cell between the first and the last one and trusts no size but
    the stream's own, so both are bounded here.
    """
    plain = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as packed, zipfile.ZipFile(plain, "w") as unpacked:
        if sum(it.file_size for it in packed.infolist()) > MOST_UNPACKED:
            raise _no_sheet(path, "it unpacks to far more than it is")
        if len(set(packed.namelist())) < len(packed.namelist()):
            raise zipfile.BadZipFile("a part stands there twice")
        for it in packed.infolist():
            with packed.open(it) as file:
                part = file.read(it.file_size + 1)  # bounded; `packed.read` believes the stream
            if _is_too_wide(part):
                raise _no_sheet(path, "it has more than {lines} lines or {columns} columns")
            unpacked.writestr(it.filename, part)
    return plain.getvalue()


def _is_too_wide(part: bytes) -> bool:
    """Say whether a cell or a row in a part's XML names a place beyond the bounds."""
    for column, row in _PLACED.findall(part):
        name = column.upper().decode()
        if len(row) > len(str(MOST_LINES)) or int(row) > MOST_LINES:
            return True
        if (len(name), name) > (len(_WIDEST), _WIDEST):
            return True
    return False


Heads = Mapping[str, tuple[str, ...]]
"""Each field of a table → the heads in Vietnamese that mean it; the first is the one written."""


def find_field(head: str, known: Heads) -> str:
    """Give the field that a head means, by its name or in Vietnamese; empty for none."""
    wanted = " ".join(unicodedata.normalize("NFC", head).casefold().split())
    plain = wanted.replace(" ", "_")
    if plain in known:
        return plain
    return next((name for name, heads in known.items() if wanted in heads), "")


def read_heads(
    lines: Sequence[Sequence[object]], known: Heads, needed: Iterable[str], problems: list[Problem]
) -> list[str]:
    """Give the field of each column by its head, empty for none; pure.

    A sheet without a column that is needed, or with two for one field, is a problem.
    """
    heads = [find_field(str(it or ""), known) for it in (lines[0] if lines else ())]
    lacking = [known[it][0] for it in needed if it not in heads]
    if lacking:
        problems.append(
            Problem("1", "columns are missing: {heads}", "add them", {"heads": ", ".join(lacking)})
        )
    twice = sorted({known[it][0] for it in heads if it and heads.count(it) > 1})
    if twice:
        problems.append(
            Problem(
                "1",
                "columns stand there twice: {heads}",
                "remove one of the two",
                {"heads": ", ".join(twice)},
            )
        )
    return heads


def read_whole(text: str, most: int) -> int | None:
    """Read a whole number as people write it, `12500000` or `12.500.000`; None for any other.

    Dots, commas and blanks count between thousands alone: `12.5` is no whole number.
    """
    found = _WHOLE.fullmatch(text.strip().removesuffix("đ").strip())
    if found is None:
        return None
    figures = "".join(it for it in found[0] if it.isdigit())
    number = int(figures) if len(figures) <= _MOST_FIGURES else most + 1
    return number if number <= most else None


def write_xlsx(lines: Sequence[Sequence[object]], *, title: str) -> bytes:
    """Give an XLSX of one sheet."""
    return write_book({title: lines})


def write_book(sheets: Mapping[str, Sequence[Sequence[object]]]) -> bytes:
    """Give an XLSX of sheets by title, each with a head that stays, filters and fitting columns.

    Texts are tamed, though no cell is a formula: somebody saves the sheet as CSV.
    """
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
        sheet.write_string(0, place, str(tame(head)), bold)
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
                sheet.write_string(number, place, str(tame(cell)))
