"""Carry out one phase of a drill: look whether it makes sense, do it, write down what it found.

1. Load the drill; of one that is concluded nothing is done again.
2. Write the phase as begun (durable).
3. Do it; where an earlier phase leaves nothing to work with, it is skipped. `wipe` and `conclude`
   are always done.
4. Write how it ended, with its journal row, in one transaction.

Killed in 2 to 4, the phase stands as begun; a resumed runbook begins it anew, as another try.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from backup.progress import Progress
from ops.access.session import Bench
from ops.drills.phases import ALWAYS, FILE_PHASES, PHASES
from ops.drills.phases.conclude import conclude, wipe
from ops.drills.phases.fetch import fetch, fetch_file
from ops.drills.phases.fetch_archive import fetch_archive
from ops.drills.phases.look import rehearse, scan
from ops.drills.phases.prepare import get_keys, prepare
from ops.drills.phases.work import Paper, Work, store_of
from ops.drills.records import KeptDrill, KeptPhase, PhaseResult, begin_phase, end_phase, find_drill
from ops.errors import WrongUseError
from ops.estate.known_sites import require_site
from ops.schedule.ledger.job import describe_failure

Body = Callable[[Work], PhaseResult]

_BODIES: Mapping[str, Body] = {
    "prepare": prepare,
    "keys": get_keys,
    "fetch": fetch,
    "scan": scan,
    "rehearse": rehearse,
    "wipe": wipe,
}
_FETCHES: Mapping[str, Body] = {"file": fetch_file, "archive": fetch_archive}
_NO_WORK_WITHOUT = frozenset({"prepare", "keys", "fetch"})


def carry_out_phase(
    bench: Bench,
    drill_id: str,
    name: str,
    progress: Progress,
    *,
    paper: Paper | None = None,
    path: str = "",
) -> KeptPhase:
    """Carry it out; gives how it stands now.

    Args:
        bench: Who works with what.
        drill_id: Which drill.
        name: Which phase.
        progress: Told of long work.
        paper: Keys from paper, for the phase `keys`.
        path: For a drill of one file: which; empty: by lot.
    """
    with bench.catalog.reading() as session:
        drill = find_drill(session, drill_id)
    _refuse_unknown(drill, name)
    if drill.ended_at is not None:
        return drill.phases.get(name) or drill.phases["conclude"]
    _refuse_wiped(drill, name)
    work = Work(
        estate=bench.estate,
        site=require_site(bench.estate, bench.catalog, drill.site),
        store=store_of(bench.estate, drill.source, drill.store),
        catalog=bench.catalog,
        origin=bench.origin,
        drill=drill,
        progress=progress,
        paper=paper or Paper(),
        path=path,
    )
    with bench.catalog.writing() as session:
        attempt = begin_phase(session, bench.origin, drill.id, name, now=datetime.now(UTC))
    if name == "conclude":
        conclude(work, attempt)
    else:
        begun = time.clock_gettime(time.CLOCK_BOOTTIME)
        _write(work, name, attempt, _clocked(_do(work, name), begun))
    with bench.catalog.reading() as session:
        return find_drill(session, drill_id).phases[name]


def _do(work: Work, name: str) -> PhaseResult:
    """Do it; what it raises is what it has found, unless the use made no sense."""
    cause = find_cause(work.drill, name)
    if cause:
        return PhaseResult(outcome="skipped", reason="drill_phase_skipped", params={"phase": cause})
    try:
        bodies = {**_BODIES, "fetch": _FETCHES.get(work.drill.kind, _BODIES["fetch"])}
        return bodies[name](work)
    except WrongUseError:
        raise
    except Exception as error:  # noqa: BLE001 - here the work of a phase ends
        failure = describe_failure(error)
        return PhaseResult(outcome="failed", reason=failure.reason, params=failure.params)


def _clocked(result: PhaseResult, begun: float) -> PhaseResult:
    """Add when a phase began and ended by the clock that nobody sets; it counts from the boot."""
    boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    clock = {"boot": boot, "begun": begun, "ended": time.clock_gettime(time.CLOCK_BOOTTIME)}
    return replace(result, facts={**result.facts, "clock": clock})


def find_cause(drill: KeptDrill, name: str) -> str:
    """Give the earlier phase that leaves this one nothing to work with; empty where none; pure."""
    if name in ALWAYS:
        return ""
    phases = phases_of(drill)
    for earlier in phases[: phases.index(name)]:
        phase = drill.phases.get(earlier)
        outcome = None if phase is None else phase.outcome
        if outcome == "failed" or (outcome != "ok" and earlier in _NO_WORK_WITHOUT):
            return earlier
    return ""


def _write(work: Work, name: str, attempt: int, result: PhaseResult) -> None:
    with work.catalog.writing() as session:
        end_phase(session, work.origin, work.drill.id, name, attempt, result, now=datetime.now(UTC))


def phases_of(drill: KeptDrill) -> tuple[str, ...]:
    """Give the names of a drill's phases, in order."""
    return PHASES if drill.kind == "site" else FILE_PHASES


def _refuse_wiped(drill: KeptDrill, name: str) -> None:
    """Fetch nothing anew once the folder is wiped: nobody would wipe it again."""
    wiped = drill.phases.get("wipe")
    if name in ALWAYS or wiped is None or wiped.outcome != "ok":
        return
    raise WrongUseError(
        "the drill's folder is wiped already; only its conclusion is left",
        next_step="`{program} drill.phase --drill {drill} --phase conclude`",
        drill=drill.id,
    )


def _refuse_unknown(drill: KeptDrill, name: str) -> None:
    known = phases_of(drill)
    if name in known:
        return
    raise WrongUseError(
        'the drill has no phase "{phase}"',
        why="its phases: {known}",
        next_step="`{program} drill.show --drill {drill}` shows where it stands",
        phase=name,
        known=", ".join(known),
        drill=drill.id,
    )
