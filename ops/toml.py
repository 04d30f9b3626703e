"""Read a TOML file the way people save them: with or without a byte order mark."""

import re
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
_TEXTS = re.compile(r'"(?:[^"\\\n]|\\.)*"|\'[^\'\n]*\'|#[^\n]*')
"""Texts and remarks: dots in them part no key, but a text may be a part itself."""

_PARTING = re.compile(r"(?<=[\w \t-])\.(?=[ \t]*[\w-])")


def _is_tangled(text: str) -> bool:
    """Tell whether a key has so many parts that reading it takes for ever; nobody writes such."""
    lines = (line for line in text.split("\n") if line.count(".") > _MOST_DOTS)
    return any(len(_PARTING.findall(_TEXTS.sub("x", line))) > _MOST_DOTS for line in lines)


def parse_toml(content: bytes) -> dict[str, Any]:
    """Read what a file holds; errors as in `read_toml`."""
    text = content.decode("utf-8-sig")  # Windows Notepad writes the mark
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    if _is_tangled(text):
        raise NestedTooDeeplyError
    try:
        return tomllib.loads(text)
    except RecursionError:
        raise NestedTooDeeplyError from None
