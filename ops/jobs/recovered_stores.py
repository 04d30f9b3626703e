"""After a recovery: which stores are there, and the index tables built anew from them."""

from pathlib import Path

from ops.errors import SecretError
from ops.estate.models import Estate
from ops.estate.references import reveal
from ops.jobs.making import rebuild_index
from ops.present import write_line
from ops.text import N_, _, fill


def index_stores(estate: Estate) -> bool:
    """Build the index tables anew, and name the stores that are not there; gives whether all were.

    Args:
        estate: As it was recovered.
    """
    missing = find_missing_stores(estate)
    for store, place in missing.items():
        told = N_("the store {store} is not there: {place}")
        write_line("  " + fill(told, {"store": store, "place": place}))
    if missing:
        write_line("    " + _("mount it; a relative address starts at the estate's folder: move"
                              " the store there, or write its full address"))  # fmt: skip
        write_line("    " + fill(N_("then: `{program} backup.reindex`"), {}))
    write_line(_("The index tables are built anew from the repositories:"))
    code = rebuild_index("", leaving_out=frozenset(missing))
    return not code and not missing


def find_missing_stores(estate: Estate) -> dict[str, Path]:
    """Give the stores that are folders of this machine and are not there, with their places."""
    missing = {}
    for store in estate.stores:
        try:
            place = Path(reveal(store.url))
        except SecretError:
            continue
        if place.is_absolute() and not place.is_dir():
            missing[store.name] = place
    return missing
