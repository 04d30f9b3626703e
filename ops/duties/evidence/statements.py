"""What people say they did: for duties that leave no trace in the catalog by themselves.

Order of a statement: one journal row, in the caller's transaction. It is proof that somebody said
so, with the document's number, and is shown as that.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from ops.catalog.tables.core import JournalRow
from ops.journal import journal
from ops.journal.journal import Entry, Origin

ACTION = "duty.done"


@dataclass(frozen=True, slots=True)
class Statement:
    """Somebody's word that a duty was done.

    Attributes:
        sequence: Number of the journal row.
        at: When it was said.
        subject: System or site; empty for the organisation.
        details: `period`, `done_on`, and who said it.
    """

    sequence: int
    at: datetime
    subject: str
    details: Mapping[str, Any]


def state_done(
    session: Session, origin: Origin, *, duty: str, subject: str, period: str, done_on: date
) -> None:
    """Write a statement; the origin carries person and document."""
    details = {"subject": subject, "period": period, "done_on": done_on.isoformat()}
    journal.append(session, origin, [Entry(ACTION, duty, details)])


def find_statements(session: Session, duty: str, period: str) -> Iterator[Statement]:
    """Give what was said of one period of a duty, oldest first."""
    rows = (
        select(JournalRow)
        .where(JournalRow.action == ACTION, JournalRow.subject == duty)
        .order_by(JournalRow.sequence)
    )
    for row in session.execute(rows).scalars():
        details = json.loads(row.details)
        if details["period"] == period:
            told = {
                **details,
                "person": row.person or row.login,
                "document": row.document,
            }
            yield Statement(row.sequence, row.at, details["subject"], told)
