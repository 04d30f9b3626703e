"""Where the archive of an estate lies, its roots, indexes and copies; and how each place stands.

For `archive.status`, and for whoever watches: facts of the catalog; no disk is touched, nothing is
printed.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import msgspec
from sqlalchemy.orm import Session

from archive.fixity.scrub import SHELVES, ScrubState
from archive.ocfl.layout import ROOT_DECLARATION
from archive.ocfl.root import StorageRoot, create_root, open_root
from archive.search.index import ItemIndex, open_index
from ops.catalog.open import Catalog
from ops.catalog.tables.copies import ArchivePlace
from ops.errors import OpsError, WrongUseError
from ops.estate.model.archive import ROOT_NAMES, ArchiveSettings
from ops.estate.model.estate import Estate
from ops.estate.model.own_site import ARCHIVE_SITE
from ops.schedule.kinds import RunContext

PUBLIC, PRIVATE = ROOT_NAMES


class ArchivePlaceLostError(OpsError):
    """A root of the archive is not where it was."""


@dataclass(frozen=True, slots=True)
class Place:
    """A storage root of the archive, or a copy of one.

    Attributes:
        name: `public`, `private`, or the name of a copy.
        folder: The root.
        index: File of its index; None for a copy.
        reread_days: Every byte is read again within.
        location: Where it stands; empty: here.
    """

    name: str
    folder: Path
    index: Path | None
    reread_days: int
    location: str = ""

    @property
    def is_there(self) -> bool:
        """Whether there is a root in its folder."""
        return (self.folder / ROOT_DECLARATION).exists()

    def root(self) -> StorageRoot:
        """Open it.

        Raises:
            NotAnArchiveError: It is none.
        """
        return open_root(self.folder)


def settings_of(estate: Estate) -> ArchiveSettings:
    """Give what the estate says of the archive.

    Raises:
        WrongUseError: It has none.
    """
    if estate.archive is None:
        raise WrongUseError(
            "this estate has no archive",
            next_step='write `[archive]` with `url = "var/archive"` into the estate file',
        )
    return estate.archive


def own_places(estate: Estate) -> tuple[Place, Place]:
    """Give the public and the private root."""
    settings = settings_of(estate)
    folder = estate.service.state / "archive"
    return (
        Place(PUBLIC, settings.url, folder / "index.db", settings.reread_days),
        Place(PRIVATE, settings.private, folder / "private-index.db", settings.reread_days),
    )


def all_places(estate: Estate) -> tuple[Place, ...]:
    """Give the roots, then the plain copies of the public one."""
    copies = (
        Place(it.name, it.url, None, it.reread_days, it.location)
        for it in settings_of(estate).copies
    )
    return (*own_places(estate), *copies)


def find_copy(estate: Estate, name: str) -> Place | None:
    """Give the plain copy of that name; None where there is none."""
    return next((it for it in all_places(estate) if it.name == name and it.index is None), None)


def make_roots(estate: Estate, catalog: Catalog) -> None:
    """Make the roots that are not there yet; what is there stays.

    A root that was here before is never made anew: its disk is not mounted, or it was moved and
    the estate does not say where to. An empty one in its place would be taken for the archive.
    """
    missing = [it for it in own_places(estate) if not it.is_there]
    for place in missing:
        if _was_there(place, catalog):
            raise ArchivePlaceLostError(
                "the archive is not at {folder}, where it was",
                why="its disk is not mounted, or the archive was moved",
                data="nothing was written there; its copies and backups were not touched",
                next_step="mount the disk, or correct `[archive]` in the estate file; if it is"
                " lost: `{program} backup.restore --site luu-tru --target FOLDER`",
                folder=place.folder,
            )
    for place in missing:
        create_root(place.folder)
        if place.name == PRIVATE:
            place.folder.chmod(0o700)


def open_copy(place: Place, catalog: Catalog) -> StorageRoot:
    """Open a plain copy, made on first use; one that was here before is never made anew."""
    if not place.is_there and _was_there(place, catalog):
        raise ArchivePlaceLostError(
            "the archive's copy {name} is not at {folder}, where it was",
            why="its disk is not mounted, or it was moved",
            data="nothing was written there; the archive itself was not touched",
            next_step="mount the disk, or correct `[[archive.copies]]` in the estate file",
            name=place.name,
            folder=place.folder,
        )
    return create_root(place.folder)


def make_roots_for_backup(context: RunContext, estate: Estate) -> None:
    """Make the roots before the first backup of the archive; of other sites nothing."""
    if context.site == ARCHIVE_SITE:
        make_roots(estate, context.catalog)


def _was_there(place: Place, catalog: Catalog) -> bool:
    """Tell whether objects lay there: the index or the catalog knows of some."""
    if place.index is not None and place.index.exists():
        with opened_index(place, read_only=True) as index:
            if next(index.ids(), None) is not None:
                return True
    with catalog.reading() as session:
        row = session.get(ArchivePlace, place.name)
        return row is not None and row.objects > 0


@contextmanager
def opened_index(place: Place, *, read_only: bool = False) -> Iterator[ItemIndex]:
    """Open the index of a root for the block.

    Raises:
        ArchiveError: It cannot be used; `archive.reindex` makes it anew.
    """
    if place.index is None:
        raise LookupError(f"{place.name} has no index")
    index = open_index(place.index, read_only=read_only and place.index.exists())
    try:
        yield index
    finally:
        index.close()


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
