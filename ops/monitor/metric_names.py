"""What a metric is called, and how its numbers are written, in the reader's language."""

from collections.abc import Callable, Mapping
from datetime import timedelta

from ops.language.formats import format_duration, format_number, format_size
from ops.language.text import N_, _
from ops.monitor.series.points import split_metric

TITLES: Mapping[str, str] = {
    "up": N_("answers"),
    "cpu_percent": N_("processors in use"),
    "load5": N_("load of five minutes"),
    "memory_percent": N_("memory in use"),
    "swap_percent": N_("swap in use"),
    "uptime_seconds": N_("time since its start"),
    "clock_offset_seconds": N_("clock ahead of ours"),
    "failed_units": N_("failed units"),
    "security_updates": N_("security updates that wait"),
    "disk_percent": N_("disk in use"),
    "disk_used_bytes": N_("bytes in use"),
    "inode_percent": N_("inodes in use"),
    "ping_seconds": N_("round trip"),
    "probe_up": N_("site is there"),
    "probe_first_byte_seconds": N_("time to the first byte"),
    "probe_whole_seconds": N_("time to the whole page"),
    "probe_size_bytes": N_("size of the page"),
    "certificate_days": N_("days left of the certificate"),
    "backup_age_seconds": N_("age of the newest backup"),
    "backup_rpo_seconds": N_("greatest age of a backup"),
    "full_read_age_seconds": N_("time since all was read"),
    "oldest_byte_age_seconds": N_("time since the oldest reading back"),
    "drill_age_seconds": N_("time since the last good drill"),
    "stored_bytes": N_("bytes in the store"),
    "store_used_bytes": N_("bytes in use"),
    "store_free_bytes": N_("bytes free"),
    "archive_objects": N_("objects in the archive"),
    "archive_damaged_objects": N_("damaged objects"),
    "open_alerts": N_("open alerts"),
}
_SMALL_SECONDS = 120


def tell_metric(metric: str) -> str:
    """Give what people call it; its own name where nobody has given it another."""
    name, of = split_metric(metric)
    title = _(TITLES[name]) if name in TITLES else name
    return f"{title} ({of})" if of else title


def writer_of(metric: str, largest: float = 0.0) -> Callable[[float], str]:
    """Give what writes its numbers.

    Args:
        metric: Its name.
        largest: Seconds are written as durations where there are many of them.
    """
    name = split_metric(metric)[0]
    if name.endswith("_percent"):
        return lambda it: f"{format_number(it, 0 if largest >= 10 else 1)} %"  # noqa: PLR2004 - small shares need a decimal
    if name.endswith("_bytes"):
        return lambda it: format_size(round(it))
    if name.endswith("_seconds"):
        if abs(largest) < _SMALL_SECONDS:
            return lambda it: f"{format_number(it, 2)} s"
        return lambda it: format_duration(timedelta(seconds=round(it)))
    return lambda it: format_number(it, 0 if it == round(it) else 2)
