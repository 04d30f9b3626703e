"""An asset as values, and how the cells of a sheet become one; pure."""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import date
from functools import cache
from typing import Any

from ops.assets.sheet import Heads, read_heads, read_whole
from ops.csv_file import untame
from ops.errors import Problem
from ops.language.text import N_, Language, _, speaking

KINDS: Mapping[str, str] = {
    "server": N_("server"),
    "storage": N_("storage"),
    "network": N_("network device"),
    "ups": N_("uninterruptible power supply"),
    "line": N_("line"),
    "software": N_("software"),
    "licence": N_("licence"),
    "domain": N_("domain name"),
    "certificate": N_("certificate"),
    "contract": N_("contract"),
    "medium": N_("medium"),
}

STATES: Mapping[str, str] = {
    "in-use": N_("in use"),
    "spare": N_("spare"),
    "broken": N_("broken"),
    "retired": N_("retired"),
}

HEADS: Heads = {
    "name": ("mã", "mã tài sản"),
    "kind": ("loại",),
    "title": ("tên", "tên thiết bị", "tên phần mềm"),
    "host": ("máy chủ",),
    "address": ("địa chỉ ip", "địa chỉ ip tĩnh"),
    "serial": ("số sê-ri", "số sê-ri, mac", "serial", "mac"),
    "place": ("vị trí", "nơi đặt"),
    "purpose": ("mục đích", "mục đích sử dụng"),
    "state": ("tình trạng",),
    "owner": ("người quản lý", "người phụ trách"),
    "unit": ("đơn vị", "đơn vị sở hữu"),
    "system": ("hệ thống", "hệ thống thông tin"),
    "version": ("phiên bản",),
    "licence": ("giấy phép", "bản quyền"),
    "scope": ("phạm vi", "phạm vi sử dụng"),
    "supplier": ("nhà cung cấp",),
    "price": ("nguyên giá", "nguyên giá (đồng)", "giá", "giá (đồng)"),
    "bought_on": ("ngày mua",),
    "warranty_until": ("hết bảo hành",),
    "supported_until": ("hết hỗ trợ", "hết hạn", "thời hạn hỗ trợ"),
    "maintained_until": ("hết bảo dưỡng", "bảo dưỡng đến"),
    "contract": ("hợp đồng", "số hợp đồng"),
    "documents": ("tài liệu",),
    "note": ("ghi chú",),
}
_VOCABULARIES: Mapping[str, Mapping[str, str]] = {"kind": KINDS, "state": STATES}
_LANGUAGES: tuple[Language, ...] = ("en", "vi")
_NUMBER_OF_LINE = "stt"
"""Head of the column that numbers the lines of a list: it says nothing of an asset."""

DATES = frozenset({"bought_on", "warranty_until", "supported_until", "maintained_until"})
MOST_CELL = 2_000
MOST_PRICE = 10**14
"""Đồng; as much as one item of a plan may cost (`ops.planning.item`)."""

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}")
_DAY_FIRST = re.compile(r"(\d{1,2})[/.-](\d{1,2})[/.-](\d{4})")
_NEEDED = ("name", "kind", "title")


@dataclass(frozen=True, slots=True, kw_only=True)
class AssetRow:
    """An asset; fields as in `ops.catalog.tables.register.Asset`."""

    name: str
    kind: str
    title: str
    host: str = ""
    address: str = ""
    serial: str = ""
    place: str = ""
    purpose: str = ""
    state: str = "in-use"
    owner: str = ""
    unit: str = ""
    system: str = ""
    version: str = ""
    licence: str = ""
    scope: str = ""
    supplier: str = ""
    price: int | None = None
    bought_on: date | None = None
    warranty_until: date | None = None
    supported_until: date | None = None
    maintained_until: date | None = None
    contract: str = ""
    documents: str = ""
    note: str = ""

    @property
    def ends_on(self) -> date | None:
        """The first day on which something about it ends: its warranty, or its support."""
        ends = [it for it in (self.warranty_until, self.supported_until) if it is not None]
        return min(ends, default=None)


FIELDS = tuple(it.name for it in fields(AssetRow))


@dataclass(frozen=True, slots=True)
class AssetSheet:
    """The assets of a sheet, and the fields that it has a column for."""

    rows: tuple[AssetRow, ...] = ()
    fields: frozenset[str] = frozenset()


def read_assets(lines: Sequence[Sequence[object]], problems: list[Problem]) -> AssetSheet:
    """Read the lines of a sheet, the heads first; what is wrong is added to the problems."""
    heads = read_heads(lines, HEADS, _NEEDED, problems)
    for number, head in enumerate(lines[0] if lines else ()):
        if not heads[number] and str(head or "").strip().casefold() not in {"", _NUMBER_OF_LINE}:
            problems.append(
                Problem(
                    "1",
                    'nobody knows the column "{head}"',
                    "use the heads that `asset.export` writes",
                    {"head": str(head)[:60]},
                )
            )
    if not set(heads) >= set(_NEEDED):
        return AssetSheet()
    found: dict[str, AssetRow] = {}
    for number, line in enumerate(lines[1:], start=2):
        cells = {head: cell for head, cell in zip(heads, line, strict=False) if head}
        if not any(str(it if it is not None else "").strip() for it in cells.values()):
            continue
        row = _read_row(number, cells, problems)
        if row is not None and row.name in found:
            problems.append(
                Problem(
                    str(number),
                    'the name "{name}" stands there twice',
                    "give each asset a name of its own",
                    {"name": row.name},
                )
            )
        if row is not None:
            found[row.name] = row
    return AssetSheet(tuple(found.values()), frozenset(filter(None, heads)))


def _read_row(number: int, cells: Mapping[str, object], problems: list[Problem]) -> AssetRow | None:
    values: dict[str, Any] = {}
    before = len(problems)
    for name, cell in cells.items():
        values[name] = _read_cell(number, name, cell, problems)
    values["state"] = values.get("state") or "in-use"
    for name, known in _VOCABULARIES.items():
        word = str(values.get(name) or "")
        values[name] = _codes(name).get(" ".join(word.casefold().split()), word)
        if values[name] not in known:
            problems.append(
                Problem(
                    str(number),
                    '"{value}" is no {name}',
                    "write one of: {known}",
                    {"value": values[name][:60], "name": name, "known": ", ".join(known)},
                )
            )
    if not _NAME.fullmatch(str(values.get("name"))):
        problems.append(
            Problem(
                str(number),
                '"{value}" cannot be the name of an asset',
                "use lower-case letters, digits, `.`, `_` and `-`, at most 63",
                {"value": str(values.get("name"))[:60]},
            )
        )
    if not values.get("title"):
        problems.append(Problem(str(number), "an asset has no title", "say what it is"))
    return AssetRow(**values) if len(problems) == before else None


@cache
def _codes(name: str) -> Mapping[str, str]:
    """Give what lists and exports print for the codes of a field, in both languages → the code."""
    found = {code: code for code in _VOCABULARIES[name]}
    for reader in _LANGUAGES:
        with speaking(reader):
            found |= {_(told).casefold(): code for code, told in _VOCABULARIES[name].items()}
    return found


def _read_cell(number: int, name: str, cell: object, problems: list[Problem]) -> object:
    if name in DATES:
        return _read_date(number, name, cell, problems)
    if name == "price":
        return _read_price(number, cell, problems)
    text = untame(unicodedata.normalize("NFC", str(cell if cell is not None else "")).strip())
    if isinstance(cell, float) and cell.is_integer():
        text = str(int(cell))
    if len(text) > MOST_CELL:
        problems.append(
            Problem(
                str(number),
                "a cell of {name} is too long",
                "keep it below {most} characters",
                {"name": name, "most": MOST_CELL},
            )
        )
        return ""
    return "".join(it for it in text if it.isprintable())


def _read_date(number: int, name: str, cell: object, problems: list[Problem]) -> date | None:
    """Read a spreadsheet's day, `2027-03-31` or `31/3/2027`; empty is unknown."""
    if isinstance(cell, date):
        return date(cell.year, cell.month, cell.day)
    text = str(cell if cell is not None else "").strip()
    if not text:
        return None
    try:
        if parts := _DAY_FIRST.fullmatch(text):
            day, month, year = map(int, parts.groups())
            return date(year, month, day)
        return date.fromisoformat(text)
    except ValueError:
        problems.append(
            Problem(
                str(number),
                '"{value}" is no day, in {name}',
                "write it like 31/03/2027",
                {"value": text[:60], "name": name},
            )
        )
        return None


def _read_price(number: int, cell: object, problems: list[Problem]) -> int | None:
    """Read whole đồng: a number, or figures with dots, commas or blanks between thousands."""
    if isinstance(cell, (int, float)) and not isinstance(cell, bool):
        text = str(int(cell)) if float(cell).is_integer() else str(cell)
    else:
        text = str(cell if cell is not None else "").strip()
    if not text:
        return None
    price = read_whole(text, MOST_PRICE)
    if price is not None:
        return price
    problems.append(
        Problem(
            str(number),
            '"{value}" is no price',
            "write whole đồng, such as 12500000",
            {"value": text[:60]},
        )
    )
    return None


def write_lines(assets: Sequence[AssetRow]) -> list[list[object]]:
    """Give the lines of a sheet, the heads first, that `read_assets` reads back as the same.

    Kind and state are words of the reader's language.
    """
    heads: list[object] = [HEADS[name][0] for name in FIELDS]
    lines = [{name: getattr(it, name) for name in FIELDS} for it in assets]
    for line in lines:
        line |= {name: _(known[line[name]]) for name, known in _VOCABULARIES.items()}
    return [heads, *(list(it.values()) for it in lines)]
