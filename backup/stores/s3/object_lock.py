"""Object Lock: a bucket's promise, object by object, not to delete what was written.

The bucket itself needs no default; it must only be made with Object Lock. Objects of a repository
are written with a time until which they stay, locks never are. A promise is made longer, never
shorter.
"""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Literal

from backup.stores.base import validate_key
from backup.stores.object_lock import LOCKABLE, locked_error
from backup.stores.s3.errors import translated
from backup.stores.s3.settings import S3Settings
from backup.stores.s3.store import S3Store
from backup.workers.threads import do_each

_CANNOT_LOOK = "cannot see until when {key} in {place} is locked"
_CANNOT_RENEW = "cannot lock {key} in {place}"
_THREADS = 8
_REPLACED = ("index/", "keys/")


class LockingS3Store(S3Store):
    """An S3 store whose objects are locked for a while."""

    def __init__(self, settings: S3Settings) -> None:
        """Set up; `settings.lock_mode` says how, `lock_seconds` and `renew_below` how long."""
        super().__init__(settings)
        self._new = timedelta(seconds=settings.lock_seconds)
        self._least = timedelta(seconds=settings.renew_below)

    @property
    def promises(self) -> bool:
        """See `Promises.promises`."""
        return True

    def locked_until(self, key: str) -> datetime | None:
        """See `Promises.locked_until`."""
        name = self.name_of(validate_key(key))
        with translated(_CANNOT_LOOK, key=key, place=self.location):
            return _locked_until(self.line.ask("HEAD", name).headers)

    def renew(self, keys: Iterable[str]) -> None:
        """See `Promises.renew`."""
        for _ in do_each(self._renew, keys, threads=_THREADS):
            pass

    def _renew(self, key: str) -> None:
        now = datetime.now(UTC)
        until = self.locked_until(key)
        if until is not None and until >= now + self._least:
            return
        with translated(_CANNOT_RENEW, key=key, place=self.location):
            self.client.put_object_retention(
                Bucket=self.bucket,
                Key=self.name_of(key),
                Retention={"Mode": self._mode, "RetainUntilDate": now + self._new},
            )

    def _allow_delete(self, key: str, headers: Mapping[str, str]) -> None:
        """Refuse to delete what is promised to stay, rather than hide it.

        Index files and key files are the exception: those that replace them must be the only ones
        seen, so they are hidden, and their locked version stays until its time is up.

        Raises:
            ObjectLockedError: It is promised to stay; `params` says until when.
        """
        if key.startswith(LOCKABLE) and not key.startswith(_REPLACED):
            until = _locked_until(headers)
            if until is not None:
                raise locked_error(key, self.location, until)

    def _promise(self, key: str) -> dict[str, str]:
        if not key.startswith(LOCKABLE):
            return {}
        until = datetime.now(UTC) + self._new
        return {
            "x-amz-object-lock-mode": self._mode,
            "x-amz-object-lock-retain-until-date": f"{until:%Y-%m-%dT%H:%M:%SZ}",
        }

    @property
    def _mode(self) -> Literal["COMPLIANCE", "GOVERNANCE"]:
        return "COMPLIANCE" if self.settings.lock_mode == "compliance" else "GOVERNANCE"


def _locked_until(headers: Mapping[str, str]) -> datetime | None:
    """Read until when an object is locked yet; most answers do not say it."""
    text = headers.get("x-amz-object-lock-retain-until-date")
    until = datetime.fromisoformat(text) if text else None
    return until if until is not None and until > datetime.now(UTC) else None
