"""What a backup of files leaves out: patterns, sizes, marked folders."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from backup.sources.source import FilterNames, IsExcluded

if TYPE_CHECKING:  # most backups leave nothing out, and then need not load how
    from backup.patterns.markers import Marker
    from backup.patterns.patterns import Patterns


@dataclass(frozen=True, slots=True)
class Exclusion:
    """What to leave out.

    Attributes:
        patterns: Of paths; what matches goes, with everything below; None for none.
        largest: Files above this many bytes go; None for no limit.
        markers: Files that mark their folder as not worth saving.
    """

    patterns: Patterns | None = None
    largest: int | None = None
    markers: tuple[Marker, ...] = ()

    @property
    def key(self) -> str:
        """Text that changes whenever decisions may; for the scan cache."""
        patterns = self.patterns
        texts = None if patterns is None else (patterns.sensitive, patterns.insensitive)
        return repr((texts, self.largest, self.markers))

    def texts(self) -> tuple[str, ...]:
        """Give the patterns as a snapshot names them, those that ignore case left out."""
        return tuple(map(os.fsdecode, self.patterns.sensitive if self.patterns else ()))

    def path_test(self) -> IsExcluded | None:
        """Give the test of single entries, None where nothing would fail it."""
        match = self.patterns.match if self.patterns else None
        largest = self.largest
        if largest is None:
            return None if match is None else lambda path, _status: match(path)

        def is_excluded(path: bytes, status: os.stat_result) -> bool:
            is_too_large = stat.S_ISREG(status.st_mode) and status.st_size > largest
            return is_too_large or (match is not None and match(path))

        return is_excluded

    def name_filter(self, on_doubt: Callable[[bytes, Marker], None]) -> FilterNames | None:
        """Give the filter of a folder's names, None without markers.

        Args:
            on_doubt: Told of a marker that is there but does not read as one, with its folder.
        """
        if not self.markers:
            return None
        from backup.patterns.markers import decide_marking

        def keep(folder: bytes, descriptor: int, names: list[bytes]) -> list[bytes]:
            marking = decide_marking(
                self.markers, names, lambda name, count: _read_start(descriptor, name, count)
            )
            for marker in marking.doubtful:
                on_doubt(folder, marker)
            return (
                [name for name in names if name in marking.survivors]
                if marking.is_marked
                else names
            )

        return keep


def _read_start(folder: int, name: bytes, count: int) -> bytes:
    descriptor = os.open(
        name, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=folder
    )
    try:
        return os.read(descriptor, count)
    finally:
        os.close(descriptor)
