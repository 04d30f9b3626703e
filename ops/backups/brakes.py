"""When nothing may be deleted, and how that is told: a store has shrunk, or a clock is wrong.

Forgetting trusts two things: that it sees every snapshot, and what time it is. Where one of the
two is in doubt, deleting makes the damage worse, so it stops until a person has looked.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from ops.catalog.tables.index import is_ahead
from ops.journal.standing import TEXTS, tell_moments
from ops.language.text import N_, fill
from ops.outcomes import Explainer, Explanation

HELD_GONE = "held_gone"
NOTHING_SEEN = "nothing_seen"
MANY_GONE = "many_gone"
CLOCK_BEHIND = "clock_behind"
CLOCK_AHEAD = "clock_ahead"

HELD_MISSING = "held_missing"
MISSING = "snapshots_missing"
"""What is told while deleting goes on: something is gone that nobody here has deleted."""

_ALLOWED_GONE = 1
_ALLOWED_SHARE = 10  # a tenth
_ALLOWED_AHEAD = timedelta(days=62)  # the longest two months: forgetting runs at least monthly


@dataclass(frozen=True, slots=True)
class BrakeFacts:
    """What the decision is made from.

    Attributes:
        now: Present moment by the machine's clock, aware.
        present: Each snapshot that is seen, and when it was taken.
        expected: Ids of the snapshots that were seen before and that nobody here has deleted.
        accepted: Ids of those that were there when everything was last found right; their times
            have been looked at.
        looked_at: When that was, by the machine's clock; None where it never was.
        held: Ids of those expected that a hold protects.
    """

    now: datetime
    present: Mapping[str, datetime]
    expected: frozenset[str]
    accepted: frozenset[str] = frozenset()
    looked_at: datetime | None = None
    held: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Brake:
    """Why nothing is deleted.

    Attributes:
        reason: One of the reason codes above.
        params: JSON values for its sentence.
    """

    reason: str
    params: Mapping[str, Any] = field(default_factory=dict)


def decide_brake(facts: BrakeFacts) -> Brake | None:
    """Say why nothing may be deleted now; None where all is as expected."""
    return _find_shrink(facts) or _find_wrong_clock(facts)


def _find_shrink(facts: BrakeFacts) -> Brake | None:
    gone = facts.expected - facts.present.keys()
    params = {"expected": len(facts.expected), "gone": len(gone)}
    if gone and not facts.present:
        return Brake(NOTHING_SEEN, params)
    if held := gone & facts.held:
        return Brake(HELD_GONE, {**params, "held": len(held)})
    if len(gone) > max(_ALLOWED_GONE, len(facts.expected) // _ALLOWED_SHARE):
        return Brake(MANY_GONE, params)
    return None


def _find_wrong_clock(facts: BrakeFacts) -> Brake | None:
    fresh = [time for it, time in facts.present.items() if it not in facts.accepted]
    looked = [] if facts.looked_at is None else [facts.looked_at]
    newest = max([*fresh, *looked], default=None)
    if newest is not None and is_ahead(newest, facts.now):
        return _doubt_clock(CLOCK_BEHIND, facts.now, newest)
    trusted = facts.looked_at or newest
    if trusted is not None and facts.now - trusted > _ALLOWED_AHEAD:
        return _doubt_clock(CLOCK_AHEAD, facts.now, trusted)
    return None


def _doubt_clock(reason: str, now: datetime, other: datetime) -> Brake:
    return Brake(reason, {"now": now.isoformat(), "other": other.isoformat()})


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
