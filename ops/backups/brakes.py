"""When nothing may be deleted: a store that has shrunk by itself, or a clock that is wrong; pure.

Forgetting trusts two things: that it sees every snapshot, and what time it is. Where one of the
two is in doubt, deleting makes the damage worse, so it stops until a person has looked.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from ops.catalog.tables.index import is_ahead

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
