"""How a run ended, written for people."""

from ops.language.text import LABELS, _
from ops.outcomes.explain import explain
from ops.schedule.ledger.job import JobResult
from ops.terminal.output import outcome_cell, write_line


def write_outcome(result: JobResult, *, job: str, site: str) -> None:
    """Write how a run ended; what is not plainly good is explained."""
    cell = outcome_cell(result.outcome)
    write_line(f"  {cell.text}")
    if not result.reason:
        return
    found = explain(result.reason, result.params, job=job, site=site)
    write_line(f"  {found.what}")
    parts = (("why", found.why), ("data", found.data), ("next_step", found.next_step))
    for label, text in parts:
        if text:
            write_line(f"    {_(LABELS[label])}: {text}")
