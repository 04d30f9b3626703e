"""Tell in words why nothing was deleted."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from ops.backups.brakes import (
    CLOCK_AHEAD,
    CLOCK_BEHIND,
    HELD_GONE,
    HELD_MISSING,
    MANY_GONE,
    MISSING,
    NOTHING_SEEN,
)
from ops.journal.standing import TEXTS, tell_moments
from ops.language.text import N_, fill
from ops.outcomes.explain import Explainer
from ops.outcomes.plain import Explanation

LOOK_AT_STORE = N_(
    "look at the store; if this is meant: `{program} backup.forget --site {site} --accept"
    " --reason TEXT`"
)
ASK_HOLDERS = N_(
    "look for them in the other stores; only two people end a hold:"
    " `{program} backup.hold --list`, then `{program} backup.release --hold ID --reason TEXT`"
)
_LOOK_AT_CLOCK = N_(
    "set the clock right (`timedatectl`); if it is right: `{program} backup.forget --site {site}"
    " --accept --reason TEXT`"
)
_ALL_UNTOUCHED = N_("nothing was changed; every backup that is seen is untouched")

BRAKES: Mapping[str, tuple[str, str, str, str]] = {
    NOTHING_SEEN: (
        N_("nothing was deleted: no snapshot is seen, and there were {expected}"),
        N_("the store is empty, another one is mounted, or its snapshots cannot be read"),
        N_("nothing was changed; whether earlier backups are still there has to be looked at"),
        LOOK_AT_STORE,
    ),
    HELD_GONE: (
        N_("nothing was deleted: {held} snapshots that are held are gone, not by this service"),
        N_("somebody deleted them by hand, or they cannot be read"),
        _ALL_UNTOUCHED,
        ASK_HOLDERS,
    ),
    MANY_GONE: (
        N_("nothing was deleted: {gone} of {expected} snapshots are gone, not by this service"),
        N_("somebody deleted them by hand, or they cannot be read"),
        _ALL_UNTOUCHED,
        LOOK_AT_STORE,
    ),
    CLOCK_BEHIND: (
        N_("nothing was deleted: the clock says {now}, but something is known of {other}"),
        N_("this machine's clock is behind, or it was ahead then"),
        _ALL_UNTOUCHED,
        _LOOK_AT_CLOCK,
    ),
    CLOCK_AHEAD: (
        N_("nothing was deleted: the clock says {now}, but all that is known ends at {other}"),
        N_("this machine's clock is ahead, or nothing has run for months"),
        _ALL_UNTOUCHED,
        _LOOK_AT_CLOCK,
    ),
}
"""What, why, whether data is safe, and the next step, by reason code."""


def _explain_brake(reason: str) -> Explainer:
    def explain(params: Mapping[str, Any]) -> Explanation:
        moments = {
            name: datetime.fromisoformat(params[name])
            for name in ("now", "other")
            if name in params
        }
        return Explanation(*(fill(text, {**params, **moments}) for text in BRAKES[reason]))

    return explain


def _explain_doubt(reason: str) -> Explainer:
    return lambda params: Explanation(*(fill(it, tell_moments(params)) for it in TEXTS[reason]))


EXPLANATIONS: Mapping[str, Explanation | Explainer] = {
    **{reason: _explain_brake(reason) for reason in BRAKES},
    **{reason: _explain_doubt(reason) for reason in TEXTS},
    HELD_MISSING: Explanation(
        N_("{count} snapshots that are held are gone from {store}, not by this service"),
        N_("they are held for {reference}; somebody deleted them, or they cannot be read"),
        N_("what is to be kept for an inspection is not there"),
        ASK_HOLDERS,
    ),
    MISSING: Explanation(
        N_("{count} snapshots are gone from {store}, not by this service"),
        N_("somebody deleted them by hand, or they cannot be read"),
        N_("every backup that is seen is untouched"),
        LOOK_AT_STORE,
    ),
    "not_all_forgotten": Explanation(
        N_("{count} old snapshots could not be removed"),
        "{first}",
        N_("nothing that is needed was lost"),
        N_("check the store, then run `{program} backup.forget --site {site}`"),
    ),
    "prune_postponed": Explanation(
        N_("data that nobody needs could not be removed yet"),
        "{holder}",
        N_("nothing was lost; the next run goes on from there"),
        N_("wait for it; if that process is gone: `{program} backup.unlock --site {site}`"),
    ),
}
"""By reason code; parts with placeholders, or what makes them."""
