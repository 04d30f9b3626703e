"""The digest of a folder's contents as lstat tells them: the key of the scan cache."""

import hashlib
import marshal
from operator import attrgetter

from backup.scan_cache import DIGEST
from backup.scan_state import Folder, FolderHead
from backup.trees import Node

_MARSHAL_VERSION = 2  # later ones write the same value in different ways
_DECIDING = attrgetter(
    "st_mode", "st_ino", "st_nlink", "st_uid", "st_gid", "st_size", "st_mtime_ns", "st_ctime_ns"
)


def digest_folder(folder: Folder) -> bytes:
    """Hash everything of a folder that decides about its tree; its subfolders' trees are known.

    Names, types, modes, owners, sizes, inodes, link counts, modification and change times; other
    attributes cannot change without the change time. st_dev is left out, since it changes when a
    file system is mounted again; the cache's own key has that of the source.
    """
    subtrees = [
        outcome if isinstance(outcome, bytes) else outcome.subtree
        for outcome in folder.outcomes
        if isinstance(outcome, bytes | Node | FolderHead)
    ]
    # No pairs of name and status: that would be one more tuple for each file there is.
    rows = (folder.names, list(map(_DECIDING, folder.stats)), subtrees)
    return hashlib.blake2b(marshal.dumps(rows, _MARSHAL_VERSION), digest_size=DIGEST).digest()
