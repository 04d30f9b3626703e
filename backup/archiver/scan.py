"""How much there is to back up, counted beside a first backup for whoever watches it.

A thread of its own lists the sources as the walk will, and reads nothing. Later backups need none:
the previous snapshot says how much there was.
"""

import os
import stat
import threading
from collections.abc import Sequence
from contextlib import suppress
from typing import NamedTuple

from backup.sources.local.read import list_folder, open_folder
from backup.sources.source import FolderSource


class Amount(NamedTuple):
    """What is to be backed up.

    Attributes:
        files: Regular files.
        bytes: Their sizes.
    """

    files: int
    bytes: int


class Scan:
    """Counts sources.

    Attributes:
        amount: What was counted; None until all of it is.
    """

    def __init__(self, sources: Sequence[FolderSource]) -> None:
        """Begin."""
        self.amount: Amount | None = None
        self._files = self._bytes = 0
        self._is_closed = False
        self._sources = sources
        self._thread = threading.Thread(target=self._run, name="scan", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop, wherever it is."""
        self._is_closed = True
        self._thread.join()

    def _run(self) -> None:
        for source in self._sources:
            with suppress(OSError):  # whoever reads it will tell
                self._count(source)
        if not self._is_closed:
            self.amount = Amount(self._files, self._bytes)

    def _count(self, source: FolderSource) -> None:
        status = os.lstat(source.path)
        self._add(status)
        if source.is_mount_point or not stat.S_ISDIR(status.st_mode):
            return
        folders = [(os.path.abspath(source.path), status.st_dev)]
        while folders and not self._is_closed:
            path, device = folders.pop()
            with suppress(OSError):
                folders += self._count_folder(source, path, device)

    def _count_folder(
        self, source: FolderSource, path: bytes, device: int
    ) -> list[tuple[bytes, int]]:
        """Count one folder's files; gives its subfolders that are entered, with their devices."""
        descriptor = open_folder(path)
        try:
            found = list_folder(descriptor, lambda _name, _error: None)
            found = source.select(path, descriptor, found)
        finally:
            os.close(descriptor)
        below = []
        for name, status in found:
            self._add(status)
            if stat.S_ISDIR(status.st_mode):
                inner = os.path.join(path, name)
                if source.enters(inner, status, device):
                    below.append((inner, status.st_dev))
        return below

    def _add(self, status: os.stat_result) -> None:
        if stat.S_ISREG(status.st_mode):
            self._files += 1
            self._bytes += status.st_size
