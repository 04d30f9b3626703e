"""Tell in words why nothing was deleted."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from ops.backups.brakes import CLOCK_AHEAD, CLOCK_BEHIND, HELD_GONE, MANY_GONE, NOTHING_SEEN
from ops.language.text import N_, fill

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
_UNTOUCHED = N_("nothing was changed; every backup that is seen is untouched")

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
        _UNTOUCHED,
        ASK_HOLDERS,
    ),
    MANY_GONE: (
        N_("nothing was deleted: {gone} of {expected} snapshots are gone, not by this service"),
        N_("somebody deleted them by hand, or they cannot be read"),
        _UNTOUCHED,
        LOOK_AT_STORE,
    ),
    CLOCK_BEHIND: (
        N_("nothing was deleted: the clock says {now}, but something is known of {other}"),
        N_("this machine's clock is behind, or it was ahead then"),
        _UNTOUCHED,
        _LOOK_AT_CLOCK,
    ),
    CLOCK_AHEAD: (
        N_("nothing was deleted: the clock says {now}, but all that is known ends at {other}"),
        N_("this machine's clock is ahead, or nothing has run for months"),
        _UNTOUCHED,
        _LOOK_AT_CLOCK,
    ),
}
"""What, why, whether data is safe, and the next step, by reason code."""


def tell_brake(reason: str, params: Mapping[str, Any]) -> tuple[str, ...]:
    """Give the four parts in the reader's language; `site` is among the parameters."""
    moments = {
        name: datetime.fromisoformat(params[name]) for name in ("now", "other") if name in params
    }
    return tuple(fill(text, {**params, **moments}) for text in BRAKES[reason])
