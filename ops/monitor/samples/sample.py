"""What one look at a machine found; None stands for what was not seen, which is never good."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

THIS_MACHINE = "this-machine"
"""What the machine of the service is called beside the hosts of the estate."""

Cause = Literal[
    "unreachable",
    "key_unknown",
    "key_changed",
    "key_revoked",
    "own_key",
    "refused",
    "gate",
    "slow",
    "flooding",
    "senseless",
    "not_asked",
]
"""Why a machine could not be looked at: it does not answer; its key is not on record, another or
taken back; ours cannot be read; it does not let us in; its gate does not know the program; it takes
too long, says too much or nothing that makes sense; its turn did not come in time."""


@dataclass(frozen=True, slots=True)
class Unseen:
    """A machine that could not be looked at.

    Attributes:
        cause: Why.
        reason: What is known about it, as `ops.language.text.fill` reads it: `what`, a message, and
            its `params`, sanitised and bounded; None for nothing.
    """

    cause: Cause
    reason: Mapping[str, object] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Disk:
    """One mounted file system.

    Attributes:
        path: Where it is mounted; sanitised and bounded.
        kind: Its type, such as `ext4`.
        hangs: Whether it did not answer in time; all figures are None then.
        size, used, free: Bytes; `free` is what others than root may still write, so `used` and
            `free` together are less than `size`.
        files, files_free: Of its inodes; 0 files where it does not count them.
    """

    path: str
    kind: str
    hangs: bool = False
    size: int | None = None
    used: int | None = None
    free: int | None = None
    files: int | None = None
    files_free: int | None = None

    @property
    def percent(self) -> float | None:
        """How full it is, as `df` says it: what root alone may still write counts as used."""
        if self.used is None or self.free is None:
            return None
        return _share(self.used, self.used + self.free)

    @property
    def files_percent(self) -> float | None:
        """How many of its files are used; None where it does not count them."""
        if not self.files or self.files_free is None:
            return None
        return _share(self.files - self.files_free, self.files)


@dataclass(frozen=True, slots=True)
class Ticks:
    """What the processors have done since the machine started, in the kernel's ticks."""

    busy: int
    all: int

    def percent_since(self, before: "Ticks | None") -> float | None:
        """Give how busy they were since; None where nobody knows, as after a restart."""
        if before is None or self.all <= before.all or self.busy < before.busy:
            return None
        return min(_share(self.busy - before.busy, self.all - before.all), 100.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """What one look found.

    Attributes:
        offset: Seconds its clock is ahead of ours.
        offset_error: At most so many seconds that may be wrong: half of the round trip.
        load: Of 1, 5 and 15 minutes.
        cores: How many processors.
        ticks: For the share of the processors since another look.
        uptime: Seconds.
        memory, memory_free, swap, swap_free: Bytes; `memory_free` is what could still be had.
        pressure: Percent of the last minute in which some, or all, work waited: by `cpu some`,
            `memory some`, `memory full`, `io some`, `io full`.
        disks: Mounted file systems; None where the list of them was not seen.
        more_disks: Whether there are more than were asked.
        failed_units: Names of the first 20; None where there is no systemd to ask.
        wants_reboot: None where nobody on it would say so.
    """

    offset: float | None = None
    offset_error: float = 0.0
    load: tuple[float, float, float] | None = None
    cores: int | None = None
    ticks: Ticks | None = None
    uptime: float | None = None
    memory: int | None = None
    memory_free: int | None = None
    swap: int | None = None
    swap_free: int | None = None
    pressure: Mapping[str, float] = field(default_factory=dict)
    disks: tuple[Disk, ...] = ()
    more_disks: bool = False
    failed_units: tuple[str, ...] | None = None
    wants_reboot: bool | None = None

    @property
    def memory_percent(self) -> float | None:
        """How much of its memory nothing could get any more."""
        return _used(self.memory, self.memory_free)

    @property
    def swap_percent(self) -> float | None:
        """How much of its swap is in use; None where it has none."""
        return _used(self.swap, self.swap_free)


@dataclass(frozen=True, slots=True, kw_only=True)
class Upkeep:
    """What changes slowly.

    Attributes:
        updates, security_updates: How many wait; None where there is no apt, or it was not told.
        lists_age: Seconds since apt's lists were brought up to date.
        log_age: Seconds since the system log was last written.
    """

    updates: int | None = None
    security_updates: int | None = None
    lists_age: float | None = None
    log_age: float | None = None


def list_points(sample: Sample, before: Sample | None) -> dict[str, float]:
    """Give what is kept of a sample, by metric; of a disk as `disk_percent[PATH]`.

    Args:
        sample: The newest.
        before: The one before it, for the share of the processors.
    """
    found: dict[str, float | None] = {
        "load5": sample.load[1] if sample.load else None,
        "cpu_percent": sample.ticks.percent_since(before.ticks if before else None)
        if sample.ticks
        else None,
        "memory_percent": sample.memory_percent,
        "swap_percent": sample.swap_percent,
        "uptime_seconds": sample.uptime,
        "clock_offset_seconds": sample.offset,
        "failed_units": None if sample.failed_units is None else float(len(sample.failed_units)),
    }
    found |= {f"pressure_{key.replace(' ', '_')}": it for key, it in sample.pressure.items()}
    for disk in sample.disks:
        found[f"disk_percent[{disk.path}]"] = disk.percent
        found[f"disk_used_bytes[{disk.path}]"] = None if disk.used is None else float(disk.used)
        found[f"inode_percent[{disk.path}]"] = disk.files_percent
    return {key: it for key, it in found.items() if it is not None}


def _used(whole: int | None, free: int | None) -> float | None:
    return None if not whole or free is None else _share(whole - free, whole)


def _share(part: int, whole: int) -> float:
    return 100.0 * part / whole if whole > 0 else 0.0
