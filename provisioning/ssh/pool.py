"""Connections that are kept and shared: few handshakes, few at once, and new ones after a cut.

sshd drops connections at random once ten are shaking hands (`MaxStartups 10:30:100`), and a jump
host sees the handshakes of all hosts behind it. So at most `WIDTH` shake hands at any moment.
"""

import contextlib
import os
import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

import paramiko

from provisioning.errors import HostRefusedError, HostUnavailableError
from provisioning.ssh.connect import CONNECT_SECONDS, Connection, ask_key, connect
from provisioning.ssh.errors import FAILURES, REFUSED, UNTOUCHED, about, make_cut
from provisioning.ssh.host_keys import HostKey
from provisioning.ssh.targets import SshTarget

WIDTH = 8
"""Of handshakes over all hosts, and what somebody who visits many hosts should not exceed."""

SESSIONS = 8
"""On one connection; OpenSSH allows ten (`MaxSessions`). A host that allows fewer tells."""

_ATTEMPTS = 3
_QUICK_SECONDS = 5.0


@dataclass(slots=True)
class _Shared:
    """A connection that several sessions use."""

    connection: Connection
    room: int = SESSIONS
    used: int = 0


@dataclass(slots=True)
class _Line:
    """The connections to one host."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    shared: list[_Shared] = field(default_factory=list)


class SshPool:
    """Hands out sessions; all methods may be called from several threads."""

    def __init__(self, width: int = WIDTH) -> None:
        self._width = width
        self._start_anew()

    def open_session(self, target: SshTarget) -> "Session":
        """Open a session on a connection that is there, or on a new one.

        Raises:
            HostUnavailableError, HostRefusedError, HostKeyError: As for `connect`.
        """
        line = self._line(target)
        while True:
            shared, is_new = self._claim(line, target)
            try:
                channel = shared.connection.open_session(timeout=CONNECT_SECONDS)
            except FAILURES as error:
                if _is_refusal(error) and shared.connection.is_active():
                    self._narrow(line, shared, target)
                    continue
                self._drop(line, shared)
                if is_new:
                    raise make_cut(target, error) from error
            else:
                give_back = partial(self._give_back, line, shared)
                return Session(channel, shared.connection, give_back)

    def connect_apart(self, target: SshTarget) -> Connection:
        """Open a connection that is the caller's own, to be closed by it.

        Raises:
            HostUnavailableError, HostRefusedError, HostKeyError: As for `connect`.
        """
        return self._connect(target)

    def ask_key(self, target: SshTarget) -> HostKey:
        """Ask a host for its key, through its jump host if it has one.

        Raises:
            HostUnavailableError: It does not answer.
            HostRefusedError, HostKeyError: Its jump host was not entered.
        """
        through = self._jump(target)
        with self._handshakes:
            return ask_key(target, through=through)

    def close(self) -> None:
        """Close every connection; the pool may be used again."""
        with self._lock:
            lines = list(self._lines.values())
            self._lines.clear()
        for line in lines:
            for shared in line.shared:
                shared.connection.close()

    def _start_anew(self) -> None:
        self._process = os.getpid()
        self._lock = threading.Lock()
        self._lines: dict[SshTarget, _Line] = {}
        self._handshakes = threading.BoundedSemaphore(self._width)

    def _line(self, target: SshTarget) -> _Line:
        if os.getpid() != self._process:
            self._start_anew()  # after a fork the threads that serve the connections are not here
        with self._lock:
            return self._lines.setdefault(target, _Line())

    def _claim(self, line: _Line, target: SshTarget) -> tuple[_Shared, bool]:
        """Give a connection with room for one more session, and whether it is new."""
        with line.lock:
            line.shared = [it for it in line.shared if it.connection.is_active()]
            for shared in line.shared:
                if shared.used < shared.room:
                    shared.used += 1
                    return shared, False
            shared = _Shared(self._connect(target), used=1)
            line.shared.append(shared)
            return shared, True

    def _connect(self, target: SshTarget) -> Connection:
        """Connect; a host that drops us at once, as sshd does when it is busy, is asked again."""
        for attempt in range(1, _ATTEMPTS + 1):
            start = time.monotonic()
            try:
                through = self._jump(target)
                with self._handshakes:
                    return connect(target, through=through)
            except HostUnavailableError:
                if attempt == _ATTEMPTS or time.monotonic() - start > _QUICK_SECONDS:
                    raise
                time.sleep(random.uniform(0.1, 0.4) * attempt)  # noqa: S311 - spreads, guards nothing
        raise AssertionError("unreachable")

    def _jump(self, target: SshTarget) -> Connection | None:
        """Give a connection to the jump host; forwarded lines do not count as its sessions."""
        if target.jump is None:
            return None
        line = self._line(target.jump)
        with line.lock:
            for shared in line.shared:
                if shared.connection.is_active():
                    return shared.connection
            shared = _Shared(self._connect(target.jump))
            line.shared.append(shared)
            return shared.connection

    @staticmethod
    def _narrow(line: _Line, shared: _Shared, target: SshTarget) -> None:
        """Note that a connection takes no more sessions than it has."""
        with line.lock:
            shared.used -= 1
            shared.room = shared.used
        if shared.room == 0:
            raise HostRefusedError(
                REFUSED,
                why="it opens no session for the account {user}",
                data=UNTOUCHED,
                next_step="allow sessions there (`MaxSessions` in sshd_config)",
                **about(target),
            )

    @staticmethod
    def _drop(line: _Line, shared: _Shared) -> None:
        with line.lock:
            if shared in line.shared:
                line.shared.remove(shared)
        shared.connection.close()

    @staticmethod
    def _give_back(line: _Line, shared: _Shared) -> None:
        with line.lock:
            shared.used -= 1


def _is_refusal(error: Exception) -> bool:
    """Tell a refused session from a broken line; of two at once paramiko names only one rightly."""
    return isinstance(error, paramiko.ChannelException) or str(error) == "Unable to open channel."


class Session:
    """A channel to a host, counted as long as it is open."""

    def __init__(
        self, channel: paramiko.Channel, connection: Connection, give_back: Callable[[], None]
    ) -> None:
        self.channel = channel
        self.connection = connection
        self._give_back = give_back

    def close(self) -> None:
        """Close it; once."""
        with contextlib.suppress(*FAILURES):
            self.channel.close()
        self._give_back()
