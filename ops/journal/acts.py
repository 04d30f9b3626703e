"""What the journal says of a kind of act, read so that no edited row can make it stumble."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import LargeBinary, Select, cast, select, type_coerce
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from ops.catalog.tables.core import JournalRow
from ops.journal.journal import STORED, JournalGoneError
from ops.journal.rows import means_gone


@dataclass(frozen=True, slots=True)
class Act:
    """A row of the journal, without who acted.

    Attributes:
        sequence: The row's number.
        action, subject: As in the row.
        details: Empty where the row holds anything but a JSON object.
    """

    sequence: int
    action: str
    subject: str
    details: dict[str, Any]


def read_acts(session: Session, *actions: str) -> Iterator[Act]:
    """Give all acts of these kinds, oldest first; what nobody has verified is not yet true.

    Raises:
        JournalGoneError: The table is not there, or is not as it was made.
    """
    text: Any = JournalRow.details
    if session.get_bind().dialect.name == "sqlite":  # its columns hold whatever root puts there
        text = type_coerce(cast(JournalRow.details, LargeBinary), LargeBinary)
    query = (
        select(JournalRow.sequence, JournalRow.action, JournalRow.subject, text)
        .where(JournalRow.action.in_(actions))
        .order_by(JournalRow.sequence)
    )
    for sequence, action, subject, details in _execute(session, query):
        yield Act(sequence, action, subject, _parse(details))


def _execute(session: Session, query: Select[Any]) -> Iterable[Any]:
    try:
        return session.execute(query)
    except DBAPIError as error:
        if means_gone(session.connection(), error, STORED):
            raise JournalGoneError from error
        raise


def _parse(details: str | bytes | None) -> dict[str, Any]:
    try:
        found = json.loads(details or "")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
