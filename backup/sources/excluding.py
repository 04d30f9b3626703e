"""What a backup of files leaves out: patterns, sizes, marked folders."""

import os
import stat
from collections.abc import Callable
from dataclasses import dataclass

from backup.markers import Marker, decide_marking
from backup.patterns import NO_PATTERNS, Patterns
from backup.sources.files import FilterNames, IsExcluded


@dataclass(frozen=True, slots=True)
class Exclusion:
    """What to leave out.

    Attributes:
        patterns: Of paths; what matches goes, with everything below.
        largest: Files above this many bytes go; None for no limit.
        markers: Files that mark their folder as not worth saving.
    """

    patterns: Patterns = NO_PATTERNS
    largest: int | None = None
    markers: tuple[Marker, ...] = ()

    @property
    def key(self) -> str:
        """Text that changes whenever decisions may; for the scan cache."""
        parts = (self.patterns.sensitive, self.patterns.insensitive, self.largest, self.markers)
        return repr(parts)

    def path_test(self) -> IsExcluded | None:
        """Give the test of single entries, None where nothing would fail it."""
        patterns, largest = self.patterns, self.largest
        if largest is None:
            return (lambda path, _status: patterns.match(path)) if patterns else None

        def is_excluded(path: bytes, status: os.stat_result) -> bool:
            is_file = stat.S_ISREG(status.st_mode)
            return (is_file and status.st_size > largest) or patterns.match(path)

        return is_excluded

    def name_filter(self, on_doubt: Callable[[bytes, Marker], None]) -> FilterNames | None:
        """Give the filter of a folder's names, None without markers.

        Args:
            on_doubt: Told of a marker that is there but does not read as one, with its folder.
        """
        if not self.markers:
            return None

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
