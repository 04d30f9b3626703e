"""A store that fails as planned: the instrument of the fault campaign.

A plan is a list of faults. Each fault counts the calls that match it and strikes at the `at`-th::

    FaultyStore(store, [Fault(Effect.STOP_AFTER, at=7)])                      # dies after call 7
    FaultyStore(store, [Fault(Effect.FULL, method="write", at=3, times=None)])  # full for good
    FaultyStore(store, [Fault(Effect.FLIP_BIT, method="read", prefix="data/", position=4096)])
"""

import enum
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import KW_ONLY, dataclass
from datetime import timedelta
from typing import Literal, NamedTuple, NoReturn, TypeVar

from backup.errors import StoreFullError, StoreUnavailableError
from backup.stores.base import Buffer, ObjectInfo, Store

Method = Literal["list", "size", "read", "write", "delete"]
Result = TypeVar("Result")


class Stopped(BaseException):
    """The process is dead. Not an `Exception`, so that no handler of errors survives it."""


class Effect(enum.Enum):
    """What happens to a call."""

    STOP_BEFORE = enum.auto()
    """The process dies; the call never reaches the store."""
    STOP_AFTER = enum.auto()
    """The call takes effect, then the process dies."""
    FAIL_BEFORE = enum.auto()
    """The store is unavailable; the call has no effect."""
    FAIL_AFTER = enum.auto()
    """The call takes effect, but its answer is lost."""
    FULL = enum.auto()
    """No room left; the call has no effect."""
    FLIP_BIT = enum.auto()
    """A read gives one wrong bit, number `position` modulo what there are."""
    SHORT_READ = enum.auto()
    """A read gives its first `position` bytes only."""
    OMIT = enum.auto()
    """A listing lacks an entry, number `position` modulo what there are, in order of their keys."""
    DUPLICATE = enum.auto()
    """A listing gives that entry twice."""
    DELAY = enum.auto()
    """The call takes `delay` longer."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One planned fault; it counts only the calls that match `method` and `prefix`.

    Attributes:
        effect: What happens.
        at: The first matching call it happens to, counted from 1.
        times: To how many matching calls in a row it happens; None for all that follow.
        method: Which method; None for any.
        prefix: What the key (for a listing: the folder) starts with.
        position: Bit, byte count or entry, as `effect` says.
        delay: For `Effect.DELAY`.
    """

    effect: Effect
    _: KW_ONLY
    at: int = 1
    times: int | None = 1
    method: Method | None = None
    prefix: str = ""
    position: int = 0
    delay: timedelta = timedelta(0)

    def matches(self, call: "Call") -> bool:
        """Tell whether this fault counts the call."""
        return self.method in {None, call.method} and call.key.startswith(self.prefix)

    def strikes(self, number: int) -> bool:
        """Tell whether the matching call with this number, from 1, is hit."""
        return number >= self.at and (self.times is None or number < self.at + self.times)


class Call(NamedTuple):
    """One call that was made.

    Attributes:
        method: Name of the method.
        key: Its key, or the folder listed.
    """

    method: Method
    key: str


class FaultyStore:
    """Passes calls on to another store, records them, and fails as planned.

    Attributes:
        calls: Every call made while alive, in order; the one that died included.
    """

    def __init__(
        self,
        store: Store,
        plan: Sequence[Fault] = (),
        *,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        """Wrap `store`; with an empty plan nothing fails, and the calls are only recorded."""
        self.calls: list[Call] = []
        self._store = store
        self._plan = tuple(plan)
        self._counts = [0] * len(self._plan)
        self._sleep = sleep
        self._stopped = False
        self._lock = threading.Lock()

    @property
    def location(self) -> str:
        """Where the wrapped store is."""
        return self._store.location

    @property
    def is_stopped(self) -> bool:
        """Whether the process "died"; every later call then raises `Stopped`."""
        return self._stopped

    def list(self, prefix: str) -> Iterator[ObjectInfo]:
        """See `Store.list`. The whole listing is one call."""
        call = Call("list", prefix)
        faults = self._record(call)
        entries = sorted(self._run(call, faults, lambda: tuple(self._store.list(prefix))))
        for fault in faults if entries else ():
            position = fault.position % len(entries)
            if fault.effect is Effect.OMIT:
                del entries[position]
            elif fault.effect is Effect.DUPLICATE:
                entries.append(entries[position])
        return iter(entries)

    def size(self, key: str) -> int:
        """See `Store.size`."""
        call = Call("size", key)
        return self._run(call, self._record(call), lambda: self._store.size(key))

    def read(self, key: str, offset: int = 0, length: int | None = None) -> bytes:
        """See `Store.read`."""
        call = Call("read", key)
        faults = self._record(call)
        data = self._run(call, faults, lambda: self._store.read(key, offset, length))
        for fault in faults:
            if fault.effect is Effect.FLIP_BIT:
                data = flip_bit(data, fault.position)
            elif fault.effect is Effect.SHORT_READ:
                data = data[: fault.position]
        return data

    def write(self, key: str, data: Buffer) -> None:
        """See `Store.write`."""
        call = Call("write", key)
        self._run(call, self._record(call), lambda: self._store.write(key, data))

    def delete(self, key: str) -> None:
        """See `Store.delete`."""
        call = Call("delete", key)
        self._run(call, self._record(call), lambda: self._store.delete(key))

    def _record(self, call: Call) -> tuple[Fault, ...]:
        """Note the call, and find the faults that strike it."""
        with self._lock:
            if self._stopped:
                raise Stopped(call)
            self.calls.append(call)
            striking = []
            for place, fault in enumerate(self._plan):
                if fault.matches(call):
                    self._counts[place] += 1
                    if fault.strikes(self._counts[place]):
                        striking.append(fault)
            return tuple(striking)

    def _run(self, call: Call, faults: tuple[Fault, ...], action: Callable[[], Result]) -> Result:
        """Do what is to be done, with what strikes before and after it."""
        effects = {fault.effect for fault in faults}
        for fault in faults:
            if fault.effect is Effect.DELAY:
                self._sleep(fault.delay.total_seconds())
        if Effect.STOP_BEFORE in effects:
            self._stop(call)
        if Effect.FAIL_BEFORE in effects:
            raise _unavailable(call)
        if Effect.FULL in effects:
            raise StoreFullError("cannot {method} {key}: full as planned", **call._asdict())
        try:
            result = action()
        finally:  # "there is none" is an answer too
            if Effect.STOP_AFTER in effects:
                self._stop(call)
        if Effect.FAIL_AFTER in effects:
            raise _unavailable(call)
        return result

    def _stop(self, call: Call) -> NoReturn:
        self._stopped = True
        raise Stopped(call)


def flip_bit(data: bytes, position: int) -> bytes:
    """Give `data` with one bit turned: number `position` modulo their count; empty stays empty."""
    if not data:
        return data
    damaged = bytearray(data)
    byte, bit = divmod(position % (8 * len(data)), 8)
    damaged[byte] ^= 1 << bit
    return bytes(damaged)


def _unavailable(call: Call) -> StoreUnavailableError:
    return StoreUnavailableError("cannot {method} {key}: failed as planned", **call._asdict())
