"""How far each place of the archive was read back, in the catalog."""

from dataclasses import dataclass
from datetime import datetime

import msgspec
from sqlalchemy.orm import Session

from archive.fixity.scrub import ScrubState
from ops.catalog.tables.archives import ArchivePlace


@dataclass(frozen=True, slots=True)
class PlaceState:
    """What is known of a place; fields as in `ops.catalog.tables.archives.ArchivePlace`."""

    name: str
    scrub: ScrubState
    objects: int = 0
    damaged: tuple[str, ...] = ()
    lacks: int = 0
    checked_at: datetime | None = None


def read_place(session: Session, name: str, now: datetime) -> PlaceState:
    """Give what is known; a place that is new begins now."""
    row = session.get(ArchivePlace, name)
    if row is None:
        return PlaceState(name, ScrubState(since=now))
    state = msgspec.convert(row.scrub, ScrubState)
    return PlaceState(name, state, row.objects, tuple(row.damaged), row.lacks, row.checked_at)


def write_place(session: Session, state: PlaceState) -> None:
    """Keep what is known."""
    session.merge(
        ArchivePlace(
            name=state.name,
            since=state.scrub.since,
            scrub=msgspec.to_builtins(state.scrub),
            oldest_at=state.scrub.oldest,
            objects=state.objects,
            damaged=list(state.damaged),
            lacks=state.lacks,
            checked_at=state.checked_at,
        )
    )
