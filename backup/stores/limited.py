"""A store that keeps to a bandwidth (`--limit-upload`, `--limit-download`)."""

import threading
import time
from collections.abc import Callable, Iterator

from backup.stores.base import Buffer, ObjectInfo, Store

_UNDELAYED = "locks/"


class Allowance:
    """A token bucket: so many bytes a second, and at most one second's worth saved up.

    Several threads share one bucket; each waits until what it takes, and all that was taken before,
    is covered. Thus the rate holds over any span, even where single objects are far larger than a
    second's worth.
    """

    def __init__(
        self,
        bytes_per_second: float | None,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        """Start with a full bucket.

        Args:
            bytes_per_second: The rate, above zero; None for no limit.
            clock: Seconds that never go back.
            sleep: Waits the given seconds.
        """
        if bytes_per_second is not None and bytes_per_second <= 0:
            raise ValueError(f"a rate of {bytes_per_second} bytes a second lets nothing through")
        self._rate = bytes_per_second
        self._clock = clock
        self._sleep = sleep
        self._lock = threading.Lock()
        self._saved = bytes_per_second or 0.0
        self._checked_at = clock()

    def take(self, count: int, *, wait: bool = True) -> None:
        """Take `count` bytes from the bucket, and wait until they are covered.

        With `wait` false the bytes are only charged; those who come later wait for them.
        """
        if self._rate is None:
            return
        with self._lock:
            now = self._clock()
            self._saved = min(self._rate, self._saved + (now - self._checked_at) * self._rate)
            self._checked_at = now
            self._saved -= count
            pause = -self._saved / self._rate
        if wait and pause > 0:
            self._sleep(pause)


class LimitedStore:
    """Delays the calls to another store so that bytes flow no faster than allowed.

    Whole objects are delayed, not the bytes within: each object goes at full speed, and pauses lie
    between them. Locks never wait, since one that goes stale in the queue behind large packs does
    more harm than a few hundred bytes too early; they are charged all the same.

    Attributes:
        inner: The wrapped store.
        upload_rate: Bytes a second, or None.
        download_rate: Bytes a second, or None.
    """

    def __init__(
        self,
        store: Store,
        *,
        upload_bytes_per_second: float | None = None,
        download_bytes_per_second: float | None = None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        """Wrap `store`; None means no limit. `clock` and `sleep` are as for `Allowance`."""
        self.inner = self._store = store
        self.upload_rate = upload_bytes_per_second
        self.download_rate = download_bytes_per_second
        self._upload = Allowance(upload_bytes_per_second, clock=clock, sleep=sleep)
        self._download = Allowance(download_bytes_per_second, clock=clock, sleep=sleep)

    @property
    def location(self) -> str:
        """Where the wrapped store is."""
        return self._store.location

    def list(self, prefix: str) -> Iterator[ObjectInfo]:
        """See `Store.list`; listings are not counted."""
        return self._store.list(prefix)

    def size(self, key: str) -> int:
        """See `Store.size`."""
        return self._store.size(key)

    def read(self, key: str, offset: int = 0, length: int | None = None) -> bytes:
        """See `Store.read`."""
        data = self._store.read(key, offset, length)
        self._download.take(len(data), wait=not key.startswith(_UNDELAYED))
        return data

    def write(self, key: str, data: Buffer) -> None:
        """See `Store.write`."""
        self._upload.take(memoryview(data).nbytes, wait=not key.startswith(_UNDELAYED))
        self._store.write(key, data)

    def delete(self, key: str) -> None:
        """See `Store.delete`."""
        self._store.delete(key)
