"""Log lines for journald: a priority, then `key=value` pairs; no traceback unless asked for.

Tell systemd how the service is. Source: sd_notify(3); without systemd nothing happens.
"""

import json
import logging
import os
import re
import socket
import sys

_PRIORITIES = {
    logging.DEBUG: 7,
    logging.INFO: 6,
    logging.WARNING: 4,
    logging.ERROR: 3,
    logging.CRITICAL: 2,
}
_PLAIN = re.compile(r"[\w.,:/+@-]+")


class LineFormatter(logging.Formatter):
    """One line for each record: `<6>event=… key=value …`.

    The message names the event; the pairs come from `extra={"fields": {…}}`.
    """

    def format(self, record: logging.LogRecord) -> str:
        """Give the line; a value that is not one plain word is written as a JSON string."""
        fields = {"event": record.getMessage(), **getattr(record, "fields", {})}
        line = " ".join(f"{key}={_format_value(value)}" for key, value in fields.items())
        if record.exc_info:
            line += f" traceback={_format_value(self.formatException(record.exc_info))}"
        return f"<{_PRIORITIES.get(record.levelno, 5)}>{line}"


def log_to_stderr(level: int = logging.INFO) -> None:
    """Send the log of `ops` to standard error, as journald reads it."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(LineFormatter())
    logger = logging.getLogger("ops")
    logger.handlers[:] = [handler]
    logger.setLevel(level)
    logger.propagate = False


def _format_value(value: object) -> str:
    text = str(value)
    return text if _PLAIN.fullmatch(text) else json.dumps(text, ensure_ascii=False)


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
