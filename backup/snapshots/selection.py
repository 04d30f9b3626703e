"""Choosing snapshots: by id or its beginning, ``latest``, host, tags and paths, as restic does."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from backup.errors import (
    BackupError,
    DamagedError,
    ObjectNotFoundError,
    UnsupportedFormatError,
    Words,
)
from backup.format.snapshot import Snapshot
from backup.repository.ids import SnapshotNotFoundError, choose_id
from backup.repository.repository import FileKind, Repository

LATEST = "latest"


@dataclass(frozen=True, slots=True)
class SnapshotFilter:
    """Which snapshots to consider; an empty part lets everything through.

    Attributes:
        hosts: One of them must be the snapshot's.
        tag_lists: All tags of one list must be on it; the empty tag stands for having none.
        paths: All of them must be among its paths.
    """

    hosts: tuple[str, ...] = ()
    tag_lists: tuple[tuple[str, ...], ...] = ()
    paths: tuple[str, ...] = ()

    def matches(self, snapshot: Snapshot) -> bool:
        """Say whether a snapshot is let through."""
        return (
            (not self.hosts or snapshot.hostname in self.hosts)
            and (not self.tag_lists or self._has_tags(snapshot))
            and set(self.paths) <= set(snapshot.paths)
        )

    def _has_tags(self, snapshot: Snapshot) -> bool:
        from backup.snapshots.groups import has_all_tags

        return any(has_all_tags(snapshot, tags) for tags in self.tag_lists)

    def describe(self) -> Words:
        """Say in words what is asked for; empty where everything is let through."""
        tags = (",".join(tags) for tags in self.tag_lists)
        parts = [
            *([Words("host {names}", {"names": " | ".join(self.hosts)})] if self.hosts else []),
            *([Words("tags {names}", {"names": " | ".join(tags)})] if self.tag_lists else []),
            *([Words("path {names}", {"names": ", ".join(self.paths)})] if self.paths else []),
        ]
        told = parts[0] if parts else Words("", {})
        for part in parts[1:]:
            told = Words("{first}, {second}", {"first": told, "second": part})
        return told


EVERYTHING = SnapshotFilter()


class ReadableSnapshots(NamedTuple):
    """All snapshots of a repository that can be read.

    Attributes:
        snapshots: Oldest first.
        errors: One for each that cannot be read.
    """

    snapshots: list[Snapshot]
    errors: list[BackupError]


class Chosen(NamedTuple):
    """Snapshots that were asked for.

    Attributes:
        snapshots: Oldest first, without repetitions.
        errors: What could not be found or read.
    """

    snapshots: list[Snapshot]
    errors: list[BackupError]


def load_readable_snapshots(repository: Repository) -> ReadableSnapshots:
    """Read all snapshots; damaged ones do not stand in the way of the others.

    Raises:
        StoreError: The store failed.
    """
    snapshots = []
    errors: list[BackupError] = []
    for file_id in repository.list_files("snapshots"):
        try:
            snapshots.append(repository.load_snapshot(file_id))
        except ObjectNotFoundError:  # removed beside us since it was listed
            continue
        except (DamagedError, UnsupportedFormatError) as error:
            errors.append(error)
    return ReadableSnapshots(sorted(snapshots, key=_age), errors)


def choose_snapshots(
    repository: Repository, ids: Sequence[str], wanted: SnapshotFilter = EVERYTHING
) -> Chosen:
    """Choose several snapshots: all that `wanted` lets through, or those named by `ids`.

    The filter only decides what ``latest`` means where ids are given.

    Raises:
        StoreError: The store failed.
    """
    if not ids:
        everything = load_readable_snapshots(repository)
        return Chosen([it for it in everything.snapshots if wanted.matches(it)], everything.errors)
    found: dict[str, Snapshot] = {}
    errors: list[BackupError] = []
    for text in ids:
        try:
            snapshot = find_snapshot(repository, text, wanted)
        except (DamagedError, UnsupportedFormatError, SnapshotNotFoundError) as error:
            errors.append(error)
        else:
            found[snapshot.id] = snapshot
    return Chosen(sorted(found.values(), key=_age), errors)


def find_snapshot(
    repository: Repository, text: str, wanted: SnapshotFilter = EVERYTHING
) -> Snapshot:
    """Find one snapshot by its id, the beginning of it, or ``latest``.

    Args:
        repository: Where to look.
        text: What was typed, without a subfolder.
        wanted: What ``latest`` means.

    Raises:
        SnapshotNotFoundError: None or several fit.
        DamagedError: It cannot be read.
        StoreError: The store failed.
    """
    if text == LATEST:
        return _find_latest(repository, wanted)
    return repository.load_snapshot(find_file_id(repository, "snapshots", text))


def _find_latest(repository: Repository, wanted: SnapshotFilter) -> Snapshot:
    everything = load_readable_snapshots(repository)
    matching = [snapshot for snapshot in everything.snapshots if wanted.matches(snapshot)]
    if matching:
        return matching[-1]
    if everything.errors:
        raise everything.errors[0]
    raise SnapshotNotFoundError(
        "the repository has no snapshot yet"
        if not everything.snapshots
        else "no snapshot has {wanted}",
        data="nothing was changed",
        next_step="make one with backup"
        if not everything.snapshots
        else "run snapshots to see those there are",
        wanted=wanted.describe(),
    )


def find_file_id(repository: Repository, kind: FileKind, prefix: str) -> str:
    """Find the one file of a kind whose id begins with `prefix`.

    Raises:
        SnapshotNotFoundError: None or several fit.
        StoreError: The store failed.
    """
    listed = repository.list_files(kind)
    return choose_id(listed, prefix, "snapshot" if kind == "snapshots" else f"{kind} file")


def split_subfolder(text: str) -> tuple[str, bytes]:
    """Split ``ID:subfolder``; the subfolder comes without slashes around it, and may be empty."""
    snapshot, _, folder = text.partition(":")
    return snapshot, folder.encode("utf-8", "surrogateescape").strip(b"/")


def _age(snapshot: Snapshot) -> tuple[object, str]:
    return snapshot.time, snapshot.id
