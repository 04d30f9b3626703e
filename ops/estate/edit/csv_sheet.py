"""Read a table of sites as a spreadsheet program saves it (CSV) into rows of named cells; pure.

UTF-8 with or without a byte order mark; comma, semicolon or tab between cells, whichever the
first line uses most; heads in English or Vietnamese, in any order. Source of the form: RFC 4180,
and what LibreOffice and Excel write (Excel's first line `sep=;` is understood).
"""

import csv
import io
import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from ops.errors import Problem
from ops.language.text import N_, _

Form = Literal["text", "path", "list", "lacks", "number", "day"]
DELIMITERS = ",;\t"
_SEPARATOR_LINE = re.compile(r"sep=([,;\t])\r?", re.IGNORECASE)
_BYTE_ORDER_MARK = "\ufeff"
_UTF_16_MARKS = (b"\xff\xfe", b"\xfe\xff")


@dataclass(frozen=True, slots=True)
class SheetColumn:
    """Where the cells of a column belong in a site.

    Attributes:
        section: `` for the site itself, else `files`, `databases` or `exceptions`.
        part: Name of the part inside that section; empty for the site itself.
        key: Key of the site or part.
        form: How a cell is read.
        heads: Other heads people write over the column.
    """

    section: str
    part: str
    key: str
    form: Form = "text"
    heads: tuple[str, ...] = ()


COLUMNS: Mapping[str, SheetColumn] = {
    "name": SheetColumn("", "", "name", heads=("tên", "tên ngắn")),
    "title": SheetColumn("", "", "title", heads=("tiêu đề", "tên trang")),
    "unit": SheetColumn("", "", "unit", heads=("đơn vị",)),
    "owner": SheetColumn("", "", "owner", heads=("người phụ trách", "phụ trách")),
    "system": SheetColumn("", "", "system", heads=("hệ thống", "hệ thống thông tin")),
    "role": SheetColumn("", "", "role", heads=("vai trò",)),
    "profile": SheetColumn("", "", "profile", heads=("hồ sơ mẫu", "mẫu")),
    "host": SheetColumn("", "", "host", heads=("máy chủ",)),
    "url": SheetColumn("", "", "url", heads=("địa chỉ", "địa chỉ trang")),
    "classes": SheetColumn("", "", "classes", "list", heads=("loại nội dung",)),
    "path": SheetColumn("files", "www", "path", "path", heads=("thư mục", "đường dẫn")),
    "config_path": SheetColumn("files", "config", "path", "path", heads=("thư mục cấu hình",)),
    "system_path": SheetColumn("files", "system", "path", "path", heads=("thư mục hệ thống",)),
    "engine": SheetColumn("databases", "db", "engine", heads=("hệ quản trị", "loại cơ sở dữ liệu")),
    "database": SheetColumn("databases", "db", "database", "path", heads=("cơ sở dữ liệu", "csdl")),
    "address": SheetColumn("databases", "db", "address", heads=("máy cơ sở dữ liệu",)),
    "port": SheetColumn("databases", "db", "port", "number", heads=("cổng",)),
    "socket": SheetColumn("databases", "db", "socket", "path"),
    "user": SheetColumn("databases", "db", "user", heads=("tài khoản",)),
    "password": SheetColumn("databases", "db", "password", heads=("mật khẩu",)),
    "lacks": SheetColumn("exceptions", "", "lacks", "lacks", heads=("còn thiếu", "thiếu")),
    "reason": SheetColumn("exceptions", "", "reason", heads=("lý do",)),
    "until": SheetColumn("exceptions", "", "until", "day", heads=("đến ngày",)),
}
KINDS = {"www": "content", "config": "config", "system": "system"}
"""What kind a folder is, by the part that its column stands for."""


@dataclass(frozen=True, slots=True)
class Row:
    """One site's row: its number as a spreadsheet counts, and its cells that are not empty."""

    number: int
    cells: Mapping[str, str]


@dataclass(slots=True)
class Sheet:
    """A table of sites, and what was wrong with it as a table."""

    rows: list[Row] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)


def place_of(row: int, column: str = "") -> str:
    """Give where a mistake stands, in the reader's language: `row 5, column title`."""
    if column:
        return _("row {row}, column {column}").format(row=row, column=column)
    return _("row {row}").format(row=row)


def read_sheet(content: bytes) -> Sheet:
    """Read the table; mistakes are collected, never raised."""
    sheet = Sheet()
    text = _decode(content, sheet)
    if text is None:
        return sheet
    first, _newline, rest = text.partition("\n")
    skipped = 0
    delimiter = max(DELIMITERS, key=first.count)
    separator = _SEPARATOR_LINE.fullmatch(first)
    if separator:
        delimiter, text, skipped = separator[1], rest, 1
    records = _split(text, delimiter, sheet, skipped)
    if not records:
        sheet.problems.append(
            Problem(
                "",
                "the table is empty",
                "its first row names the columns: {columns}",
                {"columns": ", ".join(COLUMNS)},
            )
        )
        return sheet
    head = [_find_column(cell) for cell in records[0]]
    _check_head(records[0], head, sheet, 1 + skipped)
    for number, record in enumerate(records[1:], 2 + skipped):
        if any(cell.strip() for cell in record):
            sheet.rows.append(_make_row(number, head, record, sheet))
    return sheet


def _decode(content: bytes, sheet: Sheet) -> str | None:
    try:
        if content.startswith(_UTF_16_MARKS):
            raise UnicodeDecodeError("utf-8", content, 0, 1, "UTF-16")  # noqa: TRY301 - told below
        return content.decode("utf-8").removeprefix(_BYTE_ORDER_MARK)
    except UnicodeDecodeError as error:
        row = content.count(b"\n", 0, error.start) + 1
        sheet.problems.append(
            Problem(
                place_of(row),
                "the table is not UTF-8",
                "save it again as `CSV UTF-8`; texts in TCVN3 or VNI need converting first",
            )
        )
    return None


def _split(text: str, delimiter: str, sheet: Sheet, skipped: int) -> list[list[str]]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    records: list[list[str]] = []
    try:
        records.extend(reader)
    except csv.Error as error:
        sheet.problems.append(
            Problem(
                place_of(len(records) + 1 + skipped),
                "the row cannot be read: {reason}",
                "does a quotation mark stand alone there?",
                {"reason": str(error)},
            )
        )
    return records


def _find_column(head: str) -> str:
    """Give the column that a head means; empty for none."""
    text = unicodedata.normalize("NFC", head).strip().casefold()
    if text.replace(" ", "_").replace("-", "_") in COLUMNS:
        return text.replace(" ", "_").replace("-", "_")
    return next((name for name, column in COLUMNS.items() if text in column.heads), "")


def _check_head(written: Sequence[str], head: Sequence[str], sheet: Sheet, row: int) -> None:
    for text, column in zip(written, head, strict=True):
        if text.strip() and not column:
            sheet.problems.append(
                Problem(
                    place_of(row, text.strip()),
                    "no column is called so",
                    "remove it, or use one of: {columns}",
                    {"columns": ", ".join(COLUMNS)},
                )
            )
    for column in sorted({it for it in head if it and head.count(it) > 1}):
        sheet.problems.append(
            Problem(place_of(row, column), "the column is there twice", "remove one of the two")
        )
    if "name" not in head:
        sheet.problems.append(
            Problem(
                place_of(row, "name"),
                "the column is missing",
                "add it: each site's short name for life, e.g. `so-y-te`",
            )
        )


def _make_row(number: int, head: Sequence[str], record: Sequence[str], sheet: Sheet) -> Row:
    cells: dict[str, str] = {}
    for place, cell in enumerate(record):
        column = head[place] if place < len(head) else ""
        text = _clean(cell, column)
        if text and place >= len(head):
            sheet.problems.append(
                Problem(
                    place_of(number),
                    "the row has more cells than there are columns",
                    N_("put a cell that holds a separator between quotation marks"),
                )
            )
            break
        if any(unicodedata.category(character) in {"Cc", "Cs"} for character in text):
            sheet.problems.append(
                Problem(
                    place_of(number, column),
                    "the cell holds a control character",
                    "type the cell again, on one line",
                )
            )
        elif text and column:
            cells[column] = text
    return Row(number, cells)


def _clean(cell: str, column: str) -> str:
    """Strip blanks; compose letters, except in paths, whose bytes have to stay as they are."""
    text = cell.strip()
    is_path = bool(column) and COLUMNS[column].form == "path"
    return text if is_path else unicodedata.normalize("NFC", text)


def split_list(text: str) -> Iterator[str]:
    """Yield the entries of a cell that lists several, whatever stands between them."""
    for separator in (";", "|", ","):
        text = text.replace(separator, " ")
    yield from text.split()
