"""Who types sits elsewhere: what both sides know, and who opens that person's files."""

import fcntl
import json
import os
import re
import socket
import termios
from collections.abc import Callable
from contextlib import AbstractContextManager
from contextvars import ContextVar
from pathlib import Path

from ops.meanwhile import meanwhile

PACKET = 64 * 1024
"""Bytes of what is said at once on this line."""

_MOST_HANDED, _SILENT_SECONDS = 32, 60.0
Doing = Callable[[list[int]], None]
"""Does a part of an act; gets descriptors, which are its own now."""

SOCKET = Path("/run/giucong/terminal.sock")
"""Where the installed service hears who types."""

GROUP = "giucong-operators"
"""Who may knock: its members, and root."""

BARE, COMPLETE = "giucong", "complete"
"""What is asked and is no task: what is red everywhere, and what may stand after a flag."""

CARRIED = frozenset({"TERM", "COLORTERM", "NO_COLOR", "COLUMNS", "LINES", "GIUCONG_DEBUG"})
"""What goes along of the environment: what the terminal can show."""

_OPENER: ContextVar[socket.socket | None] = ContextVar("opener", default=None)


def opening_through(line: socket.socket) -> AbstractContextManager[None]:
    """Have that person's own process open what they name on the way, and do its part."""
    return meanwhile(_OPENER, line)


def is_elsewhere() -> bool:
    """Tell whether who types has a process of their own that opens files."""
    return _OPENER.get() is not None


def open_as_typed(path: str) -> int:
    """Have a file opened for reading by who typed its name; gives a descriptor.

    Raises:
        OSError: That person may not, there is no such file, or nobody typed that.
    """
    line = line_of_typist()
    line.settimeout(_SILENT_SECONDS)
    try:
        line.send(json.dumps({"open": path}).encode())
        told, descriptors, _flags, _from = socket.recv_fds(line, PACKET, 1)
    finally:
        line.settimeout(None)
    if descriptors:
        return descriptors[0]
    number = json.loads(told).get("error") if told else None
    raise OSError(number if isinstance(number, int) else 5, os.strerror(number or 5), path)


def take_terminal() -> None:
    """Take the terminal among the standard streams, if any, for that of this session."""
    for stream in range(3):
        if os.isatty(stream):
            fcntl.ioctl(stream, termios.TIOCSCTTY, 0)
            return


def line_of_typist() -> socket.socket:
    """Give the line to the process of who types.

    Raises:
        PermissionError: There is none.
    """
    line = _OPENER.get()
    if line is None:
        raise PermissionError(1, os.strerror(1))
    return line


def serve_opening(line: socket.socket, was_typed: "WasTyped", do: Doing) -> None:
    """Open what is asked for, as who runs this, until the line is closed.

    Args:
        line: To the act.
        was_typed: Says whether somebody has typed a path here: nothing else is opened.
        do: Does a part of the act that is this process's; it ends when the line is closed.
    """
    while True:
        packet, descriptors, _flags, _from = socket.recv_fds(
            line, PACKET, _MOST_HANDED, socket.MSG_CMSG_CLOEXEC
        )
        if not packet:
            return
        if descriptors:
            do(descriptors)
            continue
        try:
            path = str(json.loads(packet)["open"])
            if not was_typed(path):
                raise PermissionError(1, os.strerror(1))
            opened = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOCTTY | os.O_NONBLOCK)
        except (OSError, ValueError, KeyError, TypeError) as error:
            line.send(json.dumps({"error": getattr(error, "errno", None) or 22}).encode())
            continue
        socket.send_fds(line, [b"{}"], [opened])
        os.close(opened)


class WasTyped:
    """What somebody has typed here lately."""

    def __init__(self, values: object) -> None:
        """Begin with what was given to flags."""
        told = json.dumps(values, ensure_ascii=False) + "\n"
        self._text = told.encode("utf-8", "surrogateescape")

    def note(self, typed: bytes) -> None:
        """Note what was typed."""
        self._text = (self._text + typed)[-_MOST_KEPT:]

    def __call__(self, path: str) -> bool:
        """Say whether just that was typed: a part of it is another file."""
        between = rb'[\s"=,]'
        whole = rb"(?:^|%s)%s(?:$|%s)" % (between, re.escape(os.fsencode(path)), between)
        return re.search(whole, self._text) is not None


_MOST_KEPT = 1 << 20
