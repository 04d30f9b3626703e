"""The folders of a snapshot above its sources."""

import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from backup.archiver.nodes import other_node
from backup.archiver.request import Mount
from backup.archiver.walk_state import join
from backup.errors import UsageError
from backup.format.tree import GO_DIR, Node
from backup.sources.source import FolderSource

_MODE = 0o755


@dataclass(slots=True)
class Place:
    """A folder of the snapshot above the mounts.

    Attributes:
        real_path: The folder of the file system that it stands for; None for none.
        children: What lies in it.
    """

    real_path: bytes | None = None
    children: "dict[bytes, Place | Mount]" = field(default_factory=dict)


def arrange(mounts: Sequence[Mount], *, real: bool) -> Place:
    """Make the folders above the mounts.

    Args:
        mounts: What lies below them.
        real: Whether they stand for the folders that the sources really lie in.

    Raises:
        UsageError: Two mounts have one place, or one lies below another.
    """
    root = Place()
    for mount in mounts:
        *above, name = mount.at.strip(b"/").split(b"/")
        place = root
        real_path = _real_root(mount) if real else None
        for part in above:
            real_path = None if real_path is None else join(real_path, part)
            deeper = place.children.setdefault(part, Place(real_path))
            if isinstance(deeper, Mount):
                raise _nested(mount)
            place = deeper
        if not name or name in place.children:
            raise _nested(mount)
        place.children[name] = mount
    return root


def _real_root(mount: Mount) -> bytes | None:
    """Give the folder that the snapshot's root stands for, as this mount sees it."""
    if isinstance(mount.source, FolderSource):
        path = os.path.abspath(mount.source.path)
        if path.endswith(mount.at):
            return path[: -len(mount.at)] or b"/"
    return None


def _nested(mount: Mount) -> UsageError:
    return UsageError(
        "two things to back up have the same place {place} in the snapshot",
        data="nothing was read or written",
        next_step="name each path once, and none that lies below another",
        place=os.fsdecode(mount.at),
    )


def place_node(name: bytes, subtree: bytes, real_path: bytes | None) -> Node:
    """Make the node of a folder above the sources.

    Args:
        name: Raw name.
        subtree: Id of its tree.
        real_path: Where it is in the file system; None for a plain folder without a date.
    """
    if real_path is not None:
        with suppress(OSError):
            return other_node(name, os.stat(real_path), real_path, subtree=subtree, atime=False)
    return Node(
        name=name,
        type="dir",
        mode=GO_DIR | _MODE,
        mtime=0,
        atime=0,
        ctime=0,
        uid=0,
        gid=0,
        subtree=subtree,
    )
