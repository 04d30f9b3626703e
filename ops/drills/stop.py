"""End drills that do not go on: at the end of their window, or because nobody takes them up.

Order, at the end of a window:
1. What was being done is written as not checked, with that reason; what was not begun, as skipped.
2. The folder is wiped, the drill judged and concluded: it is not passed.
3. The runbook's run is ended, so that nobody takes it up.

Killed at any step, the drill stands as one that stopped, and is swept like others.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime

from backup.progress import SILENT
from ops.access.session import Bench
from ops.drills.kind import drill_job
from ops.drills.phases import ALWAYS
from ops.drills.phases.run import carry_out_phase, phases_of
from ops.drills.records import (
    KeptDrill,
    PhaseResult,
    begin_phase,
    end_phase,
    find_drill,
    list_drills,
)
from ops.errors import OpsError
from ops.jobs.site_lock import hold_site_lock
from ops.runbooks.states import CatalogStates
from ops.schedule.kinds import JobStoppedError
from ops.schedule.ledger.job import STOPPED, WINDOW_OVER, lock_name

log = logging.getLogger(__name__)

OVER = "drill_window_over"


@contextmanager
def stop_at_window_end(bench: Bench, drill: str) -> Iterator[None]:
    """Conclude a drill that meets the end of its window, or of its time, in the block."""
    try:
        yield
    except JobStoppedError as error:
        if error.reason != STOPPED:
            _stop(bench, drill)
        if error.reason != WINDOW_OVER:
            raise


def _stop(bench: Bench, drill_id: str) -> None:
    with bench.catalog.reading() as session:
        drill = find_drill(session, drill_id)
    if drill.ended_at is None:
        _write_open_phases(bench, drill)
        _wipe_and_conclude(bench, drill_id)
    if drill.run:
        states = CatalogStates(bench.catalog, bench.origin)
        states.save(replace(states.load(drill.run), standing="failed", ended_at=datetime.now(UTC)))


def _write_open_phases(bench: Bench, drill: KeptDrill) -> None:
    """Write down every phase that was not carried out to its end, but those that always are."""
    now = datetime.now(UTC)
    result = PhaseResult(outcome="not_checked", reason=OVER)
    for name in phases_of(drill):
        phase = drill.phases.get(name)
        if name in ALWAYS or (phase is not None and phase.outcome is not None):
            continue
        with bench.catalog.writing() as session:
            attempt = (
                phase.attempt
                if phase
                else begin_phase(session, bench.origin, drill.id, name, now=now)
            )
            end_phase(session, bench.origin, drill.id, name, attempt, result, now=now)
        params = {"phase": name}
        result = PhaseResult(outcome="skipped", reason="drill_phase_skipped", params=params)


def _wipe_and_conclude(bench: Bench, drill: str) -> None:
    for phase in ("wipe", "conclude"):
        carry_out_phase(bench, drill, phase, SILENT)


def give_up_earlier(bench: Bench, site: str) -> None:
    """Wipe and conclude earlier drills of the site that stopped on their way.

    The caller holds the lock of the site's drills, so nobody carries them out any more.
    """
    with bench.catalog.reading() as session:
        earlier = [it.id for it in list_drills(session, site=site) if it.ended_at is None]
    for drill in earlier:
        _wipe_and_conclude(bench, drill)


def sweep(bench: Bench, before: datetime) -> list[str]:
    """Wipe and conclude drills of any site that stopped and that nobody has taken up since.

    Restored data, personal data among it, must not lie about until the site's next drill. A site
    that is drilled just now is left for the next time.

    Args:
        bench: Who sweeps.
        before: Only drills that were begun earlier; aware.

    Returns:
        Names of the sites, ascending.
    """
    with bench.catalog.reading() as session:
        left = {
            it.site for it in list_drills(session) if not it.ended_at and it.started_at < before
        }
    swept = []
    for site in sorted(left):
        try:
            lock = lock_name(site, drill_job(site))
            with hold_site_lock(bench.estate.service.state, lock, holder="drill-plan"):
                give_up_earlier(bench, site)
        except OpsError as error:  # the others are swept, and drills are asked for, all the same
            log.warning("drill-not-swept", extra={"fields": {"site": site, "error": str(error)}})
            continue
        swept.append(site)
    return swept
