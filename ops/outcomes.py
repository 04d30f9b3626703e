"""Tell an outcome in words: what happened, why, whether data is safe, what to do next.

The catalog keeps reason codes with parameters; sentences are made here, in the reader's language,
from the tables that each slice gives.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from ops.language.text import LABELS, N_, _, fill
from ops.parts import Seam
from ops.schedule.ledger.job import (
    BLACKOUT,
    COALESCED,
    DOWN,
    LOST,
    RETIRED,
    STOPPED,
    TIMED_OUT,
    WINDOW_OVER,
    JobResult,
)
from ops.terminal.output import outcome_cell, write_line

UNTOUCHED = N_("earlier backups are untouched")
_KEPT = N_("earlier backups are untouched; what it has stored is kept, and the next run uses it")


@dataclass(frozen=True, slots=True)
class Explanation:
    """An outcome in words; every part but `what` may be empty.

    Attributes:
        what: What happened.
        why: The cause.
        data: Whether data is safe.
        next_step: What to type or do.
    """

    what: str
    why: str = ""
    data: str = ""
    next_step: str = ""


PLAIN: Mapping[str, Explanation] = {
    LOST: Explanation(
        N_("the process that did the work is gone"),
        N_("it was killed, or the machine stopped"),
        UNTOUCHED,
        N_("run it again: `{program} service.trigger --job {job}`"),
    ),
    TIMED_OUT: Explanation(
        N_("it ran longer than it may and was ended"),
        N_(
            "it took more than the site's `limits` allow, or more than two hours while others"
            " waited in vain for a place"
        ),
        _KEPT,
        N_(
            "see what kept it; if it needs so long, write more `hours` in `limits` of the site; it"
            " runs when it is due again, or now: `{program} service.trigger --job {job}`"
        ),
    ),
    STOPPED: Explanation(N_("it was stopped"), N_("the service or a person ended it"), UNTOUCHED),
    WINDOW_OVER: Explanation(
        N_("it did not end within its window and was stopped"),
        N_("it would have gone on in the hours that the estate leaves to others"),
        _KEPT,
        N_(
            "leave it to the next window, make that longer (`backup` in `schedule`), or let it run"
            " now: `{program} backup.run --site {site}`"
        ),
    ),
    COALESCED: Explanation(N_("a later one was run in its place")),
    DOWN: Explanation(N_("the service was down when it was due")),
    BLACKOUT: Explanation(N_("it was not to run at that time")),
    RETIRED: Explanation(N_("the estate does not name this job any more")),
    "crashed": Explanation(
        N_("the program failed: {error}: {text}"),
        "",
        UNTOUCHED,
        N_("send this line to the maintainers"),
    ),
    "worker_failed": Explanation(
        N_("the worker ended with status {status}"),
        "",
        UNTOUCHED,
        N_("run it again: `{program} service.trigger --job {job}`"),
    ),
}


Explainer = Callable[[Mapping[str, Any]], Explanation]
"""Makes an explanation in the reader's language of a reason's parameters, `site` and `job` too."""

EXPLANATIONS: Seam[Mapping[str, Explanation | Explainer]] = Seam("explanations")
"""By reason code; an explanation that stands there is made of templates."""


def explain(
    reason: str, params: Mapping[str, Any], *, job: str = "", site: str = "", by_clock: bool = False
) -> Explanation:
    """Explain a reason code.

    Args:
        reason: As in the ledger; may be empty.
        params: As in the ledger; an explained error's own templates win.
        job: Name of the job, for the command to type.
        site: Name of the site.
        by_clock: Whether nobody typed a command that the reader could type again.
    """
    named = {"job": job, "site": site, "in_store": store_in(job), **params}
    if "what" in params:
        named |= params.get("params", {})
        parts = (params.get(part, "") for part in ("what", "why", "data", "next_step"))
        told = Explanation(*(fill(str(part), named) for part in parts))
        is_again = by_clock and job and str(params.get("next_step", "")).endswith(" again")
        return _name_again(told, named) if is_again else told
    found = _find(reason)
    if not isinstance(found, Explanation):
        return found(named)
    texts = (found.what, found.why, found.data, found.next_step)
    return Explanation(*(fill(text, named) for text in texts))


def store_in(job: str) -> str:
    """Give the store that a job's name names: that of a check of a copy; empty for the primary."""
    kind, _site, store = (*job.split("/"), "", "")[:3]
    return store if kind in {"check", "forget", "scan"} else ""


def _name_again(found: Explanation, named: Mapping[str, Any]) -> Explanation:
    command = fill(N_("`{program} service.trigger --job {job}`"), named)
    return replace(found, next_step=f"{found.next_step}: {command}")


def _find(reason: str) -> Explanation | Explainer:
    if reason in PLAIN:
        return PLAIN[reason]
    tables = (table for table in EXPLANATIONS.parts() if reason in table)
    return next(tables, {}).get(reason, Explanation(reason))


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
