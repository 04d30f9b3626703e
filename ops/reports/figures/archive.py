"""The archive in figures: how much there is, and when it was read again."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from ops.catalog.tables.archives import ArchivePlace
from ops.reports.figures.figure import Figure


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaceCounts:
    """A place of the archive now; fields as in `ops.catalog.tables.archives.ArchivePlace`."""

    objects: int
    damaged: int
    lacks: int
    checked_at: datetime | None


def count_places(session: Session) -> Figure[Mapping[str, PlaceCounts]]:
    """Give each place of the archive by name; None where there is no archive."""
    found = {
        it.name: PlaceCounts(
            objects=it.objects, damaged=len(it.damaged), lacks=it.lacks, checked_at=it.checked_at
        )
        for it in session.execute(select(ArchivePlace).order_by(ArchivePlace.name)).scalars()
    }
    return Figure(found or None, "archive")
