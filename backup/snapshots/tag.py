"""Changing the tags, or the time, of snapshots.

A snapshot is never changed: it is written anew under another id, remembers its first one, and the
old file goes.

Crash-safe order, for each snapshot:

1. Prove that our exclusive lock still stands.
2. Write the new snapshot: durable.
3. Delete the old one. Killed in between, both are there, with the same files; forget or tag again.
"""

from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, NamedTuple

from backup.errors import ObjectNotFoundError, UsageError
from backup.format.snapshot import Snapshot, derive_snapshot
from backup.progress import SILENT, Progress
from backup.repository.locks import Lock
from backup.repository.repository import Repository


@dataclass(frozen=True, slots=True)
class TagChange:
    """How tags are to change: either `replace`, or `add` and `remove`.

    Attributes:
        replace: The new tags, perhaps none; None to keep the old ones.
        add: Tags to be added.
        remove: Tags to be removed; a tag that is in both is removed.
    """

    replace: tuple[str, ...] | None = None
    add: tuple[str, ...] = ()
    remove: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.replace is not None and (self.add or self.remove):
            raise UsageError(
                "tags cannot be set and also be added or removed",
                data="nothing was changed",
                next_step="use --set alone, or --add and --remove",
            )
        if self.replace is None and not self.add and not self.remove:
            raise UsageError(
                "there is nothing to do",
                data="nothing was changed",
                next_step="add --set, --add or --remove",
            )


class Retagged(NamedTuple):
    """One snapshot that was written anew.

    Attributes:
        old_id: What it was.
        new_id: What it is now.
    """

    old_id: str
    new_id: str


def decide_tags(tags: tuple[str, ...], change: TagChange) -> tuple[str, ...]:
    """Give the new tags, without repetitions, old ones first. Pure."""
    wanted = change.replace if change.replace is not None else (*tags, *change.add)
    return tuple(dict.fromkeys(tag for tag in wanted if tag not in change.remove))


def tag_snapshots(
    repository: Repository,
    snapshots: Iterable[Snapshot],
    change: TagChange,
    *,
    lock: Lock,
    progress: Progress = SILENT,
) -> Iterator[Retagged]:
    """Change the tags of some snapshots, and yield each whose tags were others before.

    Args:
        repository: Where they are.
        snapshots: Which.
        change: How.
        lock: The exclusive lock that is held.
        progress: Told of each.

    Raises:
        RepositoryLockedError: Our lock is gone.
        StoreError: The store failed.
    """
    for snapshot in snapshots:
        tags = decide_tags(snapshot.tags, change)
        if tags != snapshot.tags:
            yield Retagged(snapshot.id, rewrite_snapshot(repository, snapshot, lock, tags=tags))
        progress.advance()


def rewrite_snapshot(repository: Repository, snapshot: Snapshot, lock: Lock, **changes: Any) -> str:
    """Write a snapshot anew with other tags or another time, and delete the old; gives its new id.

    Raises:
        RepositoryLockedError: Our lock is gone.
        StoreError: The store failed.
    """
    lock.ensure_held()
    new_id = repository.save_snapshot(derive_snapshot(snapshot, **changes))
    with suppress(ObjectNotFoundError):
        repository.store.delete(f"snapshots/{snapshot.id}")
    return new_id
