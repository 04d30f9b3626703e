"""Tell systemd how the service is. Source: sd_notify(3); without systemd nothing happens."""

import os
import socket


def notify(*lines: str) -> bool:
    """Send assignments such as `READY=1` or `STATUS=…`; False when nobody listens."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address.startswith(("/", "@")):
        return False
    if address.startswith("@"):
        address = "\0" + address[1:]
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sender:
        try:
            sender.connect(address)
            sender.sendall("\n".join(lines).encode())
        except OSError:
            return False
    return True


def wants_watchdog() -> bool:
    """Say whether systemd waits for `WATCHDOG=1` from this process."""
    pid = os.environ.get("WATCHDOG_PID", str(os.getpid()))
    return "WATCHDOG_USEC" in os.environ and pid == str(os.getpid())
