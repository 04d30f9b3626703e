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
    text = path.read_text(encoding="utf-8-sig")  # Windows Notepad writes the mark
    try:
        return tomllib.loads(text)
    except RecursionError:
        raise NestedTooDeeplyError(str(path)) from None
