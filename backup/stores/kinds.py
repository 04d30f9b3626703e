"""The kinds of stores there are, a row each; whoever adds one adds a row, and modules of its own.

A kind's modules are imported when a store of it is opened: behind botocore and paramiko lies a
fifth of a second.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from backup.errors import UsageError
from backup.stores.base import Store
from backup.stores.folder import FolderStore
from backup.stores.options import StoreOptions
from backup.stores.retry import RetryingStore

if TYPE_CHECKING:
    from backup.stores.s3.settings import S3Settings
    from backup.stores.sftp.settings import SftpSettings

SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.\-]*):", re.ASCII)

# With the pauses of `RetryingStore`, a server that restarts has some two and a half minutes.
_ATTEMPTS = 9
_PORTS = {"http": 80, "https": 443, "sftp": 22}


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreKind:
    """One kind of store.

    Attributes:
        scheme: What stands before the colon of its URL.
        open: Opens what the rest of a URL names.
        reopen: Opens it in another process, from the plain values its settings gave (`pack`).
        is_remote: Whether it lies on another machine.
        has_versions: Whether it can keep what was overwritten, and promise to (Object Lock).
        endpoint: Where its connections lead, `host:port`, by the rest of a URL.
    """

    scheme: str
    open: Callable[[str, StoreOptions], Store]
    reopen: Callable[[Mapping[str, Any]], Store]
    is_remote: bool
    has_versions: bool = False
    endpoint: Callable[[str], str]


def find_kind(url: str) -> StoreKind | None:
    """Give the kind of store that lies at a URL; None where no kind has its scheme.

    As with restic, a path has none, and one that begins like a URL (`a:b`) needs `local:` or `./`
    in front.
    """
    scheme = SCHEME.match(url)
    return kind_called(scheme[1] if scheme else FOLDER.scheme)


def kind_called(scheme: str) -> StoreKind | None:
    """Give the kind of that scheme; None where there is none."""
    return next((kind for kind in KINDS if kind.scheme == scheme), None)


def is_remote(url: str) -> bool:
    """Say whether a store lies on another machine; of an unknown kind it does not."""
    kind = find_kind(url)
    return kind is not None and kind.is_remote


def _open_folder(path: str, _options: StoreOptions) -> Store:
    if not path or "\0" in path:
        raise UsageError(
            "the repository's place is not a path",
            why="it is empty or holds a null byte",
            next_step="give a folder, e.g. -r /srv/backup/cong-chinh",
        )
    return FolderStore(path)


def _open_s3(rest: str, options: StoreOptions) -> Store:
    from backup.stores.s3.settings import parse_settings

    return open_bucket(parse_settings(rest, options))


def _reopen_s3(values: Mapping[str, Any]) -> Store:
    from backup.stores.s3.settings import S3Settings

    return open_bucket(S3Settings(**values))


def open_bucket(settings: "S3Settings") -> Store:
    """Open a bucket, with patience for what passes."""
    if settings.at is not None:
        from backup.stores.s3.versions import PastS3Store

        return RetryingStore(PastS3Store(settings), attempts=_ATTEMPTS)
    if settings.lock_mode:
        from backup.stores.s3.object_lock import LockingS3Store

        return RetryingStore(LockingS3Store(settings), attempts=_ATTEMPTS)
    from backup.stores.s3.store import S3Store

    return RetryingStore(S3Store(settings), attempts=_ATTEMPTS)


def _open_sftp(rest: str, options: StoreOptions) -> Store:
    from backup.stores.sftp.settings import parse_settings

    return _patient_sftp(parse_settings(rest, options))


def _reopen_sftp(values: Mapping[str, Any]) -> Store:
    from backup.stores.sftp.settings import SftpSettings

    return _patient_sftp(SftpSettings(**values))


def _patient_sftp(settings: "SftpSettings") -> Store:
    from backup.stores.sftp.store import SftpStore

    return RetryingStore(SftpStore(settings), attempts=_ATTEMPTS)


def _endpoint_of_s3(rest: str) -> str:
    parts = urlsplit(rest if "://" in rest else f"https://{rest.removeprefix('//')}")
    return f"{parts.hostname}:{parts.port or _PORTS.get(parts.scheme, _PORTS['https'])}"


def _endpoint_of_sftp(rest: str) -> str:
    if rest.startswith("//"):
        parts = urlsplit(f"sftp:{rest}")
        return f"{parts.hostname}:{parts.port or _PORTS['sftp']}"
    host = rest.partition(":")[0].rpartition("@")[2]
    return f"{host}:{_PORTS['sftp']}"


FOLDER = StoreKind(
    scheme="local",
    open=_open_folder,
    reopen=lambda values: FolderStore(values["location"]),
    is_remote=False,
    endpoint=lambda path: path,
)
KINDS = (
    FOLDER,
    StoreKind(
        scheme="sftp",
        open=_open_sftp,
        reopen=_reopen_sftp,
        is_remote=True,
        endpoint=_endpoint_of_sftp,
    ),
    StoreKind(
        scheme="s3",
        open=_open_s3,
        reopen=_reopen_s3,
        is_remote=True,
        has_versions=True,
        endpoint=_endpoint_of_s3,
    ),
)
