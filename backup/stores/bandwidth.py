"""A store that keeps to a bandwidth: `--limit-upload`, `--limit-download`, limits by the hour."""

import time
from collections.abc import Callable, Iterator

from backup.stores.bandwidth_plan import RatePlan, SharedBucket
from backup.stores.base import Buffer, ObjectInfo, Store

_UNDELAYED = "locks/"


class Allowance:
    """A token bucket: so many bytes a second, and at most one second's worth saved up.

    All threads and processes that share the bucket wait until what they take, and all that was
    taken before, is covered. Thus the rate holds over any span, even where single objects are far
    larger than a second's worth, or where the rate changes while somebody waits.

    Attributes:
        plan: The rates.
        bucket: What is shared.
    """

    def __init__(
        self,
        plan: RatePlan | float | None,
        *,
        bucket: SharedBucket | None = None,
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        """Set up; a bucket that nobody used yet is full.

        Args:
            plan: The rates; or one, in bytes a second; None for no limit.
            bucket: Shared with others; None for one of its own.
            clock: Seconds since the epoch.
            sleep: Waits the given seconds.
        """
        self.plan = plan if isinstance(plan, RatePlan) else RatePlan(plan)
        self.bucket = bucket
        if bucket is None and not self.plan.is_unlimited:
            self.bucket = SharedBucket()
        self._clock = clock
        self._sleep = sleep

    def take(self, count: int, *, wait: bool = True) -> None:
        """Take `count` bytes from the bucket, and wait until they are covered.

        With `wait` false the bytes are only charged; those who come later wait for them.
        """
        if self.bucket is None or self.plan.is_unlimited:
            return
        with self.bucket.hold() as state:
            now = self._clock()
            if not state.checked_at:
                state.saved = self.plan.at(now)[0] or 0.0
            elif now > state.checked_at:
                state.saved = self.plan.saved_after(state.saved, state.checked_at, now)
            state.checked_at = now
            state.saved -= count
            pause = self.plan.seconds_to_cover(-state.saved, now)
        if wait and pause > 0:
            self._sleep(pause)


class LimitedStore:
    """Delays the calls to another store so that bytes flow no faster than allowed.

    Whole objects are delayed, not the bytes within: each object goes at full speed, and pauses lie
    between them. Locks never wait, since one that goes stale in the queue behind large packs does
    more harm than a few hundred bytes too early; they are charged all the same.

    Attributes:
        inner: The wrapped store.
        upload: What may go there.
        download: What may come from there.
    """

    def __init__(
        self,
        store: Store,
        *,
        upload_bytes_per_second: float | None = None,
        download_bytes_per_second: float | None = None,
        allowances: tuple[Allowance, Allowance] | None = None,
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        """Wrap `store`.

        Args:
            store: Where the calls go.
            upload_bytes_per_second: None means no limit.
            download_bytes_per_second: As above.
            allowances: For upload and download, perhaps shared, instead of these.
            clock: As for `Allowance`.
            sleep: As for `Allowance`.
        """
        self.inner = self._store = store
        self.upload, self.download = allowances or (
            Allowance(upload_bytes_per_second, clock=clock, sleep=sleep),
            Allowance(download_bytes_per_second, clock=clock, sleep=sleep),
        )

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
        self.download.take(len(data), wait=not key.startswith(_UNDELAYED))
        return data

    def write(self, key: str, data: Buffer) -> None:
        """See `Store.write`."""
        self.upload.take(memoryview(data).nbytes, wait=not key.startswith(_UNDELAYED))
        self._store.write(key, data)

    def delete(self, key: str) -> None:
        """See `Store.delete`."""
        self._store.delete(key)
