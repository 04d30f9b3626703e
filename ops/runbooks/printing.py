"""Print the booklet to standard output, from where it goes into a file of the reader's own."""

import json
from datetime import UTC, datetime

from sqlalchemy import select

from ops.catalog.records import JournalRow
from ops.estate.load import load_estate
from ops.estate.models import Estate
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
    query = (
        select(JournalRow.subject, JournalRow.details)
        .where(JournalRow.action == "backup.key-escrow")
        .order_by(JournalRow.sequence)
    )
    try:
        with catalog.reading() as session:
            rows = session.execute(query).all()
    finally:
        catalog.close()
    held = {subject: list(json.loads(details).get("holders", ())) for subject, details in rows}
    return sorted(held.items())
