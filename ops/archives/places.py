"""Where the archive of an estate lies: its two roots, their indexes, its plain copies."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from archive.metadata.item import Grade
from archive.ocfl.root import StorageRoot, create_root, open_root
from archive.search.index import ItemIndex, open_index
from ops.errors import OpsError
from ops.estate.model.archive import ArchiveSettings
from ops.estate.model.estate import Estate

PUBLIC, PRIVATE = "public", "private"


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

    def root(self) -> StorageRoot:
        """Open it.

        Raises:
            NotAnArchiveError: It is none.
        """
        return open_root(self.folder)


def settings_of(estate: Estate) -> ArchiveSettings:
    """Give what the estate says of the archive.

    Raises:
        OpsError: It has none.
    """
    if estate.archive is None:
        raise OpsError(
            "this estate has no archive",
            data="nothing was changed",
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


def place_for(estate: Estate, grade: int) -> Place:
    """Give the root for items of an access grade."""
    public, private = own_places(estate)
    return private if grade >= Grade.RESTRICTED else public


def make_roots(estate: Estate) -> None:
    """Make the roots that are not there yet; what is there stays."""
    for place in own_places(estate):
        private = place.name == PRIVATE
        if not (place.folder / "0=ocfl_1.1").exists():
            create_root(place.folder)
            if private:
                place.folder.chmod(0o700)


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
