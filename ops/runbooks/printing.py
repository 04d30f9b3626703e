"""Print the booklet to standard output, from where it goes into a file of the reader's own."""

from datetime import UTC, datetime

from ops.estate.load import load_estate
from ops.estate.models import Estate
from ops.journaled import read_acts
from ops.people.acting import open_existing
from ops.present import write_text
from ops.runbooks.booklet import make_booklet
from ops.runbooks.library import find_runbook, load_runbooks


def print_booklet(wanted: str) -> None:
    """Write all runbooks, or one, as HTML for A4 paper to standard output.

    Args:
        wanted: Id of a runbook; empty for all.
    """
    estate = load_estate()
    runbooks = [find_runbook(estate.path, wanted)] if wanted else load_runbooks(estate.path)
    write_text(make_booklet(estate, runbooks, read_holders(estate), datetime.now(UTC)))


def read_holders(estate: Estate) -> list[tuple[str, list[str]]]:
    """Give who was handed a share of each store's key, the last time it was shared out."""
    catalog = open_existing(estate)
    if catalog is None:
        return []
    try:
        with catalog.reading() as session:
            acts = list(read_acts(session, "backup.key-escrow"))
    finally:
        catalog.close()
    return sorted({it.subject: list(it.details.get("holders", ())) for it in acts}.items())
