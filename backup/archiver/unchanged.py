"""What a folder's tree takes over from the previous snapshot, and what it is made of in the end."""

import os
import stat
from collections.abc import Callable

from backup.archiver.nodes import encode_file
from backup.archiver.walk_state import Content, Folder, FolderHead
from backup.format.tree import Node, encode_node, encode_tree
from backup.sources.local.owners import Owners


def has_surely_changed(folder: Folder) -> bool:
    """Whether a file's change time alone says that it must be read."""
    trusted_before = folder.previous.trusted_before
    return any(
        stat.S_ISREG(status.st_mode) and status.st_ctime_ns >= trusted_before
        for status in folder.stats
    )


def keep_unchanged(
    folder: Folder,
    holds: Callable[[list[bytes]], bool] | None,
    *,
    atime: bool,
    owners: Owners,
) -> None:
    """Take over the files that have not changed since the previous snapshot.

    Args:
        folder: Whose files; their outcomes are set.
        holds: See `PreviousFolder.keep`.
        atime: Whether to write the access time of now.
        owners: Names their owners.
    """
    if folder.previous.is_empty:
        return
    is_lenient = folder.previous.leniency.ctime
    keep, names, outcomes = folder.previous.keep, folder.names, folder.outcomes
    for place, status in enumerate(folder.stats):
        if stat.S_ISREG(status.st_mode):
            name = names[place]
            path = folder.reachable(name) if is_lenient else b""
            known = keep(name, status, holds, atime=atime, owners=owners, path=path)
            if known is not None:
                outcomes[place] = known


def encode_content(
    name: bytes, status: os.stat_result, content: Content, *, atime: bool, owners: Owners
) -> str:
    """Write the node of a file that was read."""
    return encode_file(
        name,
        status,
        content.ids,
        size=content.size,
        xattrs=content.xattrs,
        atime=atime,
        owners=owners,
    )


def encode_folder(folder: Folder, *, atime: bool, owners: Owners) -> bytes:
    """Write the tree of a folder all of whose entries are known."""
    encoded = []
    for name, status, outcome in zip(folder.names, folder.stats, folder.outcomes, strict=True):
        if isinstance(outcome, str):
            encoded.append(outcome)
        elif isinstance(outcome, FolderHead):
            encoded.append(outcome.encode())
        elif isinstance(outcome, Content):
            encoded.append(encode_content(name, status, outcome, atime=atime, owners=owners))
        elif isinstance(outcome, Node):
            encoded.append(encode_node(outcome))
    return encode_tree(encoded)
