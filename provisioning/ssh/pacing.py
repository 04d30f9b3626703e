"""Holding what comes and goes over a channel to a bandwidth that others share."""

from collections.abc import Callable
from typing import Any

import paramiko

Pace = Callable[[int], None]
"""Told how many bytes have passed; returns when the next ones may."""

_PIECE = 1 << 18


class PacedChannel:
    """A channel whose bytes pass no faster than allowed; all else of it is as it was.

    What was received waits here, not there: once its window is full, the far end waits too. A
    piece is small enough that a thin line is never silent for long.
    """

    def __init__(self, channel: paramiko.Channel, pace: Pace) -> None:
        self._channel = channel
        self._pace = pace

    def recv(self, size: int) -> bytes:
        """Receive some bytes, and wait until they are covered."""
        data = self._channel.recv(min(size, _PIECE))
        self._pace(len(data))
        return data

    def sendall(self, data: bytes | memoryview) -> None:
        """Send all of it, piece by piece as it is covered."""
        left = memoryview(data).cast("B")
        for start in range(0, len(left), _PIECE):
            piece = left[start : start + _PIECE]
            self._pace(len(piece))
            self._channel.sendall(piece)  # type: ignore[arg-type]  # copies nothing

    def __getattr__(self, name: str) -> Any:
        return getattr(self._channel, name)
