"""One thing that was tried, and how it went."""

from dataclasses import dataclass, replace

from ops.language.text import ExplainedError, fill


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
    """Give a trial that failed, in an error's own words."""
    told = fill(error.what, error.params)
    return Trial(part, "failed", told, fill(error.next_step, error.params))


def failed_because(part: str, error: ExplainedError) -> Trial:
    """Give a trial that failed, with the error's cause: of another machine nobody sees more."""
    trial, why = failed(part, error), fill(error.why, error.params)
    return replace(trial, told=f"{trial.told}: {why}") if why else trial
