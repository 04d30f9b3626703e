"""The digest of a folder's contents as lstat tells them: the key of the scan cache."""

import hashlib
import marshal

from backup.scan_cache import DIGEST
from backup.scan_state import Folder
from backup.trees import Node

_MARSHAL_VERSION = 2  # later ones write the same value in different ways


def digest_folder(folder: Folder) -> bytes:
    """Hash everything of a folder that decides about its tree; its subfolders' trees are known.

    Names, types, modes, owners, sizes, inodes, link counts, modification and change times; other
    attributes cannot change without the change time. st_dev is left out, since it changes when a
    file system is mounted again; the cache's own key has that of the source.
    """
    rows = []
    for name, status, outcome in zip(folder.names, folder.stats, folder.outcomes, strict=True):
        if isinstance(outcome, Node):
            outcome = outcome.subtree  # noqa: PLW2901 -- a subfolder that is settled already
        rows.append(
            (
                name,
                status[:2],
                status[3:7],
                status.st_mtime_ns,
                status.st_ctime_ns,
                outcome if isinstance(outcome, bytes) else None,
            )
        )
    return hashlib.blake2b(marshal.dumps(rows, _MARSHAL_VERSION), digest_size=DIGEST).digest()
