"""Look at what has no SSH: does it answer to ping, and are its ports open?"""

import re
import shutil
import socket
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field

from ops.estate.model.monitor import Device

_PING = ("-n", "-q", "-c", "3", "-i", "0.2", "-W", "1", "-w", "3")
_PING_SECONDS = 5.0
_PORT_SECONDS = 3.0
_MOST_PORTS = 16
_ROUND_TRIP = re.compile(r"= [0-9.]+/([0-9]+\.[0-9]+)/", re.ASCII)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a device answered.

    Attributes:
        ping_seconds: Of the round trip; 0 where it answered and this was not told, None where it
            did not answer.
        can_ping: False where ping was not wanted, or this machine cannot ping.
        ports: Whether each that has to be open is.
    """

    ping_seconds: float | None = None
    can_ping: bool = False
    ports: Mapping[int, bool] = field(default_factory=dict)

    @property
    def is_there(self) -> bool | None:
        """Whether anything of it answers; None where nothing could be asked."""
        if not self.can_ping and not self.ports:
            return None
        return self.ping_seconds is not None or any(self.ports.values())


def ask_device(device: Device) -> Answer:
    """Ping it, and connect to its ports; raises nothing."""
    can_ping, seconds = _ping(device.address) if device.ping else (False, None)
    ports = {port: _is_open(device.address, port) for port in device.ports[:_MOST_PORTS]}
    return Answer(seconds, can_ping=can_ping, ports=ports)


def _ping(address: str) -> tuple[bool, float | None]:
    """Tell whether this machine can ping, and how long the round trip took.

    The program does it: it has the right where a process of ours may not open such a socket.
    """
    program = shutil.which("ping")
    if program is None or address.startswith("-"):
        return False, None
    try:
        ended = subprocess.run(
            [program, *_PING, address],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_PING_SECONDS,
            check=False,
            env={"LC_ALL": "C.UTF-8"},
        )
    except (OSError, subprocess.TimeoutExpired):
        return False, None
    if ended.returncode > 1:
        # Source: ping(8): 1 is no answer; 2 is another error, also a name that is not known.
        return b"not known" in ended.stderr or b"resolution" in ended.stderr, None
    told = _ROUND_TRIP.search(ended.stdout.decode("ascii", "replace"))
    return True, (float(told[1]) / 1000 if told else 0.0) if ended.returncode == 0 else None


def _is_open(address: str, port: int) -> bool:
    try:
        with socket.create_connection((address, port), _PORT_SECONDS):
            return True
    except (OSError, UnicodeError):
        return False
