"""Drills of one file, and from the archive: no runbook and no sandbox, some seconds each."""

from datetime import UTC, datetime

from backup.progress import SILENT, Progress
from ops.access.session import Bench
from ops.drills.phases import FILE_PHASES
from ops.drills.phases.run import carry_out_phase
from ops.drills.records import KeptDrill, NewDrill, begin_drill, find_drill
from ops.drills.stop import stop_at_window_end


def drill_file(
    bench: Bench, new: NewDrill, path: str = "", progress: Progress = SILENT
) -> KeptDrill:
    """Restore one file or a lot of items, compare, wipe; gives the concluded drill.

    Args:
        bench: Who works with what.
        new: What is asked for.
        path: The file, as the catalog tells it; empty: by lot.
        progress: Told of long work.
    """
    with bench.catalog.writing() as session:
        drill = begin_drill(session, bench.origin, new, now=datetime.now(UTC))
    with stop_at_window_end(bench, drill):
        for phase in FILE_PHASES:
            carry_out_phase(bench, drill, phase, progress, path=path)
    with bench.catalog.reading() as session:
        return find_drill(session, drill)
