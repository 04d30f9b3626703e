"""What systemd and journald are told: how the service is, and log lines as `key=value`.

Source: sd_notify(3). Without systemd nothing is told. No traceback stands in a line unless one is
asked for.
"""

import json
import logging
import os
import re
import socket
import sys
from collections.abc import Sequence

from sqlalchemy.orm import Session

from ops.outcomes import explain
from ops.schedule.ledger.job import LedgerEvent
from ops.told_text import clean_text

_PRIORITIES = {
    logging.DEBUG: 7,
    logging.INFO: 6,
    logging.WARNING: 4,
    logging.ERROR: 3,
    logging.CRITICAL: 2,
}
_PLAIN = re.compile(r"[\w.,:/+@-]+")


class LineFormatter(logging.Formatter):
    """One line for each record: `event=… key=value …`, for systemd `<6>event=…`.

    The message names the event; the pairs come from `extra={"fields": {…}}`.

    Args:
        for_systemd: Whether a priority stands in front, which journald takes off again.
    """

    def __init__(self, *, for_systemd: bool) -> None:
        super().__init__()
        self._for_systemd = for_systemd

    def format(self, record: logging.LogRecord) -> str:
        """Give the line; a value that is not one plain word is written as a JSON string."""
        fields = {"event": record.getMessage(), **getattr(record, "fields", {})}
        line = " ".join(f"{key}={_format_value(value)}" for key, value in fields.items())
        if record.exc_info:
            line += f" traceback={_format_value(self.formatException(record.exc_info))}"
        return f"<{_PRIORITIES.get(record.levelno, 5)}>{line}" if self._for_systemd else line


def log_to_stderr() -> None:
    """Send the log of `ops` to standard error."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(LineFormatter(for_systemd=is_read_by_journald(2)))
    logger = logging.getLogger("ops")
    logger.handlers[:] = [handler]
    logger.setLevel(logging.INFO)
    logger.propagate = False


def is_read_by_journald(descriptor: int) -> bool:
    """Tell whether a descriptor leads to journald (systemd.exec(5), JOURNAL_STREAM)."""
    try:
        status = os.fstat(descriptor)
    except OSError:
        return False
    return os.environ.get("JOURNAL_STREAM") == f"{status.st_dev}:{status.st_ino}"


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


log = logging.getLogger(__name__)
log.addHandler(logging.NullHandler())  # of a task at a terminal nothing is the service's log

_LEVELS = {"ok": logging.INFO, "skipped": logging.INFO, "failed": logging.ERROR}
_LONGEST_TOLD = 300


def log_events(_session: Session, events: Sequence[LedgerEvent]) -> None:
    """Write the lines; a listener of the ledger."""
    for event in events:
        level = _LEVELS.get(event.outcome or "", logging.WARNING)
        log.log(level, "run-%s", event.occasion, extra={"fields": describe(event)})


def describe(event: LedgerEvent) -> dict[str, object]:
    """Give the pairs of a line; pure."""
    fields: dict[str, object] = {
        "job": event.job,
        "site": event.site,
        "outcome": event.outcome or "",
        "reason": event.reason,
        "due": event.due_at.isoformat(),
        "attempt": event.attempt,
    }
    if "seconds" in event.summary:
        fields["seconds"] = event.summary["seconds"]
    if event.reason:
        fields["told"] = _tell(event)
    return fields


def _tell(event: LedgerEvent) -> str:
    found = explain(event.reason, event.params, job=event.job, site=event.site)
    return clean_text(": ".join(it for it in (found.what, found.why) if it))[:_LONGEST_TOLD]
