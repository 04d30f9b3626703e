"""Stores: where the files of a repository lie."""

from backup.errors import UsageError
from backup.stores.base import Store
from backup.stores.kinds import SCHEME, find_kind
from backup.stores.options import StoreOptions

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
    kind = find_kind(url)
    if kind is None:
        raise _unknown_kind(url.partition(":")[0])
    if options is not None and options.at is not None and not kind.has_versions:
        raise UsageError(
            "--at cannot be used with this store",
            why="a folder keeps no earlier versions of its files",
            data="nothing was read or written",
            next_step="leave out --at, or read a snapshot of that time",
        )
    rest = url[found.end() :] if (found := SCHEME.match(url)) else url
    return kind.open(rest, options or StoreOptions())


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
