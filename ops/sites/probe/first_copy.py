"""One thing that was tried and how it went; how large the first copy is, and how long it takes."""

import hashlib
import os
import stat
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from backup.format.compression import Compressor, Decompressor
from backup.format.crypto import Envelope, generate_master_key
from ops.language.formats import format_size
from ops.language.text import ExplainedError, _, fill

_SAMPLE_BYTES = 64 << 20
_SAMPLE_SECONDS = 2.0
_READ_AT_ONCE = 1 << 20
_MOST_NAMED = 5
_MOST_SAMPLES = 1_000
_BITS = 8
_MEGA = 1_000_000

Excluded = Callable[[bytes, os.stat_result], bool]


@dataclass(slots=True)
class Extent:
    """What a walk has found.

    Attributes:
        files: Regular files.
        size_bytes: Their sizes.
        unreadable: How many files and folders may not be read by this user.
        first_unreadable: The first few of them.
        samples: Some files to read: the first that were met.
    """

    files: int = 0
    size_bytes: int = 0
    unreadable: int = 0
    first_unreadable: list[bytes] = field(default_factory=list)
    samples: list[bytes] = field(default_factory=list)

    def add(self, seen: "Extent") -> None:
        """Take in what another walk has found, but for what it could not read."""
        self.files += seen.files
        self.size_bytes += seen.size_bytes
        self.samples += seen.samples

    def note_unreadable(self, path: bytes) -> None:
        """Count something that may not be read, and name the first few."""
        self.unreadable += 1
        if len(self.first_unreadable) < _MOST_NAMED:
            self.first_unreadable.append(path)


def measure(top: bytes, is_excluded: Excluded, extent: Extent) -> None:
    """Walk a folder, or look at a single file; links are not followed.

    Args:
        top: Where to begin.
        is_excluded: As a backup leaves entries out.
        extent: Takes what is found.
    """
    status = Path(os.fsdecode(top)).stat()
    if stat.S_ISREG(status.st_mode):
        _take(top, status, extent)
        return
    waiting = [top]
    while waiting:
        for path, status in _entries(waiting.pop(), extent):
            if is_excluded(path, status):
                continue
            if stat.S_ISDIR(status.st_mode):
                waiting.append(path)
            elif stat.S_ISREG(status.st_mode):
                _take(path, status, extent)


def _entries(folder: bytes, extent: Extent) -> Iterator[tuple[bytes, os.stat_result]]:
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                try:
                    yield entry.path, entry.stat(follow_symlinks=False)
                except FileNotFoundError:
                    continue  # gone meanwhile
                except OSError:
                    extent.note_unreadable(entry.path)
    except OSError:
        extent.note_unreadable(folder)


def _take(path: bytes, status: os.stat_result, extent: Extent) -> None:
    if not os.access(path, os.R_OK):
        extent.note_unreadable(path)
        return
    extent.files += 1
    extent.size_bytes += status.st_size
    if len(extent.samples) < _MOST_SAMPLES and status.st_size:
        extent.samples.append(path)


class _Work:
    """What a backup does with bytes it has read, on one core; nothing is kept."""

    def __init__(self) -> None:
        self._envelope = Envelope(generate_master_key())
        self._compressor, self._decompressor = Compressor(), Decompressor()

    def do(self, chunk: bytes) -> None:
        """Hash, compress and seal a chunk; open and hash it again, as each blob is proven."""
        hashlib.sha256(chunk).digest()
        frame = self._compressor.compress_always(chunk)
        opened = self._envelope.open(self._envelope.seal(frame))
        hashlib.sha256(self._decompressor.decompress(opened, len(chunk))).digest()


def copy_rate(samples: list[bytes]) -> float | None:
    """Give bytes a second of a short trial; None without anything to read.

    They are read past the page cache, compressed, sealed and proven, on one core.
    """
    work = _Work()
    done, started = 0, time.monotonic()
    for path in samples:
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        except OSError:
            continue
        with os.fdopen(descriptor, "rb", buffering=0) as file:
            os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
            while chunk := file.read(_READ_AT_ONCE):
                work.do(chunk)
                done += len(chunk)
                if done >= _SAMPLE_BYTES or time.monotonic() - started > _SAMPLE_SECONDS:
                    break
        if done >= _SAMPLE_BYTES or time.monotonic() - started > _SAMPLE_SECONDS:
            break
    return done / max(time.monotonic() - started, 1e-6) if done else None


def reckon_seconds(size_bytes: int, rate: float | None, limits: Mapping[str, int]) -> float | None:
    """Give how long the first copy takes, its own writing aside, nothing growing smaller; pure.

    Args:
        size_bytes: What there is to copy.
        rate: Bytes a second of the trial; None when it was not measured.
        limits: The store's megabits a second by part of the day; the lowest one counts.

    Returns:
        Seconds; None when nothing was measured.
    """
    if rate is None:
        return None
    lowest = min(limits.values(), default=None)
    slowest = rate if lowest is None else min(rate, lowest * _MEGA / _BITS)
    return size_bytes / slowest


@dataclass(frozen=True, slots=True)
class Trial:
    """One thing that was tried.

    Attributes:
        part: What, as the estate's key names it.
        outcome: `ok`, `failed` or `not_checked`.
        told: What was seen, or why it failed or was not checked; in the reader's language.
        next_step: What to type or do; empty when all is well.
    """

    part: str
    outcome: str
    told: str = ""
    next_step: str = ""


def failed(part: str, error: ExplainedError) -> Trial:
    """Give a trial that failed, in an error's own words: what, and why."""
    told, why = fill(error.what, error.params), fill(error.why, error.params)
    told = f"{told}: {why}" if why else told
    return Trial(part, "failed", told, fill(error.next_step, error.params))


def measured(part: str, seen: Extent) -> Trial:
    """Give a trial of what could all be looked at, and how much it is."""
    told = _("{count} files, {size}").format(count=seen.files, size=format_size(seen.size_bytes))
    return Trial(part, "ok", told)
