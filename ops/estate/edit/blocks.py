"""Write sites as blocks of the estate file, and find the lines of a block; pure."""

import json
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from typing import Any

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
