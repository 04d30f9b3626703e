"""Room on the service's disk for what people send: so much for each of them, and a reserve for all.

What the service itself needs to go on, its catalog above all, lies on the same disk.
"""

import os
from contextlib import suppress
from pathlib import Path

from ops.terminal.exchange import MOST_BYTES, ExchangeError

OVERHEAD = 1_024
"""What is counted for each piece beside its bytes: an empty file takes room, too."""

_GIB = 1 << 30
_STEP = 128 << 20
_SHARE, _BLOCK = 4, 512  # a block as stat(2) counts them


class Room:
    """The room that one act may take; the others of the same person take it, too."""

    def __init__(self, folder: Path) -> None:
        """Take the act's folder, called `WHOSE-WHATEVER`, beside those of other acts."""
        self._folder = folder
        self._left = 0

    def take(self, size: int) -> None:
        """Take room for what is written next.

        Raises:
            ExchangeError: There is none: a person may hold a quarter of the disk, and no more than
                goes through the line at once; a gigabyte, or a quarter, stays free.
        """
        self._left -= size
        if self._left >= 0:
            return
        room = os.statvfs(self._folder)
        total, free = room.f_blocks * room.f_frsize, room.f_bavail * room.f_frsize
        may = min(
            min(MOST_BYTES, total // _SHARE) - self._held(),
            free - min(_GIB, total // _SHARE),
        )
        if size > may:
            raise ExchangeError(
                "there is no room for these files",
                why="{free} bytes are free; some stay so, and all that you send at a time counts",
                data="nothing that was there is changed",
                next_step="take less at a time, or wait until what you have begun has ended",
                free=free,
            )
        self._left = min(_STEP, may) - size

    def _held(self) -> int:
        """Give the bytes that this person's acts hold now."""
        whose = self._folder.name.partition("-")[0]
        held = 0
        for folder in self._folder.parent.glob(f"{whose}-*"):
            for place, folders, files in os.walk(folder):
                for name in (*folders, *files):
                    with suppress(OSError):  # sent and gone
                        held += Path(place, name).lstat().st_blocks * _BLOCK + OVERHEAD
        return held
