"""Rolling scrub: read a root again and again, the longest unread first, some of it at a time.

A root has 256 shelves: the first two digits of its objects' paths. A run passes shelves, those
first whose last whole pass began longest ago, and ends at its limits in the middle of one; the next
run goes on there. So a state is small, whatever the size of the archive, and says for every byte
when it was read at the latest.
"""

import os
import time
from collections import deque
from collections.abc import Callable, Collection, Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import product
from pathlib import Path

import msgspec

from archive.fixity.reader import Look, Readers
from archive.ocfl.findings import Finding
from archive.ocfl.root import open_root
from archive.ocfl.validate import Verdict

SHELVES = tuple(f"{high}{low}" for high, low in product("0123456789abcdef", repeat=2))
_MOST_TOLD = 10_000


class ScrubState(msgspec.Struct, frozen=True):
    """How far the scrub of one copy is; whoever calls keeps it.

    Attributes:
        since: When this copy was made or first seen; nothing of it was verified before.
        passed: Shelf → when its last whole pass began.
        shelf, cursor, began: The shelf that a run ended in, the last object read there, and when
            the pass of it began; empty and None otherwise.
    """

    since: datetime
    passed: dict[str, datetime] = {}
    shelf: str = ""
    cursor: str = ""
    began: datetime | None = None

    def passed_at(self, shelf: str) -> datetime:
        """Say when a shelf was last known to be whole."""
        return self.passed.get(shelf, self.since)

    @property
    def oldest(self) -> datetime:
        """Since when the byte that was not read for the longest time is unverified."""
        return min(map(self.passed_at, SHELVES))


@dataclass(frozen=True, slots=True)
class ScrubLimits:
    """How much a run may do; None is all.

    Attributes:
        objects, size, seconds: That were read, or went by.
        fresh_since: Shelves that were passed after that need not be; one that never was is. At
            least one object is read all the same. None: every shelf is passed.
        workers: Processes that read.
    """

    objects: int | None = None
    size: int | None = None
    seconds: float | None = None
    fresh_since: datetime | None = None
    workers: int = 2


@dataclass(slots=True)
class ScrubReport:
    """What a run saw.

    Attributes:
        objects, files, size: Read.
        damaged: Verdicts of objects that are not what they were, missing ones included.
        wavered: Paths of objects that were bad once and good when read again.
        refused: Paths of objects that this process may not read, with the reason.
        damaged_count: How many are damaged; `damaged` has so many at most.
    """

    objects: int = 0
    files: int = 0
    size: int = 0
    damaged_count: int = 0
    damaged: list[Verdict] = field(default_factory=list)
    wavered: list[str] = field(default_factory=list)
    refused: list[tuple[str, str]] = field(default_factory=list)

    @property
    def is_green(self) -> bool:
        """Whether something was read and all of it was whole. Nothing read is not green."""
        return self.objects > 0 and not (self.damaged_count or self.refused)


def scrub(
    root: Path,
    state: ScrubState,
    limits: ScrubLimits,
    clock: Callable[[], datetime],
    *,
    expected: Callable[[str], Collection[str]] | None = None,
    say: Callable[[ScrubReport], None] | None = None,
) -> tuple[ScrubReport, ScrubState]:
    """Read some of a root.

    Args:
        root: The storage root.
        state: What the run before gave.
        limits: How much.
        clock: Gives the time, aware.
        expected: Shelf → paths of the objects that must be there; without, a vanished one is not
            missed here.
        say: Is told now and then how far it is.

    Returns:
        What was seen, and the state for the next run.

    Raises:
        NotAnArchiveError: There is no root, or none any more; keep the state of before.
        ArchiveError: A process that reads died; keep the state of before.
    """
    open_root(root)
    run = _Run(root, state, limits, clock, expected)
    with Readers(limits.workers) as readers:
        for looks in readers.read(run.folders()):
            for folder, look in looks:
                run.note(folder, look)
            if say:
                say(run.report)
            if run.is_over:
                break
    run.end_passes()
    open_root(root)  # a disk that went away meanwhile looks like empty shelves
    return run.report, (run.state if run.report.objects else state)


@dataclass(slots=True)
class _Pass:
    """A shelf being passed.

    Attributes:
        shelf: Which.
        began: When.
        left: Objects of it that are not read yet.
    """

    shelf: str
    began: datetime
    left: int


class _Run:
    def __init__(
        self,
        root: Path,
        state: ScrubState,
        limits: ScrubLimits,
        clock: Callable[[], datetime],
        expected: Callable[[str], Collection[str]] | None,
    ) -> None:
        self.report, self.state = ScrubReport(), state
        self._root, self._limits, self._clock, self._expected = root, limits, clock, expected
        self._started = time.monotonic()
        self._passes: deque[_Pass] = deque()

    @property
    def is_over(self) -> bool:
        limits, report = self._limits, self.report
        return report.objects > 0 and (
            (limits.objects is not None and report.objects >= limits.objects)
            or (limits.size is not None and report.size >= limits.size)
            or (limits.seconds is not None and time.monotonic() - self._started >= limits.seconds)
        )

    def folders(self) -> Iterator[Path]:
        """Give objects to read: of the shelf that a run ended in, then the longest unread first."""
        before, fresh, is_any = self.state, self._limits.fresh_since, False
        rest = sorted(set(SHELVES) - {before.shelf}, key=lambda it: (before.passed_at(it), it))
        for shelf in [before.shelf, *rest] if before.shelf else rest:
            passed = before.passed.get(shelf)
            if is_any and fresh is not None and passed is not None and passed >= fresh:
                continue
            is_begun = shelf == before.shelf
            began = (before.began if is_begun else None) or self._clock()
            paths = self._paths(shelf, before.cursor if is_begun else "")
            self._passes.append(_Pass(shelf, began, len(paths)))
            is_any = is_any or bool(paths)
            yield from (self._root / path for path in paths)

    def _paths(self, shelf: str, cursor: str) -> list[str]:
        there = _objects_of(self._root, shelf)
        if self._expected:
            for path in sorted(set(self._expected(shelf)) - set(there)):
                finding = Finding("E063", "", "the object is gone")
                self._tell(Verdict(path, "", "", "", (finding,), 0, 0))
        return [path for path in there if path > cursor]

    def note(self, folder: Path, look: Look) -> None:
        """Count what was found of an object."""
        self.end_passes()
        path, report = folder.relative_to(self._root).as_posix(), self.report
        report.objects += 1
        if look.verdict is None:
            report.refused.append((path, look.refused))
        else:
            report.files += look.verdict.files
            report.size += look.verdict.size
            if look.wavered:
                report.wavered.append(path)
            if not look.verdict.is_valid:
                self._tell(replace(look.verdict, path=path))
        now = self._passes[0]
        now.left -= 1
        self.state = msgspec.structs.replace(
            self.state, shelf=now.shelf, cursor=path, began=now.began
        )

    def end_passes(self) -> None:
        """Note which shelves were passed whole."""
        while self._passes and not self._passes[0].left:
            done = self._passes.popleft()
            passed = {**self.state.passed, done.shelf: done.began}
            self.state = ScrubState(self.state.since, passed)

    def _tell(self, verdict: Verdict) -> None:
        self.report.damaged_count += 1
        if len(self.report.damaged) < _MOST_TOLD:
            self.report.damaged.append(verdict)


def _objects_of(root: Path, shelf: str) -> list[str]:
    """Give the paths of the objects of a shelf, in order."""
    paths: list[str] = []
    with suppress(FileNotFoundError, NotADirectoryError), os.scandir(root / shelf) as seconds:
        for second in seconds:
            if second.is_dir(follow_symlinks=False):
                with os.scandir(second.path) as objects:
                    paths.extend(f"{shelf}/{second.name}/{it.name}" for it in objects)
    return sorted(paths)
