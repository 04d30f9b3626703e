"""How many bytes may flow when: rates by part of the day, and a bucket that processes share.

Pure but for the buckets, and those hold nothing but two numbers.
"""

import fcntl
import os
import struct
import threading
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:  # costs two milliseconds, and only a plan with windows needs it
    from zoneinfo import ZoneInfo

_MINUTES_A_DAY = 1440
_TWO_NUMBERS = struct.Struct("<dd")


class RateWindow(NamedTuple):
    """A part of the day with a rate of its own.

    Attributes:
        start: Minute of the day it begins.
        end: Minute of the day it ends; before `start` where it spans midnight.
        bytes_per_second: The rate; None for no limit.
    """

    start: int
    end: int
    bytes_per_second: float | None

    def holds(self, minute: int) -> bool:
        """Whether a minute of the day lies in it."""
        if self.start <= self.end:
            return self.start <= minute < self.end
        return minute >= self.start or minute < self.end


@dataclass(frozen=True)
class RatePlan:
    """The rate at every moment.

    Attributes:
        default: Bytes a second outside all windows; None for no limit.
        windows: Parts of the day, the first that fits counts.
        zone: Name of the time zone whose day that is.
    """

    default: float | None
    windows: tuple[RateWindow, ...] = ()
    zone: str = "UTC"

    def __post_init__(self) -> None:
        for rate in (self.default, *(window.bytes_per_second for window in self.windows)):
            if rate is not None and rate <= 0:
                raise ValueError(f"a rate of {rate} bytes a second lets nothing through")

    @property
    def is_unlimited(self) -> bool:
        """Whether there never is a limit."""
        return self.default is None and all(it.bytes_per_second is None for it in self.windows)

    @cached_property
    def _zone(self) -> "ZoneInfo":
        from zoneinfo import ZoneInfo

        return ZoneInfo(self.zone)

    def at(self, when: float) -> tuple[float | None, float]:
        """Give the rate at a moment, and the seconds until it may be another.

        Args:
            when: Seconds since the epoch.
        """
        if not self.windows:
            return self.default, float("inf")
        local = datetime.fromtimestamp(when, self._zone)
        minute = local.hour * 60 + local.minute
        rate = next((it.bytes_per_second for it in self.windows if it.holds(minute)), self.default)
        edges = {edge for it in self.windows for edge in (it.start, it.end)}
        ahead = min((edge - minute - 1) % _MINUTES_A_DAY + 1 for edge in edges)
        into_minute = timedelta(seconds=local.second, microseconds=local.microsecond)
        return rate, max(ahead * 60 - into_minute.total_seconds(), 0.001)

    def saved_after(self, saved: float, start: float, end: float) -> float:
        """Give what is saved at `end`, at most one second's worth of the rate then.

        Args:
            saved: Bytes saved at `start`; below zero where more was taken than covered.
            start: Seconds since the epoch.
            end: The same, not before.
        """
        while start < end:
            rate, left = self.at(start)
            if rate is None:
                saved = max(saved, 0.0)
            else:
                saved = min(rate, saved + rate * min(left, end - start))
            start += left
        rate, _ = self.at(end)
        return max(saved, 0.0) if rate is None else min(saved, rate)

    def seconds_to_cover(self, debt: float, start: float) -> float:
        """Give how long it takes until so many bytes are covered.

        Args:
            debt: Bytes.
            start: Seconds since the epoch.
        """
        when = start
        while debt > 0:
            rate, left = self.at(when)
            if rate is None:
                break
            if debt <= rate * left:
                return when + debt / rate - start
            debt -= rate * left
            when += left
        return when - start

    def divided(self, share: int) -> "RatePlan":
        """Give an even part of all rates."""
        windows = tuple(
            it._replace(bytes_per_second=it.bytes_per_second and it.bytes_per_second / share)
            for it in self.windows
        )
        return RatePlan(self.default and self.default / share, windows, self.zone)

    def pack(self) -> tuple[Any, ...]:
        """Give it as plain values, for another process."""
        return self.default, tuple(tuple(window) for window in self.windows), self.zone

    @classmethod
    def unpack(cls, packed: tuple[Any, ...]) -> "RatePlan":
        """Make it from `pack`."""
        default, windows, zone = packed
        return cls(default, tuple(RateWindow(*window) for window in windows), zone)


class BucketState:
    """What a bucket remembers.

    Attributes:
        saved: Bytes; below zero where more was taken than covered.
        checked_at: When that was so, in seconds since the epoch; 0 for never.
    """

    def __init__(self, saved: float, checked_at: float) -> None:
        self.saved = saved
        self.checked_at = checked_at


class SharedBucket:
    """A bucket in a file, for all threads and processes that open it."""

    def __init__(self, path: str | None = None) -> None:
        """Open one.

        Args:
            path: The file, made where missing; None for one that goes with this process. That is
                a file too: what only this process has open, its workers could not reach.

        Raises:
            OSError: The file cannot be opened.
        """
        if path is None:
            import tempfile  # rarely wanted, and takes a while to load

            self._descriptor, self.path = tempfile.mkstemp(prefix="giucong-bucket-")
            weakref.finalize(self, os.unlink, self.path)
        else:
            self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            self.path = path
        self._threads = threading.Lock()
        weakref.finalize(self, os.close, self._descriptor)

    @contextmanager
    def hold(self) -> Iterator[BucketState]:
        """Give the state, for this caller alone, and keep what is made of it."""
        with self._threads:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX)
            try:
                stored = os.pread(self._descriptor, _TWO_NUMBERS.size, 0)
                numbers = (0.0, 0.0)
                if len(stored) == _TWO_NUMBERS.size:
                    numbers = _TWO_NUMBERS.unpack(stored)
                state = BucketState(*numbers)
                yield state
                numbers = (state.saved, state.checked_at)
                os.pwrite(self._descriptor, _TWO_NUMBERS.pack(*numbers), 0)
            finally:
                fcntl.flock(self._descriptor, fcntl.LOCK_UN)
