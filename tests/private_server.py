"""What the private servers of the tests share: free ports, a life tied to ours, start and end."""

import os
import pwd
import socket
import subprocess
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path

_LOOK_EVERY_SECONDS = 0.05


def find_free_port() -> int:
    """Give a port of the loopback that nobody listens on just now."""
    return find_free_ports(1)[0]


def find_free_ports(count: int) -> list[int]:
    """Give as many ports, all different."""
    with ExitStack() as held:
        listeners = [
            held.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)
        ]
        return [int(listener.getsockname()[1]) for listener in listeners]


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


def end(process: "subprocess.Popen[bytes]", patience: float = 10) -> None:
    """Ask a server to end; who does not is killed."""
    process.terminate()
    try:
        process.wait(patience)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
