"""Sites from a sheet, and sites as blocks of the estate file; pure.

Order of writing:

1. Everything is decided and validated as the estate will be read; any mistake stops it here.
2. The file with the old blocks and the new ones takes its place in one step (`placing`).
3. The new estate is remembered and the act journaled, in one transaction each.

Cut off between 2 and 3, the next task remembers the new estate and journals the difference.
"""

import json
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from ops.errors import OpsError, Problem
from ops.estate.edit.csv_sheet import COLUMNS, KINDS, Row, Sheet, place_of, split_list
from ops.estate.load.load import examine
from ops.estate.load.read import Document, Location, is_named_by
from ops.estate.site_rules import lacking_words
from ops.language.text import N_

NESTED = ("files", "databases", "exceptions")
_HEADER = re.compile(r"\s*\[\[?\s*([A-Za-z0-9_.\"' -]+?)\s*\]?\]\s*(?:#.*)?")


def write_sites(sites: Iterable[Mapping[str, Any]]) -> str:
    """Give the blocks of several sites, an empty line between them."""
    return "\n".join(write_site(site) for site in sites)


def write_site(site: Mapping[str, Any]) -> str:
    """Give a site as a `[[sites]]` block that reads back as the same table.

    Args:
        site: Texts, whole numbers, dates and lists of texts, and below `NESTED` lists of tables.
    """
    lines = ["[[sites]]", *_pairs(site)]
    for section in NESTED:
        for part in site.get(section, ()):
            lines += ["", f"  [[sites.{section}]]", *(f"  {line}" for line in _pairs(part))]
    return "\n".join(lines) + "\n"


def _pairs(table: Mapping[str, Any]) -> Iterator[str]:
    for key, value in table.items():
        if key not in NESTED:
            yield f"{key} = {_value(value)}"


def _value(value: object) -> str:
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, int):
        return str(value)
    if isinstance(value, list | tuple):
        return f"[{', '.join(_value(item) for item in value)}]"
    # A JSON string is a TOML one but for U+007F, which TOML wants escaped.
    return json.dumps(str(value), ensure_ascii=False).replace("\x7f", "\\u007f")


def find_block(text: str, name: str) -> tuple[int, int] | None:
    """Give the first and the last line, counted from 1, of the site's block; None without one."""
    lines = text.splitlines()
    for start, line in enumerate(lines):
        if _header_of(line) != "sites":
            continue
        end = start + 1
        while end < len(lines) and not _ends_block(lines[end]):
            end += 1
        while not lines[end - 1].strip() or lines[end - 1].lstrip().startswith("#"):
            end -= 1
        if _is_called("\n".join(lines[start:end]), name):
            return start + 1, end
    return None


def _header_of(line: str) -> str:
    found = _HEADER.fullmatch(line)
    return found[1].replace(" ", "") if found else ""


def _ends_block(line: str) -> bool:
    header = _header_of(line)
    return bool(header) and not header.startswith("sites.")


def _is_called(block: str, name: str) -> bool:
    try:
        sites = tomllib.loads(block).get("sites")
    except tomllib.TOMLDecodeError:
        return False
    return isinstance(sites, list) and bool(sites) and sites[0].get("name") == name


_SPREADSHEET_ERROR = re.compile(
    r".*#(?:REF!|NAME\?|VALUE!|DIV/0!|N/A|NULL!|NUM!|SPILL!|CALC!|FIELD!).*|Err:\d+|#{3,}",
    re.DOTALL,
)
_SEPARATORS = re.compile(r"[;|,]")
_DAY = re.compile(r"(?:(\d{4})-(\d{1,2})-(\d{1,2})|(\d{1,2})/(\d{1,2})/(\d{4}))")


class SheetError(OpsError):
    """A table of sites has mistakes; holds every one of them, in the order of the table."""

    def __init__(self, name: str, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__(
            'the table "{name}" cannot be imported; problems found: {count}',
            data="nothing was written",
            next_step="correct the cells above, then import it again",
            name=name,
            count=len(self.problems),
        )


@dataclass(frozen=True, slots=True)
class ImportPlan:
    """What an import adds.

    Attributes:
        out: The file that gets the blocks.
        text: The blocks.
        added: Names of the sites that are new, in the order of the table.
        skipped: Names that the estate has already; they stay as they are.
    """

    out: Path
    text: str
    added: tuple[str, ...]
    skipped: tuple[str, ...]


def plan_import(document: Document, sheet: Sheet, *, name: str, out: Path) -> ImportPlan:
    """Decide what an import adds; writes nothing.

    Args:
        document: The estate as it was read, without mistakes of its own.
        sheet: The table.
        name: What the table is called, for errors.
        out: The file that is to get the blocks.

    Raises:
        SheetError: The table has mistakes, all of which it carries.
        OpsError: The estate would not read the file.
    """
    if not is_included(document, out):
        raise OpsError(
            "the estate does not include {path}: sites written there would be ignored",
            why="`include` in {main} does not name it",
            data="nothing was written",
            next_step='add `include = ["sites.d/*.toml"]` below `schema`, or choose --out',
            path=out,
            main=document.path,
        )
    problems = list(sheet.problems)
    taken = {site.get("name") for site in document.data.get("sites", ())}
    new = [row for row in sheet.rows if row.cells.get("name") not in taken]
    sites = [make_site(row, problems) for row in new]
    problems += _leave_out_told(problems, _validate(document, new, sites))
    if problems:
        raise SheetError(name, problems)
    skipped = tuple(row.cells["name"] for row in sheet.rows if row.cells.get("name") in taken)
    return ImportPlan(out, write_sites(sites), tuple(site["name"] for site in sites), skipped)


def is_included(document: Document, path: Path) -> bool:
    """Tell whether the estate reads a file, which need not exist yet."""
    patterns = document.data.get("include", [])
    return any(is_named_by(path, document.path.parent, pattern) for pattern in patterns)


def make_site(row: Row, problems: list[Problem]) -> dict[str, Any]:
    """Give the table of a site as the estate file holds it; empty cells are left out."""
    site: dict[str, Any] = {}
    parts: dict[tuple[str, str], dict[str, Any]] = {}
    for name, text in row.cells.items():
        column = COLUMNS[name]
        value = _read_cell(name, text, row, problems)
        if value is None:
            continue
        if not column.section:
            site[column.key] = value
        else:
            parts.setdefault((column.section, column.part), {})[column.key] = value
    for (section, part), values in sorted(parts.items(), key=lambda it: it[0][0], reverse=True):
        site.setdefault(section, []).extend(_make_parts(section, part, values))
    return site


def _make_parts(section: str, part: str, values: dict[str, Any]) -> list[dict[str, Any]]:
    if section == "exceptions":
        rest = {key: value for key, value in values.items() if key != "lacks"}
        return [{"lacks": lack, **rest} for lack in values.get("lacks", [""])]
    kind = {"kind": KINDS[part]} if section == "files" else {}
    return [{"name": part, **values, **kind}]


def _read_cell(name: str, text: str, row: Row, problems: list[Problem]) -> object:
    form = COLUMNS[name].form
    fault = _find_fault(name, text, row)
    if fault is not None:
        what, fix = fault
    elif form == "list":
        return list(split_list(text))
    elif form == "lacks":
        return list(_split_lacks(text))
    elif form == "number":
        if text.isdecimal():
            return int(text)
        what, fix = N_("this must be a whole number"), N_("write digits only, e.g. 3306")
    elif form == "day":
        day = read_day(text)
        if day is not None:
            return day
        what, fix = N_("this must be a day"), N_("write it like 31/12/2027")
    else:
        return text
    problems.append(Problem(place_of(row.number, name), what, fix))
    return text if form in {"text", "path"} else None


def _find_fault(name: str, text: str, row: Row) -> tuple[str, str] | None:
    """Give what is wrong with a cell whatever its column is, and the fix; None where nothing is."""
    if _SPREADSHEET_ERROR.fullmatch(text):
        return N_("the spreadsheet program could not work this cell out"), N_(
            "correct its formula, or type the value itself"
        )
    if text.startswith("="):
        return N_("the cell holds a formula"), N_("type the value itself")
    is_file = COLUMNS[name].form == "path" and (
        name != "database" or row.cells.get("engine") == "sqlite"
    )
    if is_file and not text.startswith("/"):
        return N_("the path is relative"), N_("write the whole path, beginning with /")
    return None


def _split_lacks(text: str) -> Iterator[str]:
    """Yield what is lacking: parts of a list, and single words where all of them are known."""
    known = lacking_words()
    for piece in filter(None, map(str.strip, _SEPARATORS.split(text))):
        words = piece.split()
        if piece.casefold() not in known and all(word.casefold() in known for word in words):
            yield from words
        else:
            yield piece


def _leave_out_told(told: Iterable[Problem], more: Iterable[Problem]) -> Iterator[Problem]:
    """Yield what is new: a cell that was not understood is not missing too; nothing comes twice."""
    cells = {problem.key for problem in told}
    seen: list[Problem] = []
    for problem in more:
        if problem.key not in cells and problem not in seen:
            seen.append(problem)
            yield problem


def read_day(text: str) -> date | None:
    """Read `31/12/2027` or `2027-12-31`; None for anything else."""
    found = _DAY.fullmatch(text.strip())
    if found is None:
        return None
    year, month, day = found.group(1, 2, 3) if found[1] else found.group(6, 5, 4)
    try:
        return date(int(year), int(month), int(day))
    except ValueError:
        return None


def _validate(
    document: Document, rows: list[Row], sites: list[dict[str, Any]]
) -> Iterator[Problem]:
    """Yield what the estate would say about the new sites, each at its row and column."""
    known = list(document.data.get("sites", ()))
    trial = Document(document.path, {**document.data, "sites": [*known, *sites]}, document.files)
    for location, problem in examine(trial)[1]:
        number = location[1] if location[:1] == ("sites",) and len(location) > 1 else -1
        if not isinstance(number, int) or number < len(known):
            continue
        row, site = rows[number - len(known)], sites[number - len(known)]
        column = column_of(location[2:], site)
        yield Problem(place_of(row.number, column), problem.what, problem.fix, problem.params)


def column_of(location: Location, site: Mapping[str, Any]) -> str:
    """Give the column that a location inside a site comes from; empty for the row as a whole."""
    section, part, key = "", "", str(location[0]) if location else ""
    if key in site and isinstance(site[key], list) and len(location) > 2:  # noqa: PLR2004 - files[0].path
        section, key = key, str(location[2])
        entry = site[section][int(location[1])] if int(location[1]) < len(site[section]) else {}
        part = "" if section == "exceptions" else entry.get("name", "")
    for name, it in COLUMNS.items():
        if (it.section, it.part, it.key) == (section, part, key):
            return name
    return ""
