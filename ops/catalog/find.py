"""Find a row by as much of its id as somebody has typed."""

import re
from typing import TypeVar
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from ops.catalog.columns import Base
from ops.errors import WrongUseError
from ops.language.formats import format_id

_FEWEST_DIGITS = 4
_DIGITS = re.compile(r"[0-9a-f]{1,32}")
_MOST_NAMED = 5


Row = TypeVar("Row", bound=Base)


def find_by_id(session: Session, table: type[Row], wanted: str) -> Row | None:
    """Find a row by its id: all of it, or a beginning or end of it that no other has.

    A beginning is that of the whole id, or of the end that people see (`format_id`).

    Args:
        session: Any.
        table: With a column `id` of UUIDs.
        wanted: As typed; at least four digits, hyphens count nothing.

    Raises:
        WrongUseError: Several rows fit.
    """
    digits = wanted.strip().lower().replace("-", "")
    if not _DIGITS.fullmatch(digits) or len(digits) < _FEWEST_DIGITS:
        return None
    ids = session.execute(select(table.__table__.c.id)).scalars()
    found = [it for it in ids if is_called(it, digits)]
    if len(found) > 1:
        raise WrongUseError(
            'several ids begin or end with "{id}": {ids}',
            next_step="type one of them",
            id=wanted,
            ids=", ".join(map(format_id, found[:_MOST_NAMED])),
        )
    return session.get(table, found[0]) if found else None


def is_called(whole: UUID, digits: str) -> bool:
    """Say whether an id is called so: by a beginning, by an end, or as its shown end begins."""
    shown = format_id(whole)
    return whole.hex.startswith(digits) or whole.hex.endswith(digits) or shown.startswith(digits)
