"""What a file is, by PRONOM, through `pygfried` (siegfried as a library; its signatures inside).

It is written in Go, and what Go runs does not outlive a fork: it is loaded where it is first used,
so that a process that others are forked from never has it.
"""

import os
import tempfile
from collections.abc import Sequence
from functools import cache
from pathlib import Path, PurePosixPath
from typing import Any

from archive.metadata.findings import Content, Format

_LONGEST_ENDING = 10
_MEMORY = "/dev/shm"  # noqa: S108 - a folder of its own is made in it, for this account alone


@cache
def tool_basis() -> str:
    """Give tool, version and signatures, as each result names them."""
    import pygfried

    answer = pygfried.identify(__file__, detailed=True)
    signatures = "; ".join(str(it["details"]) for it in answer["identifiers"])
    return f"siegfried {answer['siegfried']}, {signatures}"


def identify(contents: Sequence[tuple[str, Content]]) -> list[Format]:
    """Give the formats in order; what cannot be told has an empty id.

    Args:
        contents: (name, bytes or file); the name's ending is what weak signatures go by.
    """
    import pygfried

    if not contents:
        return []
    with tempfile.TemporaryDirectory(prefix="giucong-", dir=_memory()) as folder:
        paths = []
        for number, (name, content) in enumerate(contents):
            path = Path(folder) / f"{number}{PurePosixPath(name).suffix[:_LONGEST_ENDING]}"
            if isinstance(content, bytes):
                path.write_bytes(content)
            else:
                path.symlink_to(content)
            paths.append(str(path))
        answer = pygfried.identify_many(paths)
        found = {it["filename"]: _format_of(it) for it in answer["files"]}
        return [found.get(path, Format("", warning="no answer")) for path in paths]


@cache
def _memory() -> str | None:
    """Give a folder in memory, where there is one: small files are written and gone at once."""
    return _MEMORY if os.access(_MEMORY, os.W_OK | os.X_OK) else None


def _format_of(answer: Any) -> Format:
    matches = answer["matches"]
    if not matches or matches[0]["id"] == "UNKNOWN":
        return Format("", warning="unknown")
    match = matches[0]
    return Format(match["id"], match["format"], match["mime"], match["warning"])
