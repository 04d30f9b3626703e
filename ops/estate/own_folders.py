"""The folders of this machine that are the service's own: nobody else's files belong there."""

from collections.abc import Iterable
from pathlib import Path

from ops.estate.models import Estate


def list_own_folders(estate: Estate) -> list[Path]:
    """Give state, scratch, cache, and the stores that are folders here, as the estate has them."""
    service = estate.service
    stores = [Path(store.url) for store in estate.stores if store.url.startswith("/")]
    return [service.state, service.scratch, service.cache, *stores]


def find_around(folder: Path, places: Iterable[Path]) -> Path | None:
    """Give the first place that a folder is, or lies in, links followed; None where it is free."""
    real = folder.resolve()
    return next((place for place in places if real.is_relative_to(place.resolve())), None)
