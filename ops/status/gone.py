"""Repositories that are not where they were seen: found by a look at folders of this machine."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy.orm import Session

from ops.errors import SecretError
from ops.estate.models import Estate
from ops.estate.references import reveal
from ops.jobs.indexing import read_seen
from ops.jobs.reasons import Explanation
from ops.retention.holds import read_all_holds
from ops.status.counting import Place
from ops.text import N_, _, fill

_CONFIG = "config"  # the one file every repository has at its top; restic's format, "Repository"


def find_gone(estate: Estate, seen: Iterable[Place]) -> dict[Place, str]:
    """Give where repositories are gone that were seen in stores which are folders here.

    Args:
        estate: As it is now.
        seen: Where repositories were seen.

    Returns:
        The place in which each was, by site and store; one that may not be looked at is not gone.
    """
    folders = {it.name: _folder(it.url) for it in estate.stores}
    found = {}
    for site, store in seen:
        folder = folders.get(store)
        if folder is not None and _is_gone(folder / site):
            found[site, store] = str(folder / site)
    return found


@dataclass(frozen=True, slots=True)
class HeldGone:
    """What is held of a site that the estate no longer names, and is not where it was.

    Attributes:
        site, store: Names.
        place: Where it was.
        reference: The document that asks for the hold.
    """

    site: str
    store: str
    place: str
    reference: str


def read_held_gone(session: Session, estate: Estate) -> tuple[HeldGone, ...]:
    """Give what is held and gone of retired and vanished sites."""
    present = {it.name for it in (*estate.sites, estate.own_site)}
    held = {
        site: holds[0].reference
        for site, holds in read_all_holds(session).items()
        if site not in present
    }
    gone = find_gone(estate, [it for it in read_seen(session) if it[0] in held])
    return tuple(
        HeldGone(site, store, place, held[site]) for (site, store), place in sorted(gone.items())
    )


def explain_held_gone(gone: HeldGone) -> Explanation:
    """Say what is missing, and for whom it is to be kept."""
    params = {"store": gone.store, "place": gone.place, "reference": gone.reference}
    return Explanation(
        fill(N_("the backups in {store} are gone: {place} is not there"), params),
        fill(N_("they are held for {reference}"), params),
        _("what is to be kept for an inspection is not there"),
        fill(N_("mount the store, or put the folder back: `ls -la {place}`"), params),
    )


def _folder(url: str) -> Path | None:
    try:
        place = reveal(url)
    except SecretError:
        return None
    return Path(place) if place.startswith("/") else None


def _is_gone(place: Path) -> bool:
    try:
        return not (place / _CONFIG).is_file()
    except OSError:
        return False
