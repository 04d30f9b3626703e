"""Groups of snapshots: what they share, and in which order they stand in it; pure."""

import operator
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import NamedTuple, Protocol, TypeVar

from backup.errors import UsageError

_GROUPING_WORDS = {
    "host": "host",
    "hosts": "host",
    "path": "paths",
    "paths": "paths",
    "tag": "tags",
    "tags": "tags",
}


class DatedSnapshot(Protocol):
    """What retention has to know about a snapshot.

    `time` is aware and carries the snapshot's own offset. `paths` and `tags` may be empty.
    """

    @property
    def id(self) -> str: ...  # noqa: D102 -- the class speaks for its five properties
    @property
    def time(self) -> datetime: ...  # noqa: D102 -- as above
    @property
    def hostname(self) -> str: ...  # noqa: D102 -- as above
    @property
    def paths(self) -> tuple[str, ...]: ...  # noqa: D102 -- as above
    @property
    def tags(self) -> tuple[str, ...]: ...  # noqa: D102 -- as above


SnapshotT = TypeVar("SnapshotT", bound=DatedSnapshot)


class GroupKey(NamedTuple):
    """What the snapshots of one group share; a part that was not grouped by is empty."""

    hostname: str = ""
    paths: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()

    def __str__(self) -> str:
        parts = []
        if self.hostname:
            parts.append(f"host {self.hostname}")
        if self.paths:
            parts.append(f"path [{' '.join(self.paths)}]")
        if self.tags:
            parts.append(f"tags [{' '.join(self.tags)}]")
        return ", ".join(parts)


def parse_grouping(text: str) -> frozenset[str]:
    """Read the value of ``--group-by``: host, paths and tags between commas; may be empty.

    Raises:
        UsageError: A word is none of these.
    """
    words = [word for word in text.split(",") if word]
    for word in words:
        if word not in _GROUPING_WORDS:
            raise UsageError(
                'cannot group snapshots by "{word}"',
                next_step="group by host, paths or tags, with commas between them",
                word=word,
            )
    return frozenset(_GROUPING_WORDS[word] for word in words)


def group_snapshots(
    snapshots: Iterable[SnapshotT], by: Iterable[str] = ("host", "paths")
) -> dict[GroupKey, list[SnapshotT]]:
    """Divide snapshots into groups by any of "host", "paths", "tags".

    The order in which a snapshot lists its paths or tags does not matter.

    Returns:
        The groups in the order of their keys, each newest first; with nothing to group by, one.
    """
    parts = frozenset(by)
    groups: dict[GroupKey, list[SnapshotT]] = {}
    for snapshot in sort_newest_first(snapshots):
        key = GroupKey(
            hostname=snapshot.hostname if "host" in parts else "",
            paths=tuple(sorted(snapshot.paths)) if "paths" in parts else (),
            tags=tuple(sorted(snapshot.tags)) if "tags" in parts else (),
        )
        groups.setdefault(key, []).append(snapshot)
    return dict(sorted(groups.items()))


def sort_newest_first(snapshots: Iterable[SnapshotT]) -> list[SnapshotT]:
    """Sort by the instant, newest first; of one instant the smaller id comes first."""
    by_id = sorted(snapshots, key=operator.attrgetter("id"))
    return sorted(by_id, key=lambda snapshot: snapshot.time.astimezone(UTC), reverse=True)


def has_all_tags(snapshot: DatedSnapshot, tags: Sequence[str]) -> bool:
    """Say whether a snapshot has every tag of a list; the empty tag fits one that has no tags."""
    if not snapshot.tags and "" in tags:
        return tags[0] == ""
    return all(tag in snapshot.tags for tag in tags)
