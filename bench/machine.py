"""Facts of the machine a comparison ran on."""

import os
import platform
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from bench.measure import CommandFailedError
from bench.peers import Peer


def describe_machine(folder: Path, peers: Sequence[Peer]) -> dict[str, str]:
    """Return labels and values for the report, in the order to print them.

    Args:
        folder: Where data and repositories lie; names the file system.
        peers: Whose versions to name.
    """
    facts = {
        "date": datetime.now(UTC).date().isoformat(),
        "processor": f"{_processor()}, {len(os.sched_getaffinity(0))} cores",
        "memory": f"{os.sysconf('SC_PHYS_PAGES') * os.sysconf('SC_PAGE_SIZE') / 2**30:.1f} GiB",
        "system": f"{_distribution()}, Linux {platform.release()}",
        "file system": find_file_system(folder),
        "Python": platform.python_version(),
    }
    for peer in peers:
        facts[peer.name] = _version(peer)
    return facts


def find_file_system(folder: Path, mounts: str | None = None) -> str:
    """Return the type of the file system that holds `folder`.

    Args:
        folder: Any existing folder.
        mounts: Text in the format of /proc/mounts, which is read when None.
    """
    table = mounts if mounts is not None else Path("/proc/mounts").read_text(encoding="utf-8")
    path = str(folder.resolve())
    best, kind = -1, "unknown"
    for line in table.splitlines():
        _, point, found, *_ = line.split(" ")
        inside = path == point or path.startswith(point.rstrip("/") + "/")
        if inside and len(point) >= best:
            best, kind = len(point), found
    return kind


def _processor() -> str:
    text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    names = [line.partition(":")[2].strip() for line in text.splitlines() if "model name" in line]
    return names[0] if names else platform.machine()


def _distribution() -> str:
    try:
        return platform.freedesktop_os_release()["PRETTY_NAME"]
    except OSError:
        return "Linux"


def _version(peer: Peer) -> str:
    try:
        return peer.version().splitlines()[0]
    except (CommandFailedError, IndexError):
        return "unknown"
