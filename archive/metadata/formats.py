"""What a file is, by PRONOM, through `pygfried` (siegfried as a library; its signatures inside)."""

import tempfile
from collections.abc import Sequence
from functools import cache
from pathlib import Path, PurePosixPath
from typing import Any

import pygfried

from archive.ingest import Content, Format

_LONGEST_ENDING = 10


@cache
def tool_basis() -> str:
    """Give tool, version and signatures, as each result names them."""
    answer = pygfried.identify(__file__, detailed=True)
    signatures = "; ".join(str(it["details"]) for it in answer["identifiers"])
    return f"siegfried {answer['siegfried']}, {signatures}"


def identify(contents: Sequence[tuple[str, Content]]) -> list[Format]:
    """Give the formats in order; what cannot be told has an empty id.

    Args:
        contents: (name, bytes or file); the name's ending is what weak signatures go by.
    """
    if not contents:
        return []
    with tempfile.TemporaryDirectory(prefix="giucong-") as folder:
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


def _format_of(answer: Any) -> Format:
    matches = answer["matches"]
    if not matches or matches[0]["id"] == "UNKNOWN":
        return Format("", warning="unknown")
    match = matches[0]
    return Format(match["id"], match["format"], match["mime"], match["warning"])
