"""Run the service for an estate; beside it courier, pulse, watch and the console's office.

Settings and jobs come from the estate file.
"""

import logging
import os
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from ops import wiring
from ops.alerts.courier import Courier
from ops.catalog.open import Catalog, open_catalog
from ops.estate.history.versions import remember_estate
from ops.estate.load.load import load_estate
from ops.estate.model.estate import Estate
from ops.estate.model.references import reveal
from ops.jobs.definitions import list_jobs
from ops.schedule.ledger.events import BY_CLOCK
from ops.schedule.ledger.job import JobDefinition
from ops.service.companion import OFFICE, WATCH, Companion, module_command
from ops.service.log_lines import log_to_stderr
from ops.service.loop import run_service
from ops.service.settings import ServiceSettings
from ops.status.pulse import Pulse
from ops.version import software_version

log = logging.getLogger(__name__)


def serve() -> None:
    """Run until a signal ends it.

    Raises:
        EstateError: The estate file has mistakes.
        OpsError: The catalog cannot be opened.
    """
    estate = load_estate()
    _prepare_environment(estate)
    log_to_stderr()
    url = reveal(estate.catalog.url)
    catalog = open_catalog(url)
    settings = make_settings(estate, url, version=_remember(catalog, estate))
    watch = Companion("watch", module_command(WATCH))
    office = Companion("office", module_command(OFFICE), is_wanted=estate.console is not None)

    def load_jobs() -> Sequence[JobDefinition]:
        current = load_estate(estate.path)
        _remember(catalog, current)
        jobs = list_jobs(current)
        watch.renew(is_wanted=current.monitor.enabled)
        office.is_wanted = current.console is not None
        return jobs

    courier, pulse = Courier(catalog), Pulse(catalog, settings.state)

    def note_health() -> None:
        pulse.beat()
        watch.look()
        office.look()

    try:
        run_service(settings, load_jobs, on_healthy=note_health)
    finally:
        office.close()
        watch.close()
        pulse.close()
        courier.close()
        catalog.close()


def _prepare_environment(estate: Estate) -> None:
    """Let workers and listeners find the estate, and speak the organisation's language."""
    os.environ["GIUCONG_ESTATE"] = str(estate.path)
    os.environ["GIUCONG_LANG"] = estate.organisation.language


def make_settings(estate: Estate, catalog_url: str, *, version: str) -> ServiceSettings:
    """Give the service's settings for an estate."""
    return ServiceSettings(
        catalog_url=catalog_url,
        state=Path(estate.service.state),
        workers=estate.service.workers,
        estate=str(estate.path),
        modules=(wiring.__name__,),
        origin=replace(BY_CLOCK, software=software_version(), estate=version),
    )


def _remember(catalog: Catalog, estate: Estate) -> str:
    origin = replace(BY_CLOCK, software=software_version())
    with catalog.writing() as session:
        return remember_estate(session, estate.document(), now=datetime.now(UTC), origin=origin)
