"""What is to be done with one entry that may be there already: decided, not done."""

import os
import stat
from enum import Enum, auto

from backup.format.tree import Node
from backup.restorer.request import Overwrite


class Step(Enum):
    """What to do with one entry.

    Attributes:
        CREATE: Nothing is in the way.
        REPLACE: Put the new entry in the old one's place, once it is whole.
        COMPARE: Read the file that is there; replace it only if its bytes are wrong.
        REFRESH: Trust the bytes that are there and set the metadata.
        SKIP: Leave what is there.
    """

    CREATE = auto()
    REPLACE = auto()
    COMPARE = auto()
    REFRESH = auto()
    SKIP = auto()


def may_overwrite(node: Node, existing: os.stat_result, overwrite: Overwrite) -> bool:
    """Whether an existing entry may be touched at all."""
    if overwrite == "never":
        return False
    return overwrite != "if-newer" or node.mtime > existing.st_mtime_ns


def decide_step(node: Node, existing: os.stat_result | None, overwrite: Overwrite) -> Step:
    """Decide about an entry that is no folder.

    A file with other names elsewhere is never changed in place, for its other names would change
    with it; unless the snapshot's file has several names too.

    Args:
        node: The entry in the snapshot.
        existing: What is there under its name, not followed; None for nothing.
        overwrite: What was asked for.
    """
    if existing is None:
        return Step.CREATE
    if not may_overwrite(node, existing, overwrite):
        return Step.SKIP
    is_same_kind = node.type == "file" and stat.S_ISREG(existing.st_mode)
    is_shared = existing.st_nlink > 1 and node.links <= 1
    if not is_same_kind or is_shared or existing.st_size != node.size:
        return Step.REPLACE
    if overwrite == "if-changed" and existing.st_mtime_ns == node.mtime:
        return Step.REFRESH
    return Step.COMPARE
