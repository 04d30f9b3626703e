"""Where a named file or folder comes to lie in a snapshot, as restic places it.

An absolute path keeps its place; a relative one begins at the snapshot's root, without the ``..``
in front. What has no name of its own (``.``, ``/``, ``../..``) stands for the entries it holds.
"""

import os
from typing import NamedTuple

from backup.errors import UsageError


class Target(NamedTuple):
    """One thing to back up.

    Attributes:
        path: Absolute path in the file system.
        at: Absolute path in the snapshot.
    """

    path: bytes
    at: bytes


def place_targets(paths: list[bytes], *, one_file_system: bool = False) -> list[Target]:
    """Place what was named, in the order given; what lies within another target is not repeated.

    Args:
        paths: As typed.
        one_file_system: Whether folders stay on their file system, so that a target within another
            one may be the only way to what is mounted there.

    Raises:
        UsageError: One target is mounted within another one that does not reach it.
        OSError: A folder without a name of its own cannot be listed.
    """
    found: dict[bytes, Target] = {}
    for path in paths:
        for target in _expand(path):
            found.setdefault(target.at, target)
    targets = list(found.values())
    kept = [target for target in targets if not any(_is_within(target, it) for it in targets)]
    if one_file_system and len(kept) < len(targets):
        _refuse_mounted_within(targets, kept)
    return kept


def _expand(path: bytes) -> list[Target]:
    at = _place(path)
    absolute = os.path.abspath(path)
    if at:
        return [Target(absolute, b"/" + b"/".join(at))]
    names = sorted(os.listdir(absolute))
    return [Target(os.path.join(absolute, name), b"/" + name) for name in names]


def _place(path: bytes) -> list[bytes]:
    return [part for part in os.path.normpath(path).split(b"/") if part not in (b"", b".", b"..")]


def _is_within(target: Target, other: Target) -> bool:
    return target.at.startswith(other.at + b"/") and target.path == (
        other.path + target.at[len(other.at) :]
    )


def _refuse_mounted_within(targets: list[Target], kept: list[Target]) -> None:
    for target in set(targets) - set(kept):
        for other in kept:
            if _is_within(target, other) and _device(target.path) != _device(other.path):
                raise UsageError(
                    "{inner} lies within {outer}, on another file system",
                    why="with --one-file-system one backup cannot hold both",
                    data="nothing was read or written",
                    next_step="make two backups, or leave out --one-file-system and use --exclude",
                    inner=os.fsdecode(target.path),
                    outer=os.fsdecode(other.path),
                )


def _device(path: bytes) -> int:
    return os.lstat(path).st_dev
