"""Lists a page at a time: what an address asks for, and where the list goes on."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ColumnElement, tuple_

from ops.console.page import Arguments

_LONGEST = 120
_DIGITS = 15


def number_of(
    arguments: Arguments, name: str, usual: int = 0, *, least: int = 0, most: int = 9_999_999
) -> int:
    """Give a number within bounds; the usual one in place of anything else."""
    text = arguments.get(name, "")
    is_number = text.isascii() and text.isdigit() and len(text) <= _DIGITS
    return int(text) if is_number and least <= int(text) <= most else usual


def cut(found: Sequence[Any], arguments: Arguments, rows: int) -> Mapping[str, Any]:
    """Give a page of a list: its `items`, the `count` of all, `next` for those after it, if any.

    Args:
        found: All of them.
        arguments: `from`: how many come before.
        rows: So many are on a page.
    """
    begin = number_of(arguments, "from")
    more = begin + rows if begin + rows < len(found) else None
    return {"items": found[begin : begin + rows], "count": len(found), "next": more}


def cut_key(found: Sequence[Any], moment: str, rows: int) -> tuple[Sequence[Any], str]:
    """Give a page of rows, newest first, and the argument that asks for older ones; empty for none.

    Args:
        found: Rows with `id`, one more than a page has where there are older ones.
        moment: The column they are ordered by.
        rows: So many are on a page.
    """
    shown = found[:rows]
    last = shown[-1] if len(found) > rows else None
    return shown, f"{last[moment].astimezone(UTC).isoformat()} {last['id']}" if last else ""


def older(text: str, moment: Any, row_id: Any) -> list[ColumnElement[bool]]:
    """Give the condition for rows older than the one an argument names; none where it names none.

    Args:
        text: As a browser sent it.
        moment: The column of the moment; rows are ordered by it and the id, newest first.
        row_id: The column of the id.
    """
    at, _blank, key = text[:_LONGEST].partition(" ")
    try:
        parsed = datetime.fromisoformat(at)
        wanted = row_id.type.python_type(key)
        if parsed.tzinfo is None:
            return []
    except ValueError:
        return []
    return [tuple_(moment, row_id) < tuple_(parsed, wanted)]
