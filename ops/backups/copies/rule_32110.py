"""The rule 3-2-1-1-0 for one site: three copies, two media, one elsewhere, one locked, no errors.

What the site itself holds counts as the first copy; the others count while they are young enough.
Pure.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal

from ops.alerts.drafts import is_late

Protection = Literal["protected", "not_protected", "not_checked"]
Outcome = Literal["ok", "failed", "not_checked"]

COPIES = 3
MEDIA = 2
_FOLLOW = timedelta(hours=6)
"""A copy follows the primary store by that much at most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CopyFacts:
    """What is known of one site in one store.

    Attributes:
        store, role, location, medium: As in the estate; of a removable medium its code, `medium`,
            where it is kept, and what it is.
        newest_at: When the newest snapshot of the whole site there was taken; None without one.
        snapshots: How many there are.
        updated: How the newest run that brought it up to date ended; empty where none did.
        checked_at: When it was last checked.
        checked: How that ended; empty where it never was.
        protection: Whether a trial has shown that nobody can delete there, and when.
        protection_at: When the trial was made.
        gone_from: The folder in which the repository was and is not; empty where it is there, or
            the store is no folder here.
    """

    store: str
    role: str
    location: str
    medium: str
    newest_at: datetime | None = None
    snapshots: int = 0
    updated: str = ""
    checked_at: datetime | None = None
    checked: str = ""
    protection: Protection = "not_checked"
    protection_at: datetime | None = None
    gone_from: str = ""

    @property
    def is_unreadable(self) -> bool:
        """Whether nobody could give it back now: it is gone, or the newest copying failed there."""
        follows = self.role in {"mirror", "copy"}
        return bool(self.gone_from) or (follows and self.updated == "failed")


@dataclass(frozen=True, slots=True)
class RulePart:
    """What became of one part of the rule.

    Attributes:
        part: `copies`, `media`, `places`, `locked` or `errors`.
        outcome: `failed` where the part is broken.
        params: JSON values behind it: `wanted`, `found` and the `stores` concerned; of `errors`
            also which of them are `unreadable`.
    """

    part: str
    outcome: Outcome
    params: Mapping[str, Any] = field(default_factory=dict)


def judge_copies(
    copies: Sequence[CopyFacts], *, now: datetime, rpo: timedelta, reread: timedelta
) -> list[RulePart]:
    """Judge each part of the rule.

    Args:
        copies: What is known of each store, the primary included.
        now: Present moment.
        rpo: How old the newest backup may be.
        reread: Within which a check must have been made.
    """
    fresh = [it for it in copies if is_fresh(it, now=now, rpo=rpo, reread=reread)]
    stale = [it.store for it in copies if it not in fresh]
    primary = {it.location for it in copies if it.role == "primary"}
    elsewhere = [it for it in fresh if it.location and it.location not in primary]
    media = sorted({it.medium for it in fresh})
    return [
        _count("copies", COPIES, 1 + len(fresh), stale),
        _count("media", MEDIA, len(media), media),
        _count("places", 1, len(elsewhere), [it.store for it in elsewhere]),
        _judge_locked(fresh),
        _judge_errors(copies, fresh, now=now, reread=reread),
    ]


def is_fresh(
    copy: CopyFacts, *, now: datetime, rpo: timedelta, reread: timedelta = timedelta(0)
) -> bool:
    """Say whether a copy can be read and is young enough; one that follows may lag some hours.

    A medium in a safe follows nothing: it counts as long as it would not have to be read back.
    """
    if copy.role == "medium":
        return copy.newest_at is not None and now - copy.newest_at <= reread
    behind = timedelta(0) if copy.role == "primary" else _FOLLOW
    if copy.is_unreadable:
        return False
    return copy.newest_at is not None and not is_late(copy.newest_at, rpo, now - behind)


def _count(part: str, wanted: int, found: int, stores: Sequence[str]) -> RulePart:
    outcome: Outcome = "ok" if found >= wanted else "failed"
    return RulePart(part, outcome, {"wanted": wanted, "found": found, "stores": list(stores)})


def _judge_locked(fresh: Sequence[CopyFacts]) -> RulePart:
    locked = [it.store for it in fresh if it.protection == "protected"]
    unknown = [it.store for it in fresh if it.protection == "not_checked"]
    if not locked and unknown:
        return RulePart("locked", "not_checked", {"wanted": 1, "found": 0, "stores": unknown})
    return _count("locked", 1, len(locked), locked)


def _judge_errors(
    copies: Sequence[CopyFacts], fresh: Sequence[CopyFacts], *, now: datetime, reread: timedelta
) -> RulePart:
    """A store that no check has looked at in time is not known to be without errors."""
    unreadable = [it.store for it in copies if it.is_unreadable]
    bad = [
        it.store for it in copies if it.is_unreadable or (it in fresh and it.checked == "failed")
    ]
    if bad:
        params = {"wanted": 0, "found": len(bad), "stores": bad, "unreadable": unreadable}
        return RulePart("errors", "failed", params)
    unknown = [
        it.store
        for it in fresh
        if it.checked != "ok" or it.checked_at is None or now - it.checked_at > reread
    ]
    outcome: Outcome = "not_checked" if unknown or not fresh else "ok"
    return RulePart("errors", outcome, {"wanted": 0, "found": 0, "stores": unknown})
