"""What every run begins with: the estate as it is now, remembered, and the site."""

import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from ops.estate.known_sites import require_site
from ops.estate.load.load import load_estate
from ops.estate.model.estate import Estate
from ops.estate.model.sites import Site
from ops.estate.versions import remember_estate
from ops.schedule.kinds import RunContext


class Start(NamedTuple):
    """What a run works with.

    Attributes:
        estate: As it is now.
        version: Its hash, as in the journal.
        site: The site the run is for.
    """

    estate: Estate
    version: str
    site: Site


def begin(context: RunContext) -> Start:
    """Load the estate, remember its version, and find the site.

    Raises:
        EstateError: The estate file has mistakes.
        SiteVanishedError: It no longer names the site, and nobody has retired it.
        SiteRetiredError: The site was retired.
        WrongUseError: It never had such a site.
    """
    estate = load_estate(Path(context.estate))
    site = require_site(estate, context.catalog, context.site)
    with context.catalog.writing() as session:
        version = remember_estate(
            session, estate.document(), now=datetime.now(UTC), origin=context.origin
        )
    return Start(estate, version, site)


def clear_scratch(estate: Estate, site: str) -> None:
    """Remove what a killed run has left; the caller holds the site's lock, so nobody uses it."""
    shutil.rmtree(estate.service.scratch / site, ignore_errors=True)
