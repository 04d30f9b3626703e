"""The programs by which a host is looked at, word for word as its gate has to know them."""

from pathlib import Path

from provisioning.hosts import Command


def _program(name: str) -> Command:
    return (b"sh", b"-c", Path(__file__).with_name(name).read_bytes())


SAMPLE = _program("sample.sh")
"""What changes all the time; milliseconds."""

UPKEEP = _program("upkeep.sh")
"""What changes slowly; seconds."""

EQUIPMENT = _program("equipment.sh")
"""What the machine itself is, for the register of assets; milliseconds."""
