"""Where a named file or folder comes to lie in a snapshot, as restic places it.

An absolute path keeps its place; a relative one begins at the snapshot's root, without the ``..``
in front. What has no name of its own (``.``, ``/``, ``../..``) stands for the entries it holds.
"""

import os
from typing import NamedTuple


class Target(NamedTuple):
    """One thing to back up.

    Attributes:
        path: Absolute path in the file system.
        at: Absolute path in the snapshot.
        also_enter: Absolute paths of named folders below it that lie on other file systems.
        is_mount_point: Whether it is one of the entries that a nameless folder stands for, and on
            another file system than that folder.
    """

    path: bytes
    at: bytes
    also_enter: frozenset[bytes] = frozenset()
    is_mount_point: bool = False


def place_targets(paths: list[bytes]) -> list[Target]:
    """Place what was named, in the order given; what lies within another target is not repeated.

    Args:
        paths: As typed.

    Raises:
        OSError: A folder without a name of its own cannot be listed.
    """
    found: dict[bytes, Target] = {}
    for path in paths:
        for target in _expand(path):
            known = found.setdefault(target.at, target)
            if known.is_mount_point and not target.is_mount_point:
                found[target.at] = target  # it was named itself
    targets = list(found.values())
    return [
        target._replace(also_enter=_list_mounted_within(target, targets))
        for target in targets
        if not any(_is_within(target, other) for other in targets)
    ]


def _expand(path: bytes) -> list[Target]:
    at = _place(path)
    absolute = os.path.abspath(path)
    if at:
        return [Target(absolute, b"/" + b"/".join(at))]
    device = _device(absolute)
    targets = []
    for name in sorted(os.listdir(absolute)):
        entry = os.path.join(absolute, name)
        is_mount_point = os.path.isdir(entry) and _device(entry) != device
        targets.append(Target(entry, b"/" + name, is_mount_point=is_mount_point))
    return targets


def _list_mounted_within(target: Target, targets: list[Target]) -> frozenset[bytes]:
    inner = [other for other in targets if _is_within(other, target)]
    return frozenset(it.path for it in inner if _device(it.path) != _device(target.path))


def _place(path: bytes) -> list[bytes]:
    return [part for part in os.path.normpath(path).split(b"/") if part not in (b"", b".", b"..")]


def _is_within(target: Target, other: Target) -> bool:
    return target.at.startswith(other.at + b"/") and target.path == (
        other.path + target.at[len(other.at) :]
    )


def _device(path: bytes) -> int:
    return os.lstat(path).st_dev
