"""Where a list goes on: the moment and the id of the last row shown, as one argument."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ColumnElement, tuple_

_LONGEST = 120


def write_key(moment: datetime, row_id: object) -> str:
    """Give the argument that asks for what is older than a row."""
    return f"{moment.astimezone(UTC).isoformat()} {row_id}"


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
