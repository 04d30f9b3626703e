"""Papers that were taken back as issued, as the journal tells of them.

That a document says of itself that it is a report proves nothing: anybody who keeps documents may
write that. What `report.issue` has journaled, with its right and its look at the signatures, does.
"""

import json
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import false, or_, select
from sqlalchemy.orm import Session

from ops.catalog.tables.core import JournalRow
from ops.errors import WrongUseError

ISSUED = "report.issued"
"""What the journal tells of a paper that was taken back."""

ABOUT = "report:"
"""How that begins which such a paper is about; no other document may be about it."""


@dataclass(frozen=True, slots=True)
class IssuedPaper:
    """One paper.

    Attributes:
        document: Id of the document, in hexadecimal.
        about: What it is about, `report:annual:2026`.
        number: As it stands on it.
        day: Its own, as typed; None where nobody told it.
        signed_at: The newest time that its signatures name, by the signers' own clocks; None where
            there is none.
        is_checked: Whether each signature led to a root that was trusted.
        sha256: Of its bytes.
        at: When it was taken back.
    """

    document: str
    about: str
    number: str
    day: date | None
    signed_at: datetime | None
    is_checked: bool
    sha256: str
    at: datetime


def read_issued(session: Session, abouts: Collection[str]) -> Iterator[IssuedPaper]:
    """Yield what was taken back about something, oldest first; `report:site:` takes all of a kind.

    Args:
        session: For reading.
        abouts: What the papers are about, or how that begins, where it ends in a colon.
    """
    subject = JournalRow.subject
    wanted = [
        subject.startswith(it, autoescape=True) if it.endswith(":") else subject == it
        for it in abouts
    ]
    query = select(JournalRow).where(JournalRow.action == ISSUED, or_(false(), *wanted))
    for row in session.execute(query.order_by(JournalRow.sequence)).scalars():
        yield _read(row, json.loads(row.details))


def _read(row: JournalRow, told: dict[str, Any]) -> IssuedPaper:
    day, signed_at = told.get("day"), told.get("signed_at")
    return IssuedPaper(
        document=told["document"],
        about=row.subject,
        number=told["number"],
        day=date.fromisoformat(day) if day else None,
        signed_at=datetime.fromisoformat(signed_at) if signed_at else None,
        is_checked=told.get("signer") == "checked",
        sha256=told.get("sha256", ""),
        at=row.at,
    )


def refuse_issued(about: str) -> None:
    """Refuse to keep a document as if it were a paper that was issued; pure."""
    if about.casefold().startswith(ABOUT):
        raise WrongUseError(
            '"{about}" is kept for papers that were issued',
            why="whether it is signed is looked at first",
            next_step="take the signed paper back with `{program} report.issue --kind {kind}`",
            about=about[:60],
            kind=about.split(":")[1][:40] or "KIND",
        )
