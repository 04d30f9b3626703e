"""Look for what is wrong with the estate file, for a person at a terminal."""

from datetime import datetime

from ops.access.unanswerable import check_answering
from ops.backups.retention.cli_lower_minimum import check_lowered
from ops.duties.table.load import check_tables
from ops.errors import EstateError
from ops.estate.check.check import check_surroundings
from ops.estate.check.not_yet import list_not_available
from ops.estate.check.output import report_problems
from ops.estate.check.site_rules import check_required
from ops.estate.history.known_sites import check_vanished
from ops.estate.load.load import load_estate
from ops.sites.tasks import Check


def check(wish: Check) -> int:
    """Write every problem of the estate; gives 1 where there is one that is no warning, else 0.

    Raises:
        EstateError: It cannot be read, and JSON was not asked for.
    """
    try:
        estate = load_estate()
    except EstateError as error:
        if not wish.json:
            raise
        return report_problems(error.path, error.problems, as_json=True)
    today = datetime.now(estate.zone).date()
    problems = [
        *check_surroundings(estate, today),
        *check_vanished(estate),
        *check_lowered(estate),
        *check_answering(estate),
        *check_tables(estate),
        *check_required(estate, today),
        *list_not_available(estate),
    ]
    return report_problems(estate.path, problems, as_json=wish.json)
