"""What the private servers of the tests share: free ports, a life tied to ours, start and end."""

import os
import pwd
import random
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

_LOOK_EVERY_SECONDS = 0.05
_PORTS = range(15_000, 32_768)
_HANDED_OUT = Path("/proc/sys/net/ipv4/ip_local_port_range")  # the kernel's own


def find_free_port() -> int:
    """Give a port of the loopback that nobody listens on, now and until this process ends."""
    return find_free_ports(1)[0]


def find_free_ports(count: int) -> list[int]:
    """Give as many ports, all different; each is promised once, and is its taker's to listen on.

    A port that the kernel chose and that was let go may be somebody else's by the time a server
    starts on it: the next connection or listener of any process gets it. So these are none of
    those that the kernel hands out, and whoever takes one holds a name that nobody else can have.
    """
    return [next(filter(_is_promised, _try_ports())) for _ in range(count)]


def _try_ports() -> Iterator[int]:
    """Yield, in an order of chance, ports that no server of this machine is known for."""
    first, last = map(int, _HANDED_OUT.read_text().split()) if _HANDED_OUT.exists() else (0, 0)
    ours = [it for it in _PORTS if not first <= it <= last] or _PORTS
    chance = random.SystemRandom()  # the seed of a test must not bring the same ones again
    while True:
        yield chance.choice(ours)


def _is_promised(port: int) -> bool:
    """Take the promise of a port, unless somebody has it or listens there."""
    with socket.socket(socket.AF_UNIX) as promise, socket.socket() as listener:
        try:
            promise.bind(f"\0giucong-test-port-{port}")
            listener.bind(("127.0.0.1", port))
        except OSError:
            return False
        promise.detach()  # the kernel takes the name back when this process has ended
    return True


def tie(signal: str = "KILL") -> list[str]:
    """Give the words before a command that have a signal end it when its starter is gone."""
    return ["setpriv", f"--pdeathsig={signal}"]


def tie_as(user: str, folder: Path, signal: str = "KILL") -> list[str]:
    """Do the same for a server that refuses root: it runs as a user, who gets its folder."""
    if os.getuid() != 0:
        return tie(signal)
    found = pwd.getpwnam(user)
    os.chown(folder, found.pw_uid, found.pw_gid)
    return [*tie(signal), f"--reuid={found.pw_uid}", f"--regid={found.pw_gid}", "--clear-groups"]


def start(command: Sequence[str], log: Path) -> "subprocess.Popen[bytes]":
    """Start a server that writes a log, in the folder of that log."""
    with log.open("wb") as written:
        return subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=written, stderr=written, cwd=log.parent
        )


def await_start(
    process: "subprocess.Popen[bytes]", is_up: Callable[[], bool], log: Path, seconds: float = 60
) -> None:
    """Wait until a server is up.

    Raises:
        RuntimeError: It ended, or is not up in time; its text is the end of the log.
    """
    deadline = time.monotonic() + seconds
    while process.poll() is None and time.monotonic() < deadline:
        if is_up():
            return
        time.sleep(_LOOK_EVERY_SECONDS)
    raise RuntimeError(log.read_text(errors="replace")[-3000:])


def is_alive(process: int) -> bool:
    """Whether a process runs; one that has ended and that nobody has asked for does not."""
    try:
        status = Path(f"/proc/{process}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):  # the latter where it ends at this moment
        return False
    return status.rpartition(")")[2].split()[0] != "Z"


def end(process: "subprocess.Popen[bytes]", patience: float = 10) -> None:
    """Ask a server to end; who does not is killed."""
    process.terminate()
    try:
        process.wait(patience)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
