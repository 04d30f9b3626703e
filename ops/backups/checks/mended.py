"""Damage that was mended, for whoever has to look at the disk: told until all was read back."""

import json
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from ops.catalog.tables.core import JournalRow, Run
from ops.outcomes import Explanation, explain

MENDED = "backup.mend"
"""The journal's word for packs that a check has mended from another store."""

TOLD_FOR = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Mended:
    """Packs of a site that were damaged in a store and were mended.

    Attributes:
        site, store: Names.
        count: How many packs.
        at: When, at last.
    """

    site: str
    store: str
    count: int
    at: datetime

    def explain(self) -> Explanation:
        """Say it in the reader's language."""
        params = {"count": self.count, "store": self.store}
        return explain("damage_mended", params, site=self.site)


def read_mended(session: Session, now: datetime) -> list[Mended]:
    """Give what was mended lately and not followed by a check that read everything back."""
    found: dict[tuple[str, str], Mended] = {}
    query = (
        select(JournalRow.subject, JournalRow.at, JournalRow.details)
        .where(JournalRow.action == MENDED, JournalRow.at >= now - TOLD_FOR)
        .order_by(JournalRow.sequence)
    )
    for site, at, text in session.execute(query):
        details = json.loads(text)
        place = (site, str(details["store"]))
        earlier = found[place].count if place in found else 0
        found[place] = Mended(*place, earlier + sum(map(len, details["from"].values())), at)
    return [it for it in found.values() if not _is_proven(session, it)]


def _is_proven(session: Session, mended: Mended) -> bool:
    """Say whether a good check has read every pack of that store back since."""
    query = select(Run.summary).where(
        Run.kind == "check",
        Run.site == mended.site,
        Run.outcome == "ok",
        Run.started_at > mended.at,
    )
    return any(
        it.get("store") == mended.store and it.get("every_pack_read")
        for it in session.execute(query).scalars()
    )
