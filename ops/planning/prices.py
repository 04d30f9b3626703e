"""The Center's table of prices, CSV or XLSX: what things cost by whose quotation."""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from hashlib import sha256
from pathlib import Path

from ops.assets.sheet import Heads, LinesError, read_heads, read_lines, read_whole
from ops.errors import Problem
from ops.planning.item import MOST_MONEY

HEADS: Heads = {
    "code": ("mã",),
    "title": ("tên", "nội dung"),
    "unit": ("đơn vị tính", "đvt"),
    "price": ("đơn giá",),
    "vat": ("thuế gtgt", "vat"),
    "quotation": ("báo giá", "số báo giá"),
    "quoted_on": ("ngày báo giá",),
    "supplier": ("nhà cung cấp",),
}
NEEDED = ("code", "title", "price")
_FRACTION = re.compile(r"0[.,][0-9]{1,6}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """What something costs.

    Attributes:
        code: What proposals ask for, such as `thay-the.server`.
        title, unit: What it is, and what one price is for.
        price: Đồng before VAT.
        vat: Percent.
        quotation, quoted_on, supplier: Whose quotation, of which day; may be empty and None.
    """

    code: str
    title: str
    unit: str
    price: int
    vat: int = 0
    quotation: str = ""
    quoted_on: date | None = None
    supplier: str = ""

    @property
    def basis(self) -> str:
        """Name the quotation, as the plan cites it (NĐ 224/2026 Điều 60(2)b)."""
        number = f"Báo giá {self.quotation}" if self.quotation else "Bảng giá của Trung tâm"
        day = f" ngày {self.quoted_on:%d/%m/%Y}" if self.quoted_on else ""
        supplier = f" của {self.supplier}" if self.supplier else ""
        return f"{number}{day}{supplier}"


@dataclass(frozen=True, slots=True)
class PriceTable:
    """All prices, by code; and the digest of the file they are from, empty for none."""

    prices: Mapping[str, Price]
    digest: str = ""

    def find(self, *codes: str) -> Price | None:
        """Give the price of the first code that the table has."""
        return next((self.prices[it] for it in codes if it in self.prices), None)


NO_PRICES = PriceTable({})


def load_prices(path: Path | None) -> PriceTable:
    """Read the table; an estate without one has no prices."""
    if path is None:
        return NO_PRICES
    problems: list[Problem] = []
    found = read_prices(read_lines(path), problems)
    if problems:
        raise LinesError(path, problems)
    return PriceTable(found, sha256(path.read_bytes()).hexdigest())


def read_prices(lines: Sequence[Sequence[object]], problems: list[Problem]) -> dict[str, Price]:
    """Read the lines of a sheet, heads first; what is wrong is added to the problems; pure."""
    heads = read_heads(lines, HEADS, NEEDED, problems)
    if problems:
        return {}
    found: dict[str, Price] = {}
    for number, line in enumerate(lines[1:], start=2):
        given = {head: _text(cell) for head, cell in zip(heads, line, strict=False) if head}
        cells = {**dict.fromkeys(HEADS, ""), **given}
        if not any(cells.values()):
            continue
        price = _read_line(number, cells, problems)
        if price is not None and price.code in found:
            problems.append(_wrong(number, cells["code"], "code"))
        elif price is not None:
            found[price.code] = price
    return found


def _text(cell: object) -> str:
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    if isinstance(cell, date):
        return f"{cell:%Y-%m-%d}"
    text = unicodedata.normalize("NFC", str(cell if cell is not None else "")).strip()
    return "".join(it for it in text if it.isprintable())[:500]


def _read_line(number: int, cells: Mapping[str, str], problems: list[Problem]) -> Price | None:
    price, vat = read_whole(cells["price"], MOST_MONEY), _percent(cells["vat"])
    day = _day(cells["quoted_on"])
    wrong = [
        name
        for name, is_wrong in (
            ("code", not cells["code"]),
            ("title", not cells["title"]),
            ("price", price is None),
            ("vat", vat is None),
            ("quoted_on", day is None and bool(cells["quoted_on"])),
        )
        if is_wrong
    ]
    problems += [_wrong(number, cells[it], it) for it in wrong]
    if wrong or price is None or vat is None:
        return None
    return Price(
        code=cells["code"].casefold(),
        title=cells["title"],
        unit=cells["unit"] or "lần",
        price=price,
        vat=vat,
        quotation=cells["quotation"],
        quoted_on=day,
        supplier=cells["supplier"],
    )


def _wrong(number: int, value: str, name: str) -> Problem:
    return Problem(
        str(number),
        '"{value}" does not do as {name}, or stands there twice',
        "correct it",
        {"value": value[:60], "name": HEADS[name][0]},
    )


def _percent(text: str) -> int | None:
    """Read whole percent: `10`, `10%`, or `0.1`, which is how a sheet keeps a cell of 10 %."""
    figures = text.removesuffix("%").strip() or "0"
    if _FRACTION.fullmatch(figures):
        percent = Decimal(figures.replace(",", ".")) * 100
        return int(percent) if percent == int(percent) else None
    return read_whole(figures, 100)


def _day(text: str) -> date | None:
    for separator in "/-.":
        parts = text.split(separator)
        if len(parts) == 3 and all(it.isascii() and it.isdigit() for it in parts):  # noqa: PLR2004 - day, month, year
            first, month, last = (int(it) for it in parts)
            day, year = (last, first) if len(parts[0]) == 4 else (first, last)  # noqa: PLR2004 - digits of a year
            try:
                return date(year, month, day)
            except ValueError:
                return None
    return None
