"""A store that tries again what may work when tried again.

Only `StoreUnavailableError` is repeated; where a person waits, they read why (`PATIENCE`). An
attempt that failed may still have taken effect, so a repeated write that finds its own bytes
already there is done, and so is a repeated delete that finds nothing. Everything permanent passes
at once.
"""

import contextlib
import random
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar

from backup.errors import (
    ObjectExistsError,
    ObjectNotFoundError,
    StoreError,
    StoreUnavailableError,
    StoreUnreachedError,
)
from backup.stores.base import Buffer, ObjectInfo, Store
from backup.stores.object_lock import Promises, promises_of

Result = TypeVar("Result")


def _say_nothing(_error: StoreUnavailableError, _seconds: float) -> None: ...


@dataclass(slots=True)
class Patience:
    """How this process waits for stores.

    Attributes:
        tell: Told before each pause why, and how many seconds it lasts.
        ends_early: Whether a store that was not reached once is given up at the first try: then a
            mistyped address is likelier than a server that just restarts.
    """

    tell: Callable[[StoreUnavailableError, float], object] = _say_nothing
    ends_early: bool = False


PATIENCE = Patience()
"""Whoever starts a process for a person sets it; others wait long and say nothing."""


class RetryingStore:
    """Repeats calls to another store, with pauses that double and are spread at random."""

    def __init__(
        self,
        store: Store,
        *,
        attempts: int = 6,
        first_pause: timedelta = timedelta(seconds=0.5),
        longest_pause: timedelta = timedelta(seconds=60),
        sleep: Callable[[float], object] = time.sleep,
        spread: Callable[[], float] = random.random,
    ) -> None:
        """Wrap `store`.

        Args:
            store: Where the calls go.
            attempts: How often a call is tried in all, at least once.
            first_pause: Before the second attempt; doubles with each attempt that follows.
            longest_pause: No pause grows beyond this.
            sleep: Waits the given seconds.
            spread: Gives a number from 0 to 1; a pause is cut to 50 to 100 % of its length by it,
                lest many workers come back in the same instant.
        """
        self.inner = self._store = store
        self._attempts = max(1, attempts)
        self._first_pause = first_pause.total_seconds()
        self._longest_pause = longest_pause.total_seconds()
        self._sleep = sleep
        self._spread = spread
        self._was_reached = False

    @property
    def location(self) -> str:
        """Where the wrapped store is."""
        return self._store.location

    def list(self, prefix: str) -> Iterator[ObjectInfo]:
        """See `Store.list`. The listing is complete before its first entry is given."""
        return iter(self._repeat(lambda _: tuple(self._store.list(prefix))))

    def size(self, key: str) -> int:
        """See `Store.size`."""
        return self._repeat(lambda _: self._store.size(key))

    def read(self, key: str, offset: int = 0, length: int | None = None) -> bytes:
        """See `Store.read`."""
        return self._repeat(lambda _: self._store.read(key, offset, length))

    def write(self, key: str, data: Buffer) -> None:
        """See `Store.write`."""

        def write_once(attempt: int) -> None:
            try:
                self._store.write(key, data)
            except ObjectExistsError:
                if attempt == 1 or not self._holds(self, key, data):
                    raise

        try:
            self._repeat(write_once)
        except StoreUnavailableError:
            with contextlib.suppress(StoreError):
                if self._holds(self._store, key, data):
                    return
            raise

    def delete(self, key: str) -> None:
        """See `Store.delete`."""

        def delete_once(attempt: int) -> None:
            try:
                self._store.delete(key)
            except ObjectNotFoundError:
                if attempt == 1:
                    raise

        self._repeat(delete_once)

    @property
    def promises(self) -> bool:
        """See `backup.stores.object_lock.Promises`: whether the wrapped store does."""
        return promises_of(self.inner) is not None

    def locked_until(self, key: str) -> datetime | None:
        """See `Promises.locked_until`."""
        promises = self._promises()
        return self._repeat(lambda _: promises.locked_until(key))

    def renew(self, keys: Iterable[str]) -> None:
        """See `Promises.renew`; those that were renewed are not renewed again."""
        promises, wanted = self._promises(), list(keys)
        self._repeat(lambda _: promises.renew(wanted))

    def _promises(self) -> Promises:
        promises = promises_of(self.inner)
        if promises is None:
            raise StoreError("{place} makes no promises", place=self.location)
        return promises

    def _repeat(self, call: Callable[[int], Result]) -> Result:
        """Call until it works or the attempts are used up; `call` is told which attempt it is."""
        for attempt in range(1, self._attempts):
            try:
                return self._try(call, attempt)
            except StoreUnavailableError as error:
                if isinstance(error, StoreUnreachedError) and self._ends_early:
                    raise
                pause = self._pause_after(attempt)
                PATIENCE.tell(error, pause)
                self._sleep(pause)
        try:
            return self._try(call, self._attempts)
        except StoreUnavailableError as error:
            error.why = f"{error.why} ({{tries}} tries)".lstrip()
            error.params["tries"] = self._attempts
            raise

    @property
    def _ends_early(self) -> bool:
        return PATIENCE.ends_early and not self._was_reached

    def _try(self, call: Callable[[int], Result], attempt: int) -> Result:
        try:
            result = call(attempt)
        except StoreUnreachedError:
            raise
        except StoreError:
            self._was_reached = True
            raise
        self._was_reached = True
        return result

    def _pause_after(self, attempt: int) -> float:
        pause = min(self._longest_pause, self._first_pause * 2.0 ** min(attempt - 1, 64))
        return pause * (1 + self._spread()) / 2

    @staticmethod
    def _holds(store: Store, key: str, data: Buffer) -> bool:
        """Tell whether the store has just these bytes under the key."""
        size = memoryview(data).nbytes
        return store.size(key) == size and store.read(key, 0, size + 1) == data
