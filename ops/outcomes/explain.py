"""Tell an outcome in words: what happened, why, whether data is safe, what to do next.

The catalog keeps reason codes with parameters; sentences are made here, in the reader's language,
from the tables that each slice gives.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from ops.language.text import N_, fill
from ops.outcomes.plain import PLAIN, Explanation
from ops.parts import Seam

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
    """Say which command it is that "again" means."""
    command = fill(N_("`{program} service.trigger --job {job}`"), named)
    return replace(found, next_step=f"{found.next_step}: {command}")


def _find(reason: str) -> Explanation | Explainer:
    if reason in PLAIN:
        return PLAIN[reason]
    tables = (table for table in EXPLANATIONS.parts() if reason in table)
    return next(tables, {}).get(reason, Explanation(reason))
