"""One thing that was tried, and how it went."""

from dataclasses import dataclass

from ops.language.formats import format_size
from ops.language.text import ExplainedError, _, fill
from ops.sites.probe.first_copy import Extent


@dataclass(frozen=True, slots=True)
class Trial:
    """One thing that was tried.

    Attributes:
        part: What, as the estate's key names it.
        outcome: `ok`, `failed` or `not_checked`.
        told: What was seen, or why it failed or was not checked; in the reader's language.
        next_step: What to type or do; empty when all is well.
    """

    part: str
    outcome: str
    told: str = ""
    next_step: str = ""


def failed(part: str, error: ExplainedError) -> Trial:
    """Give a trial that failed, in an error's own words: what, and why."""
    told, why = fill(error.what, error.params), fill(error.why, error.params)
    told = f"{told}: {why}" if why else told
    return Trial(part, "failed", told, fill(error.next_step, error.params))


def measured(part: str, seen: Extent) -> Trial:
    """Give a trial of what could all be looked at, and how much it is."""
    told = _("{count} files, {size}").format(count=seen.files, size=format_size(seen.size_bytes))
    return Trial(part, "ok", told)
