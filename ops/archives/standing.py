"""How each place of the archive stands: how much, how intact, since when unread.

For `archive.status`, and for whoever watches: facts of the catalog; no disk is touched, nothing is
printed.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

import msgspec
from sqlalchemy.orm import Session

from archive.fixity.scrub import SHELVES, ScrubState
from ops.archives.places import Place, all_places
from ops.catalog.tables.copies import ArchivePlace
from ops.estate.model.estate import Estate


@dataclass(frozen=True, slots=True)
class PlaceState:
    """What is known of a place; fields as in `ops.catalog.tables.copies.ArchivePlace`."""

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


@dataclass(frozen=True, slots=True)
class Standing:
    """A root of the archive, or a plain copy, as it was known when it was looked at last.

    Attributes:
        name: `public`, `private`, or the name of a copy.
        objects: How many there were.
        damaged: Paths of those that are damaged or missing.
        lacks: How many objects a copy does not have yet.
        checked_at: End of the last run that read something; None: it was never read back.
        oldest_at: Since when the byte that was not read for the longest time is unverified; None
            where there is no object, or nobody looked yet.
        full_pass_at: When the last part of the newest whole pass was read; None before the first.
        reread_days: Every byte is to be read again within.
    """

    name: str
    objects: int
    damaged: tuple[str, ...]
    lacks: int
    checked_at: datetime | None
    oldest_at: datetime | None
    full_pass_at: datetime | None
    reread_days: int

    def is_overdue(self, now: datetime) -> bool:
        """Say whether a byte is unread for longer than it may be."""
        return bool(self.oldest_at and now - self.oldest_at > timedelta(days=self.reread_days))


def standing_of(place: Place, state: PlaceState) -> Standing:
    """Give how a place stands; pure."""
    passed = state.scrub.passed
    return Standing(
        place.name,
        state.objects,
        state.damaged,
        state.lacks,
        state.checked_at,
        state.scrub.oldest if state.objects else None,
        max(passed.values()) if len(passed) == len(SHELVES) else None,
        place.reread_days,
    )


def read_standings(session: Session, estate: Estate, now: datetime) -> list[Standing]:
    """Give how every place stands, the two roots first; none where the estate has no archive."""
    if estate.archive is None:
        return []
    return [standing_of(it, read_place(session, it.name, now)) for it in all_places(estate)]
