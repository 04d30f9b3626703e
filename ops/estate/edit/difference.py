"""Show what would change in a file, line by line, as `diff -u` does; pure."""

import difflib
from collections.abc import Iterator

from ops.language.text import make_visible

_CONTEXT = 3


def show_difference(name: str, before: bytes | None, after: bytes) -> Iterator[str]:
    """Yield the lines of a unified difference; what cannot be seen is shown as an escape."""
    old, new = _lines(before or b""), _lines(after)
    name = _seen(name).replace("\t", "\\t")
    head = "/dev/null" if before is None else name
    found = difflib.unified_diff(old, new, head, name, n=_CONTEXT, lineterm="")
    yield from found


def _lines(content: bytes) -> list[str]:
    text = content.decode("utf-8", "backslashreplace")
    lines = [_seen(line) for line in text.split("\n")]
    if lines and not lines[-1]:
        return lines[:-1]
    return [*lines[:-1], f"{lines[-1]}  \\ (no newline at the end)"] if lines else lines


def _seen(line: str) -> str:
    """Escape what commands a terminal, turns the writing round or takes no place; tabs stay."""
    shown = (
        it if it.isprintable() or it == "\t" else it.encode("unicode_escape").decode()
        for it in line
    )
    return make_visible("".join(shown))
