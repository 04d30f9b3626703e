"""What the register says of remarks: which were answered, and by when."""

from collections.abc import Iterator
from datetime import timedelta
from typing import TYPE_CHECKING

from sqlalchemy import select
from sqlalchemy.orm import Session

from ops.catalog.tables.register import RegisterEntry
from ops.duties.evidence.verdicts import LATE, Piece
from ops.schedule.ledger.job import Outcome

if TYPE_CHECKING:
    from ops.duties.evidence.queries import Ask


def find_answers(session: Session, ask: "Ask") -> Iterator[Piece]:
    """Find what became of each site's remarks of the period's first day: good once all are closed.

    Whoever takes one up has not answered it yet.
    """
    first, _after = ask.bounds()
    query = select(RegisterEntry).where(
        RegisterEntry.kind == "remark",
        RegisterEntry.occurred_at >= first,
        RegisterEntry.occurred_at < first + timedelta(days=1),
    )
    of_site: dict[str, list[RegisterEntry]] = {}
    for row in session.execute(query.order_by(RegisterEntry.received_at)).scalars():
        of_site.setdefault(row.site, []).append(row)
    for site, rows in of_site.items():
        yield _piece(site, rows, ask)


def _piece(site: str, rows: list[RegisterEntry], ask: "Ask") -> Piece:
    waiting = [it for it in rows if it.closed_at is None]
    closed = [it.closed_at for it in rows if it.closed_at is not None]
    zone = ask.setting.zone
    is_late = not waiting and max(closed).astimezone(zone).date() > ask.deadline
    outcome: Outcome = "incomplete" if waiting or is_late else "ok"
    details = {
        "entries": [f"{it.year}-{it.number:03}" for it in rows],
        "waiting": len(waiting),
        **({LATE: True} if is_late else {}),
    }
    at = max([*closed, rows[0].received_at])
    shown = (waiting or rows)[-1]
    return Piece(site, at, outcome, "register_entries", str(shown.id), details)
