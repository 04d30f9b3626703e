"""Read a TOML file the way people save them: with or without a byte order mark."""

import tomllib
from pathlib import Path
from typing import Any


class NestedTooDeeplyError(ValueError):
    """Lists or tables lie inside each other deeper than anybody writes by hand."""


def read_toml(path: Path) -> dict[str, Any]:
    """Read it.

    Raises:
        OSError: It cannot be read.
        UnicodeDecodeError: It is not UTF-8.
        tomllib.TOMLDecodeError: It is not TOML.
        NestedTooDeeplyError: Its values are nested too deeply.
    """
    return parse_toml(path.read_bytes())


_MOST_DOTS = 64


def is_tangled(content: bytes) -> bool:
    """Tell whether a key has so many parts that reading it takes for ever; nobody writes such."""
    return any(line.count(b".") > _MOST_DOTS for line in content.split(b"\n"))


def parse_toml(content: bytes) -> dict[str, Any]:
    """Read what a file holds; errors as in `read_toml`."""
    text = content.decode("utf-8-sig")  # Windows Notepad writes the mark
    try:
        return tomllib.loads(text.replace("\r\n", "\n").replace("\r", "\n"))
    except RecursionError:
        raise NestedTooDeeplyError from None
