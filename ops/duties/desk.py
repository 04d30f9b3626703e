"""What is read for an answer at the terminal: the estate, its tables, and the catalog."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from ops.catalog.opening import Catalog, open_catalog
from ops.duties.load import DutySet, load_duties
from ops.duties.queries import Setting
from ops.duties.reminders import make_setting
from ops.estate.load import load_estate
from ops.estate.models import Estate
from ops.estate.references import reveal


@dataclass(frozen=True, slots=True)
class Desk:
    """What is read for an answer.

    Attributes:
        estate, duties, setting: In force.
        catalog: Open for reading.
    """

    estate: Estate
    duties: DutySet
    setting: Setting
    catalog: Catalog


@contextmanager
def at_desk() -> Iterator[Desk]:
    """Load the estate and its tables, and open the catalog."""
    estate = load_estate()
    duties, setting = load_duties(estate), make_setting(estate)
    catalog = open_catalog(reveal(estate.catalog.url))
    try:
        yield Desk(estate, duties, setting, catalog)
    finally:
        catalog.close()
