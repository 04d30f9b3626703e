"""The programs by which the watch looks at a host, word for word as its gate has to know them."""

from pathlib import Path

from provisioning.hosts import Command


def _program(name: str) -> Command:
    return (b"sh", b"-c", Path(__file__).with_name(name).read_bytes())


SAMPLE = _program("sample.sh")
"""What changes all the time; milliseconds."""

UPKEEP = _program("upkeep.sh")
"""What changes slowly; seconds."""
