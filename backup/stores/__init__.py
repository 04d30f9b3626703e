"""Stores: where the files of a repository lie."""

import re

from backup.errors import UsageError
from backup.stores.base import Store

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.\-]*):", re.ASCII)
_ABSENT_KINDS = frozenset({"azure", "b2", "gs", "rclone", "rest", "s3", "sftp", "swift"})


def open_store(url: str) -> Store:
    """Open the store at `url`; touches nothing yet.

    Args:
        url: A path, relative or absolute, or `local:` and a path. As with restic, a relative path
            that begins like a URL (`a:b`) needs `local:` or `./` in front.

    Raises:
        UsageError: The URL is empty, or of a kind this version has no store for. The text never
            repeats the URL, which may carry a password.
    """
    scheme = _SCHEME.match(url)
    if scheme is None:
        path = url
    elif scheme[1] == "local":
        path = url[scheme.end() :]
    else:
        raise _unknown_kind(scheme[1])
    if not path or "\0" in path:
        raise UsageError(
            "the repository's place is not a path",
            why="it is empty or holds a null byte",
            next_step="give a folder, e.g. -r /srv/backup/cong-chinh",
        )
    from backup.stores.folder import FolderStore

    return FolderStore(path)


def _unknown_kind(kind: str) -> UsageError:
    if kind in _ABSENT_KINDS:
        return UsageError(
            "stores of the kind {kind!r} are not available in this version",
            why="this version keeps repositories in folders only",
            data="nothing was read or written",
            next_step="give a folder of this machine or a mounted one, or use restic for {kind}:",
            kind=kind,
        )
    return UsageError(
        "{kind!r} is not a kind of store",
        data="nothing was read or written",
        next_step="if you mean a folder, put local: or ./ in front",
        kind=kind,
    )
