"""Keep a process beside the service running: start it, start it again when it ends, end it."""

import logging
import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

from ops import wiring
from ops.alerts.courier import Courier
from ops.catalog.open import Catalog, open_catalog
from ops.estate.load.load import load_estate
from ops.estate.load.read import INSTALLED_PATH, Stamps, stamp_estate, stamp_files
from ops.estate.model.estate import Estate
from ops.estate.model.references import reveal
from ops.estate.versions import remember_estate
from ops.jobs.definitions import list_jobs
from ops.journal.journal import Origin
from ops.recovery.job import ask_for_backup
from ops.schedule.ledger.endings import BY_CLOCK
from ops.schedule.ledger.job import JobDefinition
from ops.service.log_lines import log_to_stderr
from ops.service.loop import Signals, run_service
from ops.service.settings import ServiceSettings
from ops.service.tasks import RunService
from ops.service.worker_pool import worker_environment
from ops.status.heartbeat import Pulse
from ops.version import software_version

log = logging.getLogger(__name__)

_FIRST_PAUSE, _LONGEST_PAUSE = 1.0, 300.0
_STEADY_SECONDS = 600.0
"""What ran so long is started again at once when it ends."""

WATCH, OFFICE = "ops.service.watch_process", "ops.service.office_process"


def module_command(module: str) -> tuple[str, ...]:
    """Give the command that runs one of our modules, whatever folder somebody stands in."""
    return sys.executable, "-P", "-m", module


@dataclass(slots=True)
class Companion:
    """A process beside the service, looked after from the service's main thread.

    Its life is tied to that thread's.

    Attributes:
        name: Of what it does, for the log.
        command: What is started; the service's process id is added.
        is_wanted: Whether the estate wants it.
        stop_seconds: How long it may take to end.
        clock: Steady seconds.
    """

    name: str
    command: tuple[str, ...]
    is_wanted: bool = True
    stop_seconds: float = 6.0
    clock: Callable[[], float] = time.monotonic
    _process: "subprocess.Popen[bytes] | None" = field(init=False, default=None)
    _started: float = field(init=False, default=0.0)
    _pause: float = field(init=False, default=0.0)
    _not_before: float = field(init=False, default=float("-inf"))

    @property
    def pid(self) -> int | None:
        """Its process id; None while there is none."""
        return self._process.pid if self._process else None

    def look(self) -> None:
        """Start it where it does not run and its pause is over; returns at once."""
        if self._process is not None and self._process.poll() is not None:
            self._note_end(self._process.returncode)
        if not self.is_wanted:
            self.close()
        if self._process is None and self.is_wanted and self.clock() >= self._not_before:
            self._started = self.clock()
            self._process = subprocess.Popen(
                [*self.command, str(os.getpid())],
                stdin=subprocess.DEVNULL,
                start_new_session=True,
                env=worker_environment(),
            )

    def renew(self, *, is_wanted: bool) -> None:
        """End it, so that the next look starts it with the estate as it is now, if at all."""
        self.is_wanted = is_wanted
        self.close()
        self._pause, self._not_before = 0.0, float("-inf")

    def close(self) -> None:
        """End it, and what it started there with its lines."""
        if self._process is None:
            return
        self._process.terminate()
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(self.stop_seconds)
        self._process.kill()
        self._process.wait()
        self._process = None

    def _note_end(self, status: int) -> None:
        self._process = None
        ran = self.clock() - self._started
        self._pause = (
            0.0
            if ran > _STEADY_SECONDS
            else min(max(self._pause * 2, _FIRST_PAUSE), _LONGEST_PAUSE)
        )
        self._not_before = self.clock() + self._pause
        fields = {
            "name": self.name,
            "status": status,
            "ran": round(ran, 1),
            "again_in": self._pause,
        }
        log.warning("companion-ended", extra={"fields": fields})


def serve(_wish: RunService) -> None:
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
    office = Companion(
        "office",
        module_command(OFFICE),
        is_wanted=_wants_office(estate),
        stop_seconds=settings.stop_grace.total_seconds() + 10,
    )

    signals = Signals()
    living = _Living(estate.path, catalog, settings.origin, watch, office)
    courier, pulse = Courier(catalog), Pulse(catalog, settings.state)

    def note_health() -> None:
        signals.reload = signals.reload or living.has_changed()
        pulse.beat()
        watch.look()
        office.look()

    try:
        run_service(settings, living.load_jobs, signals=signals, on_healthy=note_health)
    finally:
        office.close()
        watch.close()
        pulse.close()
        courier.close()
        catalog.close()


@dataclass(slots=True)
class _Living:
    """The estate's files, taken up anew as they change, and the processes that follow them."""

    path: Path
    catalog: Catalog
    origin: Origin
    watch: Companion
    office: Companion
    _stamps: Stamps = field(init=False, default_factory=dict)

    def load_jobs(self) -> Sequence[JobDefinition]:
        """Load the estate and give its jobs; a changed one is saved into the stores, too."""
        self._stamps = stamp_estate(self.path)
        current = load_estate(self.path)
        version = _remember(self.catalog, current)
        if version != self.origin.estate:
            self.origin = replace(self.origin, estate=version)
            with self.catalog.writing() as session:
                ask_for_backup(session, current, self.origin)
        jobs = list_jobs(current)
        self.watch.renew(is_wanted=current.monitor.enabled)
        self.office.is_wanted = _wants_office(current)
        return jobs

    def has_changed(self) -> bool:
        """Tell whether the files have changed since they were loaded, or looked at in vain."""
        return stamp_files(self._stamps) != self._stamps


def _wants_office(estate: Estate) -> bool:
    """Say whether anybody asks through a socket: the console, or people at an installed service."""
    return estate.console is not None or estate.path == INSTALLED_PATH


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
