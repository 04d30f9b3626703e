"""Forgetting snapshots: which go is decided first, then their files are deleted.

Crash-safe order:

1. Prove that the plan still fits what is there, and that our exclusive lock still stands.
2. Delete the snapshot files, one batch after the other. Killed in between, the rest stays and the
   next run removes it. Data is not touched; `backup.prune` removes what no snapshot needs.
"""

from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from backup.errors import (
    DamagedError,
    ObjectLockedError,
    ObjectNotFoundError,
    PlanOutdatedError,
    StoreError,
    UnsupportedFormatError,
    UsageError,
)
from backup.format.snapshot import Snapshot
from backup.progress import SILENT, Progress
from backup.repository.delete_files import delete_files
from backup.repository.locks import Lock
from backup.repository.repository import Repository
from backup.retention.policy import KeepPolicy, Verdict, decide_kept, refuse_emptied_group
from backup.snapshots.groups import GroupKey, group_snapshots
from backup.snapshots.selection import EVERYTHING, SnapshotFilter

DEFAULT_GROUPING = frozenset({"host", "paths"})


@dataclass(frozen=True, slots=True)
class GroupPlan:
    """What is decided about one group.

    Attributes:
        key: What its snapshots share.
        keep: Those that stay and why, newest first.
        remove: Those that go, newest first.
    """

    key: GroupKey
    keep: tuple[Verdict[Snapshot], ...]
    remove: tuple[Snapshot, ...]


@dataclass(frozen=True, slots=True)
class ForgetPlan:
    """Which snapshots go, and the facts that was decided from.

    Attributes:
        groups: One by one, in the order of their keys; empty where snapshots were named.
        remove: Ids of all that go, in the order of the groups.
        considered: Ids of the snapshots the decision depends on.
        known: Ids of all snapshots that were there.
        wanted: Which snapshots were considered; None where they were named.
    """

    groups: tuple[GroupPlan, ...]
    remove: tuple[str, ...]
    considered: frozenset[str]
    known: frozenset[str]
    wanted: SnapshotFilter | None


@dataclass(frozen=True, slots=True)
class ForgetResult:
    """What became of it.

    Attributes:
        outcome: ok, or incomplete where some could not be removed.
        removed: Ids of those that are gone.
        failed: Ids of those that could not be removed, and why.
        locked: Ids of those that the store has promised to keep for now, and until when; a later
            run removes them.
    """

    outcome: Literal["ok", "incomplete"]
    removed: tuple[str, ...]
    failed: tuple[tuple[str, StoreError], ...]
    locked: tuple[tuple[str, str], ...] = ()


def plan_forget(  # noqa: PLR0913 - facts, rules and exceptions, each on its own
    snapshots: Iterable[Snapshot],
    policy: KeepPolicy,
    *,
    now: datetime,
    grouping: Iterable[str] = DEFAULT_GROUPING,
    wanted: SnapshotFilter = EVERYTHING,
    remove_all: bool = False,
    own: Callable[[GroupKey], KeepPolicy | None] = lambda _key: None,
) -> ForgetPlan:
    """Decide which snapshots a policy lets go. Pure.

    Args:
        snapshots: All snapshots of the repository.
        policy: What to keep.
        now: Present moment, aware.
        grouping: Any of "host", "paths", "tags".
        wanted: Which snapshots to consider; the others stay.
        remove_all: Let a group become empty; an empty policy then removes all that is wanted.
        own: Gives the policy of a group that has one of its own instead.

    Raises:
        UsageError: The policy is empty and `remove_all` does not say that this is meant.
        BackupError: A group would become empty and `remove_all` does not say that this is meant.
    """
    if policy.is_empty and not remove_all:
        raise UsageError(
            "no policy was given, so nothing is removed",
            data="nothing was removed",
            next_step="add rules such as --keep-daily 14, or name the snapshots to remove",
        )
    if policy.is_empty and wanted == EVERYTHING:
        raise UsageError(
            "removing all snapshots needs a filter",
            why="without one, --unsafe-allow-remove-all would empty the whole repository",
            data="nothing was removed",
            next_step="add --host, --tag or --path",
        )
    everything = list(snapshots)
    considered = [snapshot for snapshot in everything if wanted.matches(snapshot)]
    groups = []
    for key, members in group_snapshots(considered, grouping).items():
        if policy.is_empty:
            groups.append(GroupPlan(key, (), tuple(members)))
            continue
        ruling = own(key) or policy
        verdicts = decide_kept(members, ruling, now=now)
        if not remove_all:
            refuse_emptied_group(key, verdicts, policy=ruling)
        keep = tuple(verdict for verdict in verdicts if verdict.keep)
        remove = tuple(verdict.snapshot for verdict in verdicts if not verdict.keep)
        groups.append(GroupPlan(key, keep, remove))
    return ForgetPlan(
        groups=tuple(groups),
        remove=tuple(snapshot.id for group in groups for snapshot in group.remove),
        considered=frozenset(snapshot.id for snapshot in considered),
        known=frozenset(snapshot.id for snapshot in everything),
        wanted=wanted,
    )


def plan_forget_named(snapshots: Sequence[Snapshot]) -> ForgetPlan:
    """Decide to let go the very snapshots that somebody named. Pure."""
    ids = tuple(snapshot.id for snapshot in snapshots)
    return ForgetPlan((), ids, considered=frozenset(ids), known=frozenset(ids), wanted=None)


def apply_forget(
    repository: Repository,
    plan: ForgetPlan,
    *,
    lock: Lock,
    threads: int = 8,
    progress: Progress = SILENT,
) -> ForgetResult:
    """Remove the snapshots of a plan.

    Args:
        repository: Where they are.
        plan: Which.
        lock: The exclusive lock that is held.
        threads: How many files are deleted at once; 1 for this thread alone.
        progress: Told of it.

    Raises:
        PlanOutdatedError: Snapshots the plan depends on came or went since.
        RepositoryLockedError: Our lock is gone.
        StoreError: The store failed before anything was removed.
    """
    refuse_outdated(repository, plan)
    removed = []
    failed = []
    locked = []
    progress.start("remove snapshots", len(plan.remove), "snapshots")
    keys = [f"snapshots/{snapshot_id}" for snapshot_id in plan.remove]
    attempts = delete_files(
        repository.store, keys, ensure_allowed=lock.ensure_held, threads=threads
    )
    for key, error in attempts:
        snapshot_id = key.rpartition("/")[2]
        if error is None:
            removed.append(snapshot_id)
        elif isinstance(error, ObjectLockedError):
            locked.append((snapshot_id, str(error.params["until"])))
        else:
            failed.append((snapshot_id, error))
        progress.advance()
    progress.finish()
    return ForgetResult(
        "incomplete" if failed else "ok", tuple(removed), tuple(failed), tuple(locked)
    )


def refuse_outdated(repository: Repository, plan: ForgetPlan) -> None:
    """Refuse a plan whose facts have changed.

    Snapshots that it considered must all be there, and none that it would have considered may have
    come since: a policy decides differently then.

    Raises:
        PlanOutdatedError: They have changed.
    """
    listed = set(repository.list_files("snapshots"))
    gone = plan.considered - listed
    came = [
        snapshot_id
        for snapshot_id in sorted(listed - plan.known)
        if plan.wanted is not None and _matches(repository, snapshot_id, plan.wanted)
    ]
    if gone or came:
        raise PlanOutdatedError(
            "the plan to forget is out of date",
            why="since it was made, {came} snapshots came and {gone} went",
            data="nothing was removed",
            next_step="run forget again, so that it decides anew",
            came=len(came),
            gone=len(gone),
        )


def _matches(repository: Repository, snapshot_id: str, wanted: SnapshotFilter) -> bool:
    # One that cannot be read was left out of the decision too, and stays.
    with suppress(DamagedError, UnsupportedFormatError, ObjectNotFoundError):
        return wanted.matches(repository.load_snapshot(snapshot_id))
    return False
