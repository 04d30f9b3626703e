"""Look at one machine or device: ask it, bound what it may say and how long, read the answer."""

import re
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple, TypeVar

from ops.estate.model.monitor import Device
from ops.hosts.connect import SAMPLE, UPKEEP
from ops.language.text import N_
from ops.monitor.samples.parse import (
    MOST_BYTES,
    SenselessError,
    clean_name,
    parse_sample,
    parse_upkeep,
)
from ops.monitor.samples.sample import Cause, Sample, Unseen, Upkeep
from provisioning.errors import (
    CommandError,
    HostKeyError,
    HostRefusedError,
    HostUnavailableError,
    OwnKeyError,
    ProvisioningError,
)
from provisioning.hosts import Command, Completed, Host

SAMPLE_SECONDS = 15
"""So long a look may take there; its slowest parts end themselves sooner."""

UPKEEP_SECONDS = 90
_PIECE = 1 << 14
_Found = TypeVar("_Found")


class _Heard(NamedTuple):
    """An answer, our clock when we asked, and when the first of it came."""

    raw: bytes
    asked: float
    first: float


class _TooLongError(Exception):
    """An answer takes too long (`slow`) or is too long (`flooding`)."""

    def __init__(self, cause: Cause) -> None:
        self.cause: Cause = cause
        super().__init__(cause)


def take_sample(host: Host, *, seconds: float = SAMPLE_SECONDS) -> Sample | Unseen:
    """Look at a machine; never raises for what is wrong with it.

    Args:
        host: The machine.
        seconds: So long it may take there.
    """
    return _guarded(
        lambda: _ask(host, SAMPLE, seconds),
        lambda it: parse_sample(it.raw, asked=it.asked, heard=it.first),
    )


def take_upkeep(host: Host) -> Upkeep | Unseen:
    """Look at what changes slowly; this takes seconds there, and its processor."""
    return _guarded(lambda: _ask(host, UPKEEP, UPKEEP_SECONDS), lambda it: parse_upkeep(it.raw))


def keep_reason(what: str, params: Mapping[str, object]) -> Mapping[str, object] | None:
    """Give a message as a condition keeps it, to be told in whichever language it is read in.

    Args:
        what: Template of ours; empty for none.
        params: Its values, which a host may have said.
    """
    values = {name: clean_name(str(it)) for name, it in params.items()}
    return {"what": what, "params": values} if what else None


def _guarded(
    ask: Callable[[], _Heard | Completed], read: Callable[[_Heard], _Found]
) -> _Found | Unseen:
    try:
        heard = ask()
        if isinstance(heard, Completed):
            return _explain_status(heard)
        return read(heard)
    except _TooLongError as error:
        return Unseen(error.cause)
    except SenselessError as error:
        return Unseen("senseless", keep_reason(str(error), {}))
    except ProvisioningError as error:
        return Unseen(_cause_of(error), keep_reason(error.why, error.params))


def _ask(host: Host, command: Command, seconds: float) -> _Heard | Completed:
    """Give the answer; or how it ended where that was badly."""
    raw, first = bytearray(), 0.0
    ends = time.monotonic() + seconds
    asked = time.time()
    with host.start(command, timeout=seconds) as process:
        process.close_input()
        while piece := process.read(_PIECE):
            first = first or time.time()
            raw += piece
            if len(raw) > MOST_BYTES:
                raise _TooLongError("flooding")
            if time.monotonic() > ends:
                raise _TooLongError("slow")
        ended = process.finish()
    return _Heard(bytes(raw), asked, first) if ended.status == 0 else ended


def _explain_status(ended: Completed) -> Unseen:
    if ended.is_refused_by_gate:
        return Unseen("gate")
    told = keep_reason(N_("it ended with status {status}"), {"status": ended.status})
    return Unseen("senseless", told)


def _cause_of(error: ProvisioningError) -> Cause:
    by_kind: tuple[tuple[type[ProvisioningError], Cause], ...] = (
        (OwnKeyError, "own_key"),
        (HostRefusedError, "refused"),
        (HostUnavailableError, "unreachable"),
        (CommandError, "slow"),
    )
    if isinstance(error, HostKeyError):
        # As `provisioning.ssh.errors` makes them: with the key on record, with the file that has
        # taken it back, with neither.
        if "known" in error.params:
            return "key_changed"
        return "key_revoked" if "file" in error.params else "key_unknown"
    return next((cause for kind, cause in by_kind if isinstance(error, kind)), "slow")


_PING = ("-n", "-q", "-c", "3", "-i", "0.2", "-W", "1", "-w", "3")
_PING_SECONDS = 5.0
_PORT_SECONDS = 3.0
_MOST_PORTS = 16
_ROUND_TRIP = re.compile(r"= [0-9.]+/([0-9]+\.[0-9]+)/", re.ASCII)


@dataclass(frozen=True, slots=True)
class Reply:
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


def ask_device(device: Device) -> Reply:
    """Ping it, and connect to its ports; raises nothing."""
    can_ping, seconds = _ping(device.address) if device.ping else (False, None)
    ports = {port: _is_open(device.address, port) for port in device.ports[:_MOST_PORTS]}
    return Reply(seconds, can_ping=can_ping, ports=ports)


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
