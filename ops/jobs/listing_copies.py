"""Print the list of all copies as XML."""

from datetime import UTC, datetime

from ops.catalog.opening import open_catalog
from ops.estate.load import load_estate
from ops.estate.references import reveal
from ops.media.copy_list import write_copy_list
from ops.media.listing import list_copies
from ops.present import write_text


def print_copy_list() -> int:
    """Write it to standard output; gives 0."""
    estate = load_estate()
    catalog = open_catalog(reveal(estate.catalog.url))
    try:
        with catalog.reading() as session:
            copies = list_copies(session, estate)
    finally:
        catalog.close()
    made_at = datetime.now(UTC)
    write_text(write_copy_list(copies, estate.organisation.name, made_at).decode())
    return 0
