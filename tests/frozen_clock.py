"""A clock for tests that moves only when it is told to."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta


@dataclass(slots=True)
class FrozenClock:
    """A clock that stands still until it is told otherwise.

    Attributes:
        wall: What `now` gives; aware.
        elapsed_seconds: What `steady` gives.
    """

    wall: datetime
    elapsed_seconds: float = field(default=0.0)

    def now(self) -> datetime:
        """Give the moment it was set to, in UTC."""
        return self.wall.astimezone(UTC)

    def steady(self) -> float:
        """Give the seconds it was advanced by."""
        return self.elapsed_seconds

    def advance(self, duration: timedelta) -> None:
        """Let time pass on both clocks."""
        self.wall += duration
        self.elapsed_seconds += duration.total_seconds()

    def jump(self, duration: timedelta) -> None:
        """Set the wall clock forward or back, as a person or a time server does."""
        self.wall += duration
