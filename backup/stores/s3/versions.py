"""Earlier versions of a bucket's objects: reading as of a moment, and removing what is superseded.

A bucket that keeps versions hides a deleted object behind a marker and an overwritten one behind
its successor. The server's own times decide, to the second: of versions born in one second the
latest counts, and an object beats a marker.

A server may move the time of a version that is promised anew (SeaweedFS does). Where the ids of its
versions tell when each was born (`backup.stores.s3.version_ids`), that counts.
"""

import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial, reduce
from typing import Any

from backup.errors import (
    ObjectNotFoundError,
    StoreDeniedError,
    StoreReadOnlyError,
    StoreUnavailableError,
)
from backup.stores.base import Buffer, ObjectInfo, ensure_listable, validate_key
from backup.stores.s3.errors import translated
from backup.stores.s3.settings import S3Settings, moment
from backup.stores.s3.store import S3Store
from backup.stores.s3.version_ids import Version, when_born
from backup.workers.threads import do_each

_CANNOT_LIST = "cannot list the versions of {key} in {place}"
_CANNOT_REMOVE = "cannot remove a superseded version of {key} from {place}"
_THREADS = 8


def list_versions(store: S3Store, prefix: str) -> Iterator[Version]:
    """Yield all versions of the objects in a folder, those of one key with the newest first.

    Args:
        store: Where.
        prefix: The folder; "" for everything.

    Raises:
        StoreError: The listing failed; a partial one is never silently whole.
    """
    pages = store.client.get_paginator("list_object_versions")
    count = 0
    with translated(_CANNOT_LIST, key=prefix or "/", place=store.location):
        for page in pages.paginate(Bucket=store.bucket, Prefix=store.start_of(prefix)):
            versions = when_born(list(_versions_of(store, page)))
            count += max(1, len(versions))
            ensure_listable(count, store.location)
            yield from versions
            if page["IsTruncated"] and not page.get("NextKeyMarker"):
                raise StoreUnavailableError(
                    _CANNOT_LIST,
                    why="the server cut the listing short",
                    key=prefix or "/",
                    place=store.location,
                )


def _versions_of(store: S3Store, page: Any) -> Iterator[Version]:
    for kind in ("Versions", "DeleteMarkers"):
        for item in page.get(kind, ()):
            key = store.key_of(item["Key"])
            if key is not None:
                yield Version(
                    key,
                    item["VersionId"],
                    item["LastModified"],
                    item.get("Size", 0),
                    item.get("ETag", ""),
                    is_marker=kind == "DeleteMarkers",
                    is_latest=item["IsLatest"],
                )


def choose_at(versions: list[Version], at: datetime) -> Version | None:
    """Choose what a reader would have seen of one key at a moment; None for nothing. Pure.

    Args:
        versions: All versions of the key; of one second the newest first.
        at: The moment, aware.
    """
    then = [version for version in versions if version.born_at <= at]
    objects = [version for version in then if not version.is_marker]
    if not objects:
        return None
    chosen = max(objects, key=lambda version: version.born_at)  # the first of equals
    hidden_at = max((it.born_at for it in then if it.is_marker), default=chosen.born_at)
    return None if hidden_at > chosen.born_at else chosen


class PastS3Store:
    """A bucket's folder as it was at a moment; for reading only."""

    def __init__(self, settings: S3Settings) -> None:
        """Set up; nothing is touched yet. `settings.at` says as of when."""
        self._store = S3Store(settings)
        self.settings = settings
        self._at = moment(settings.at or 0)
        self._folders: dict[str, dict[str, Version]] = {}
        self._lock = threading.Lock()

    @property
    def location(self) -> str:
        """The store's address and the moment."""
        return f"{self._store.location} as of {self._at:%Y-%m-%dT%H:%M:%SZ}"

    def list(self, prefix: str) -> Iterator[ObjectInfo]:
        """See `Store.list`."""
        folder = validate_key(prefix) if prefix else ""
        start = f"{folder}/" if folder else ""
        seen = self._see(folder)
        return iter(
            [ObjectInfo(it.key, it.size) for it in seen.values() if it.key.startswith(start)]
        )

    def size(self, key: str) -> int:
        """See `Store.size`."""
        return self._find(key).size

    def read(self, key: str, offset: int = 0, length: int | None = None) -> bytes:
        """See `Store.read`."""
        version = self._find(key)
        if length == 0 or offset >= version.size:
            return b""
        end = version.size if length is None else min(offset + length, version.size)
        name = self._store.name_of(key)
        return self._store.read_name(key, name, offset, end - offset, version=version.version)

    def write(self, key: str, data: Buffer) -> None:
        """Refuse: the past cannot be written."""
        del data
        raise self._read_only(validate_key(key))

    def delete(self, key: str) -> None:
        """Refuse: the past cannot be changed."""
        raise self._read_only(validate_key(key))

    def _find(self, key: str) -> Version:
        top, slash, _ = validate_key(key).partition("/")
        version = self._see(top if slash else "").get(key)
        if version is None:
            raise ObjectNotFoundError("{key} is not in {place}", key=key, place=self.location)
        return version

    def _see(self, folder: str) -> dict[str, Version]:
        """Give what was there of a folder, looked up once: the past does not change."""
        top = folder.partition("/")[0]
        with self._lock:
            if top not in self._folders:
                self._folders[top] = dict(self._look(top))
            return self._folders[top]

    def _look(self, folder: str) -> Iterator[tuple[str, Version]]:
        if folder == "locks":
            return  # whoever held one then holds none now
        by_key: dict[str, list[Version]] = {}
        for version in list_versions(self._store, folder):
            by_key.setdefault(version.key, []).append(version)
        for key, versions in by_key.items():
            chosen = choose_at(versions, self._at)
            if chosen is not None:
                yield key, chosen

    def _read_only(self, key: str) -> StoreReadOnlyError:
        return StoreReadOnlyError(
            "cannot write {key} to {place}",
            why="the past can only be read",
            data="nothing was changed",
            next_step="leave out --at",
            key=key,
            place=self.location,
        )


@dataclass(frozen=True, slots=True)
class Purge:
    """What became of superseded versions.

    Attributes:
        removed: Versions and markers that are gone.
        removed_bytes: Their bytes.
        locked: Versions whose time is not up.
        locked_until: When the last of them is free; None without any.
        odd: Keys that show other bytes than a version beneath them: somebody overwrote them, so
            every version of theirs stays.
        denied: Versions that our credential may not remove.
    """

    removed: int = 0
    removed_bytes: int = 0
    locked: int = 0
    locked_until: datetime | None = None
    odd: tuple[str, ...] = ()
    denied: int = 0

    def joined(self, other: "Purge") -> "Purge":
        """Give both together."""
        moments = [it for it in (self.locked_until, other.locked_until) if it is not None]
        return Purge(
            self.removed + other.removed,
            self.removed_bytes + other.removed_bytes,
            self.locked + other.locked,
            max(moments, default=None),
            self.odd + other.odd,
            self.denied + other.denied,
        )


def purge_superseded(store: S3Store, *, now: datetime | None = None) -> Purge:
    """Remove the versions that nobody sees any more, once the promise to keep them is over.

    A key that shows bytes is left alone where a version beneath differs, since one of the two is
    what the name promises. A marker goes when nothing lies beneath it.

    Raises:
        StoreError: The store failed; the next run goes on.
    """
    by_key: dict[str, list[Version]] = {}
    for version in list_versions(store, ""):
        by_key.setdefault(version.key, []).append(version)
    purge_key = partial(_purge_key, store, now or datetime.now(UTC))
    parts = do_each(purge_key, [it for _, it in sorted(by_key.items())], threads=_THREADS)
    return reduce(Purge.joined, parts, Purge())


def _purge_key(store: S3Store, now: datetime, versions: list[Version]) -> Purge:
    shown = next((it for it in versions if it.is_latest and not it.is_marker), None)
    beneath = [it for it in versions if not it.is_latest and not it.is_marker]
    if shown is not None and any(it.etag != shown.etag for it in beneath):
        return Purge(odd=(shown.key,))
    purge = reduce(Purge.joined, (_remove(store, now, it) for it in beneath), Purge())
    left = len(beneath) - purge.removed
    markers = (it for it in versions if it.is_marker and not (left and it.is_latest))
    return reduce(Purge.joined, (_remove(store, now, it) for it in markers), purge)


def try_to_remove(store: S3Store, key: str) -> str | None:
    """Try to remove an object for good, as somebody with our credential would.

    The version itself is asked for, past a lock that some may pass over: a plain delete only hides
    what a bucket with versions holds, and proves nothing.

    Returns:
        What the server said against it; None where the object is gone.

    Raises:
        ObjectNotFoundError: There is no such object.
        StoreError: The server could not be asked.
    """
    found = [it for it in list_versions(store, key.rpartition("/")[0]) if it.key == key]
    shown = next((it for it in found if it.is_latest and not it.is_marker), None)
    if shown is None:
        raise ObjectNotFoundError("{key} is not in {place}", key=key, place=store.location)
    try:
        with translated(_CANNOT_REMOVE, key=key, place=store.location):
            store.client.delete_object(**_named(store, shown), BypassGovernanceRetention=True)
    except StoreDeniedError as error:
        return str(error)
    return None


def _remove(store: S3Store, now: datetime, version: Version) -> Purge:
    which = _named(store, version)
    telling = partial(translated, _CANNOT_REMOVE, key=version.key, place=store.location)
    if not version.is_marker:
        with telling():
            answer: Mapping[str, Any] = store.client.head_object(**which)
        until = answer.get("ObjectLockRetainUntilDate")
        if until is not None and until > now:
            return Purge(locked=1, locked_until=until)
    try:
        with telling():
            store.client.delete_object(**which)
    except StoreDeniedError:
        return Purge(denied=1)
    return Purge(removed=1, removed_bytes=version.size)


def _named(store: S3Store, version: Version) -> dict[str, Any]:
    name = store.name_of(version.key)
    return {"Bucket": store.bucket, "Key": name, "VersionId": version.version}
