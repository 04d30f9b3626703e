"""The minimum that counts for a snapshot: no edit of the estate takes it from one that is there.

A snapshot keeps the minimum that held when it was made, or a higher one that came later. A lower
one counts for what is made from then on; for what was there it counts once two people have agreed,
and the journal says so (`ops.backups.retention.cli_lower_minimum`).
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from ops.catalog.tables.core import JournalRow
from ops.estate.history.versions import CHANGED, read_version
from ops.estate.model.minimums import floor_in

LOWERED = "backup.minimum-lowered"
"""The journal's word for a lower minimum that two people have agreed to."""

_EDGE = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Minimum:
    """A minimum from a moment on.

    Attributes:
        at: Since when.
        days: Nothing younger goes.
        is_agreed: Whether two people agreed that it counts for what was there already.
    """

    at: datetime
    days: int
    is_agreed: bool = False


@dataclass(frozen=True, slots=True)
class PastRules:
    """What the journal tells of the estates that were in force and of minimums agreed to.

    Attributes:
        rows: Oldest first: the moment, the estate's document or None, and for an agreement its site
            and the days by store.
    """

    rows: tuple[tuple[datetime, Mapping[str, Any] | None, str, Mapping[str, int]], ...] = ()

    def of(self, site: str, store: str, database: str = "") -> tuple[Minimum, ...]:
        """Give the minimums of a site in a store, oldest first.

        Where a database is named, those of its runs alone; what was agreed to is about the site,
        and shortens nothing of these.
        """
        found = []
        for at, document, about, days in self.rows:
            if document is None:
                if about == site and store in days and not database:
                    found.append(Minimum(at, days[store], is_agreed=True))
            elif (floor := floor_in(document, site, store, database)) is not None:
                found.append(Minimum(at, floor.days))
        return tuple(found)


def read_past_rules(session: Session) -> PastRules:
    """Read every estate that was in force, and every agreement, in the journal's order."""
    query = (
        select(JournalRow.at, JournalRow.action, JournalRow.subject, JournalRow.details)
        .where(JournalRow.action.in_((CHANGED, LOWERED)))
        .order_by(JournalRow.sequence)
    )
    rows: list[tuple[datetime, Mapping[str, Any] | None, str, Mapping[str, int]]] = []
    for at, action, subject, details in session.execute(query):
        if action == CHANGED:
            rows.append((at, read_version(session, subject), "", {}))
        else:
            rows.append((at, None, subject, json.loads(details)["minimums"]))
    return PastRules(tuple(rows))


def decide_minimum(made: datetime, history: Sequence[Minimum], today: int) -> int:
    """Give the days for which a snapshot must stay; pure.

    Args:
        made: When it was made.
        history: The minimums of its site and store, oldest first.
        today: The minimum by the estate in force.
    """
    days = 0
    for it in history:
        days = it.days if it.at <= made or it.is_agreed else max(days, it.days)
    return max(days, today)


def find_lowered(history: Sequence[Minimum], today: int, now: datetime) -> int:
    """Give the highest minimum that a snapshot may still have above today's; 0: none; pure."""
    moments = [it.at - _EDGE for it in history]
    held = {made: decide_minimum(made, history, today) for made in moments}
    still = [days for made, days in held.items() if made > now - timedelta(days=days)]
    highest = max(still, default=0)
    return highest if highest > today else 0
