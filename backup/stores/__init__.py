"""Stores: where the files of a repository lie."""

import re

from backup.errors import UsageError
from backup.stores.base import Store
from backup.stores.options import StoreOptions

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.\-]*):", re.ASCII)
_ABSENT_KINDS = frozenset({"azure", "b2", "gs", "rclone", "rest", "swift"})


def open_store(url: str, options: StoreOptions | None = None) -> Store:
    """Open the store at `url`; touches nothing yet.

    Args:
        url: A path, relative or absolute, or `local:` and a path, or
            `s3:https://host/bucket/prefix`, or `sftp:user@host:/path`. As with restic, a relative
            path that begins like a URL (`a:b`) needs `local:` or `./` in front.
        options: What else the store needs to know.

    Raises:
        UsageError: The URL is empty, or of a kind this version has no store for. The text never
            repeats the URL, which may carry a password.
    """
    scheme = _SCHEME.match(url)
    if scheme is None:
        path = url
    elif scheme[1] == "local":
        path = url[scheme.end() :]
    elif scheme[1] == "s3":
        return _open_s3(url[scheme.end() :], options or StoreOptions())
    elif scheme[1] == "sftp":
        return _open_sftp(url[scheme.end() :], options or StoreOptions())
    else:
        raise _unknown_kind(scheme[1])
    if not path or "\0" in path:
        raise UsageError(
            "the repository's place is not a path",
            why="it is empty or holds a null byte",
            next_step="give a folder, e.g. -r /srv/backup/cong-chinh",
        )
    if options is not None:
        _refuse_versions(options)
    from backup.stores.folder import FolderStore

    return FolderStore(path)


def _open_s3(rest: str, options: StoreOptions) -> Store:
    from backup.stores.reopen import open_s3
    from backup.stores.s3.settings import parse_settings

    return open_s3(parse_settings(rest, options))


def _open_sftp(rest: str, options: StoreOptions) -> Store:
    from backup.stores.reopen import open_sftp
    from backup.stores.sftp.settings import parse_settings

    _refuse_versions(options)
    return open_sftp(parse_settings(rest, options))


def _refuse_versions(options: StoreOptions) -> None:
    if options.at is not None:
        raise UsageError(
            "--at cannot be used with this store",
            why="a folder keeps no earlier versions of its files",
            data="nothing was read or written",
            next_step="leave out --at, or read a snapshot of that time",
        )


def _unknown_kind(kind: str) -> UsageError:
    if kind in _ABSENT_KINDS:
        return UsageError(
            "stores of the kind {kind!r} are not available in this version",
            why="this version keeps repositories in folders, on SFTP servers and in S3 only",
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
