"""Who types sits elsewhere: what both sides know, and who opens that person's files."""

import errno
import fcntl
import json
import os
import re
import socket
import stat
import struct
import termios
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from contextvars import ContextVar
from pathlib import Path
from typing import Any

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


_PEER = struct.Struct("3i")


def user_at_other_end(connection: socket.socket) -> int:
    """Give the user that has the other end, as the kernel says: SO_PEERCRED in unix(7)."""
    told = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _PEER.size)
    return int(_PEER.unpack(told)[1])


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
    _told, descriptors = _ask({"open": path}, path)
    if not descriptors:
        raise OSError(errno.EIO, os.strerror(errno.EIO), path)
    return descriptors[0]


def device_as_typed(path: str) -> int:
    """Have the disk told that a folder lies on, by who typed its name; gives its number.

    Raises:
        OSError: There is no such folder, or nobody typed that.
    """
    told, _descriptors = _ask({"device": path}, path)
    if not isinstance(device := told.get("device"), int):
        raise OSError(errno.EIO, os.strerror(errno.EIO), path)
    return device


def _ask(said: dict[str, str], path: str) -> tuple[dict[str, Any], list[int]]:
    line = line_of_typist()
    line.settimeout(_SILENT_SECONDS)
    try:
        line.send(json.dumps(said).encode())
        packet, descriptors, _flags, _from = socket.recv_fds(line, PACKET, 1)
    finally:
        line.settimeout(None)
    told = json.loads(packet) if packet else {"error": errno.EIO}
    if (number := told.get("error")) is not None:
        known = number if isinstance(number, int) else errno.EIO
        raise OSError(known, os.strerror(known), path)
    return told, descriptors


def take_terminal() -> None:
    """Take the terminal among the standard streams, if any, for that of this session."""
    for stream in range(3):
        if os.isatty(stream):
            fcntl.ioctl(stream, termios.TIOCSCTTY, 0)
            return


def line_of_typist() -> socket.socket:
    """Give the line to the process of who types."""
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
        told, opened = dict[str, int](), list[int]()
        try:
            ((asked, path),) = json.loads(packet).items()
            if not was_typed(path):
                raise PermissionError(errno.EPERM, os.strerror(errno.EPERM))
            if asked == "device":
                told["device"] = _device_of(path)
            else:
                opened.append(_open_file(path))
        except (OSError, ValueError, TypeError, AttributeError, RecursionError) as error:
            told["error"] = getattr(error, "errno", None) or errno.EINVAL
        socket.send_fds(line, [json.dumps(told).encode()], opened)
        for it in opened:
            os.close(it)


def _device_of(path: str) -> int:
    found = Path(path).stat()
    if not stat.S_ISDIR(found.st_mode):
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR))
    return found.st_dev


def _open_file(path: str) -> int:
    """Open a file by its whole path: a folder would open all that lies in it, a word is no path."""
    if not path.startswith("/"):
        raise PermissionError(errno.EPERM, os.strerror(errno.EPERM))
    opened = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOCTTY | os.O_NONBLOCK)
    if not stat.S_ISREG(os.fstat(opened).st_mode):
        os.close(opened)
        raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))
    return opened


class WasTyped:
    """What somebody has typed here lately."""

    def __init__(self, given: Iterable[str]) -> None:
        """Begin with what was given to flags that may name a file, also as NAME=VALUE."""
        self._given = {part for it in given for part in (it, it.partition("=")[2])}
        self._text = b""

    def note(self, typed: bytes) -> None:
        """Note what was typed."""
        self._text = (self._text + typed)[-_MOST_KEPT:]

    def __call__(self, path: str) -> bool:
        """Say whether just that was typed: a part of it is another file."""
        if path in self._given:
            return True
        between = rb'[\s"=,]'
        whole = rb"(?:^|%s)%s(?:$|%s)" % (between, re.escape(os.fsencode(path)), between)
        return re.search(whole, self._text) is not None


_MOST_KEPT = 1 << 20
