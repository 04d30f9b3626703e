"""What is kept: the rules as the engine takes them, and what stays whatever they say; pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from backup.format.snapshot import Snapshot
from backup.retention.forget import DEFAULT_GROUPING, ForgetPlan, GroupPlan
from backup.retention.policy import KeepPolicy, Verdict
from backup.snapshots.groups import group_snapshots
from ops.backups.retention.minimums import Minimum, decide_minimum
from ops.backups.sources.site import path_alone
from ops.estate.model.policies import DatabaseRetention, Retention
from ops.estate.model.sites import DatabasePart, Site
from ops.language.text import N_


def list_paths(site: Site, part: DatabasePart) -> list[tuple[str, ...]]:
    """Give the paths by which snapshots of a database alone are known; pure.

    Earlier versions wrote the same path for every database of a site.
    """
    found: list[tuple[str, ...]] = [(path_alone(site, part),)]
    if len(site.databases) == 1:
        found.append((f"/{site.name}/databases",))
    return found


def make_policy(retention: Retention | DatabaseRetention) -> KeepPolicy:
    """Give the engine's policy for the estate's keep rules; the minimum is `Guard`'s."""
    hourly = retention.keep_hourly if isinstance(retention, DatabaseRetention) else 0
    return KeepPolicy(
        last=retention.keep_last,
        hourly=hourly,
        daily=retention.keep_daily,
        weekly=retention.keep_weekly,
        monthly=retention.keep_monthly,
        yearly=retention.keep_yearly,
    )


NEWEST_WHOLE = N_("newest whole snapshot")
HELD = N_("held")
AHEAD = N_("dated ahead of now")
YOUNGER = "within "
"""With a number of days and `d` after it, as the engine says it."""


@dataclass(frozen=True, slots=True)
class HoldView:
    """A hold in force.

    Attributes:
        snapshot: Id of the one that is held; empty: all of the site.
        reference: The document that asks for it.
    """

    snapshot: str
    reference: str


@dataclass(frozen=True, slots=True)
class Guard:
    """What protects snapshots.

    Attributes:
        floor_days: Nothing younger goes, by the estate in force.
        minimums: Those that were in force before, oldest first.
        holds: Those in force for the site.
        outcomes: `ok` or `incomplete` by snapshot id, as far as known.
        alone: What protects snapshots of one database alone instead, by their paths.
    """

    floor_days: int = 0
    holds: tuple[HoldView, ...] = ()
    outcomes: Mapping[str, str] = field(default_factory=dict)
    minimums: tuple[Minimum, ...] = ()
    alone: Mapping[tuple[str, ...], "Guard"] = field(default_factory=dict)

    def of(self, paths: Sequence[str]) -> "Guard":
        """Give what protects the snapshots of these paths."""
        return self.alone.get(tuple(paths), self)


def find_protected(
    snapshots: Sequence[Snapshot], guard: Guard, *, now: datetime
) -> dict[str, tuple[str, ...]]:
    """Say which snapshots of one group must stay, and why.

    The age counts up to the newest snapshot that is not in the future, so that nothing grows old
    while no backups are made.

    Args:
        snapshots: All of the group.
        guard: What protects.
        now: Present moment, aware.

    Returns:
        Reasons by snapshot id.
    """
    newest = max((it.time for it in snapshots if it.time < now), default=now)
    whole = [it for it in snapshots if guard.outcomes.get(it.id) == "ok"]
    newest_whole = max(whole, key=lambda it: it.time, default=None)
    found = {}
    for snapshot in snapshots:
        reasons = []
        days = decide_minimum(snapshot.time, guard.minimums, guard.floor_days)
        if days and snapshot.time > newest - timedelta(days=days):
            reasons.append(f"{YOUNGER}{days}d")
        if is_held(snapshot.id, guard.holds) or is_held(snapshot.original, guard.holds):
            reasons.append(HELD)
        if snapshot == newest_whole:
            reasons.append(NEWEST_WHOLE)
        if reasons:
            found[snapshot.id] = tuple(reasons)
    return found


def is_held(snapshot: str, holds: Iterable[HoldView]) -> bool:
    """Tell whether one of the holds is about this snapshot."""
    return any(hold.snapshot in {"", snapshot} for hold in holds)


def protect(plan: ForgetPlan, guard: Guard, *, now: datetime) -> ForgetPlan:
    """Take out of a plan what must stay, group by group."""
    groups = tuple(_protect_group(group, guard, now) for group in plan.groups)
    remove = tuple(snapshot.id for group in groups for snapshot in group.remove)
    return replace(plan, groups=groups, remove=remove)


def keep_ahead(plan: ForgetPlan, ahead: Sequence[Snapshot]) -> ForgetPlan:
    """Keep what is dated ahead of now, past all rules: it takes no other's place, and stays."""
    if not ahead:
        return plan
    kept = tuple(
        GroupPlan(key, tuple(Verdict(it, keep=True, reasons=(AHEAD,)) for it in members), ())
        for key, members in group_snapshots(ahead, DEFAULT_GROUPING).items()
    )
    ids = {it.id for it in ahead}
    return replace(plan, groups=(*plan.groups, *kept), known=plan.known | ids)


def _protect_group(group: GroupPlan, guard: Guard, now: datetime) -> GroupPlan:
    everything = [*(verdict.snapshot for verdict in group.keep), *group.remove]
    protected = find_protected(everything, guard.of(group.key.paths), now=now)
    ruled = {verdict.snapshot.id: verdict.reasons for verdict in group.keep}
    kept, gone = [], []
    for snapshot in sorted(everything, key=lambda it: it.time, reverse=True):
        reasons = (*ruled.get(snapshot.id, ()), *protected.get(snapshot.id, ()))
        if snapshot.id in ruled or reasons:
            kept.append(Verdict(snapshot, keep=True, reasons=reasons))
        else:
            gone.append(snapshot)
    return replace(group, keep=tuple(kept), remove=tuple(gone))
