"""A command on a host reached through SSH, on a raw channel.

Holding what comes and goes over a channel to a bandwidth that others share.
"""

import contextlib
import signal
import threading
import time
from collections.abc import Callable
from typing import Any

import paramiko
from paramiko.common import cMSG_CHANNEL_REQUEST
from paramiko.message import Message

from provisioning.commands import (
    MOST_COMPLAINT_BYTES,
    Deadline,
    make_deaf,
    make_expired,
    make_flooding,
    make_silent,
    read_tail,
    take_output,
)
from provisioning.errors import ProvisioningError
from provisioning.hosts import Command, Completed
from provisioning.ssh.errors import FAILURES, make_cut
from provisioning.ssh.pool import Session
from provisioning.ssh.targets import SshTarget

_CHUNK = 1 << 20
_END_SECONDS = 2.0
_NO_STATUS = -1


class SshProcess:
    """See `provisioning.hosts.HostProcess`; one thread keeps its stderr from filling the window."""

    def __init__(
        self, session: Session, target: SshTarget, command: Command, line: bytes, deadline: Deadline
    ) -> None:
        """Start the command that `line` says on a new session.

        Raises:
            HostUnavailableError: The line was cut.
        """
        self._session = session
        self._channel = session.channel
        self._target = target
        self._command = command
        self._deadline = deadline
        self._input_is_open = True
        self._ahead = memoryview(b"")  # small reads of a full window cost paramiko dear
        try:
            self._channel.settimeout(self._deadline.patience())
            self._channel.exec_command(line)
        except FAILURES as error:
            raise make_cut(target, error) from error
        self._stderr = b""
        self._is_flooding = False
        self._complained_at = time.monotonic()
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()

    def read(self, size: int = -1) -> bytes:
        """See `HostProcess.read`."""
        if size < 0:
            parts = [bytes(self._ahead)]
            self._ahead = memoryview(b"")
            while data := self._receive(_CHUNK):
                parts.append(data)
            return b"".join(parts)
        if size and not self._ahead:
            received = self._receive(max(size, _CHUNK))
            if len(received) <= size:
                return received
            self._ahead = memoryview(received)
        data, self._ahead = bytes(self._ahead[:size]), self._ahead[size:]
        return data

    def bear_silence(self, seconds: float | None) -> None:
        """See `HostProcess.bear_silence`."""
        self._deadline.bear_silence(seconds)

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """See `HostProcess.write`. Returns when all is on its way; the window holds us back."""
        try:
            self._channel.settimeout(self._deadline.patience())
            self._channel.sendall(memoryview(data).cast("B"))  # type: ignore[arg-type]  # copies nothing
        except TimeoutError as error:
            raise self._expire() from error
        except FAILURES as error:
            if self._has_ended() or not self._input_is_open:
                raise self._explain_deafness() from error
            raise make_cut(self._target, error) from error

    def close_input(self) -> None:
        """See `HostProcess.close_input`."""
        self._input_is_open = False
        with contextlib.suppress(*FAILURES):
            self._channel.shutdown_write()

    def finish(self) -> Completed:
        """See `HostProcess.finish`."""
        for _ in take_output(self._target.name, self._command, self._receive):
            pass
        if not self._channel.status_event.wait(self._deadline.patience()):
            raise self._expire()
        self._listener.join(self._deadline.patience())
        if self._is_flooding:
            raise self._make_flooding()
        if self._listener.is_alive():
            raise self._expire()
        status = self._status()
        if status is None:
            raise make_cut(self._target)
        if self._deadline.ended_it(status):
            raise make_expired(self._target.name, self._command, self._deadline)
        return Completed(status, b"", self._stderr)

    def end(self) -> None:
        """End it there if it still runs, and give the session back."""
        try:
            for name in ("TERM", "KILL"):
                if self._channel.status_event.is_set():
                    break
                self._signal(name)
                self._channel.status_event.wait(_END_SECONDS)
        finally:
            self._session.close()
            self._session.connection.signals.pop(self._channel.get_id(), None)

    def _receive(self, size: int) -> bytes:
        if self._deadline.is_given_up():
            raise self._expire()
        try:
            self._channel.settimeout(self._deadline.patience())
            data = self._channel.recv(size)
        except TimeoutError as error:
            if self._deadline.is_recent(self._complained_at):
                return self._receive(size)
            raise self._expire() from error
        except FAILURES as error:
            raise make_cut(self._target, error) from error
        if not data:
            self._judge_end()
        return data

    def _judge_end(self) -> None:
        """Tell the end of stdout from a line that was cut: paramiko shows both alike."""
        if self._is_flooding:
            raise self._make_flooding()
        if not self._has_ended():
            raise make_cut(self._target)
        if self._deadline.is_over():
            raise make_expired(self._target.name, self._command, self._deadline)

    def _has_ended(self) -> bool:
        return bool(self._channel.eof_received) or self._status() is not None

    def _status(self) -> int | None:
        name = self._session.connection.signals.get(self._channel.get_id())
        if name is not None:
            number = getattr(signal, f"SIG{name}", None)
            return -int(number) if number is not None else -int(signal.SIGKILL)
        status = int(self._channel.exit_status)
        if status == _NO_STATUS and not self._target.has_shell and self._channel.eof_received:
            return 0  # devices tell no status; a line that was cut brings no end of file
        return None if status == _NO_STATUS else status

    def _explain_deafness(self) -> ProvisioningError:
        if self._deadline.is_over():
            return make_expired(self._target.name, self._command, self._deadline)
        return make_deaf(self._target.name, self._command)

    def _expire(self) -> ProvisioningError:
        """Give up a host that says nothing: the command's time is long over, or it is stuck."""
        silence = self._deadline.silence
        if silence is not None and not self._deadline.is_over():
            return make_silent(self._target.name, self._command, silence)
        return make_expired(self._target.name, self._command, self._deadline)

    def _make_flooding(self) -> ProvisioningError:
        return make_flooding(self._target.name, self._command, MOST_COMPLAINT_BYTES)

    def _end_flood(self) -> None:
        self._is_flooding = True
        self._channel.close()

    def _signal(self, name: str) -> None:
        """Send a signal (RFC 4254, 6.9) to the command and all it started; paramiko cannot."""
        request = Message()
        request.add_byte(cMSG_CHANNEL_REQUEST)
        request.add_int(self._channel.remote_chanid)
        request.add_string("signal")
        request.add_boolean(False)  # noqa: FBT003 - wants no reply
        request.add_string(name)
        with contextlib.suppress(*FAILURES):
            self._session.connection._send_user_message(request)  # type: ignore[attr-defined]  # noqa: SLF001 - paramiko has no public call for it

    def _listen(self) -> None:
        with contextlib.suppress(*FAILURES):
            self._stderr = read_tail(self._receive_stderr, self._end_flood)

    def _receive_stderr(self, size: int) -> bytes:
        while True:
            try:
                data = self._channel.recv_stderr(size)
            except TimeoutError:
                if self._channel.closed:
                    return b""
            else:
                self._complained_at = time.monotonic()
                return data


Pace = Callable[[int], None]
"""Told how many bytes have passed; returns when the next ones may."""

_PIECE = 1 << 18


class PacedChannel:
    """A channel whose bytes pass no faster than allowed; all else of it is as it was.

    What was received waits here, not there: once its window is full, the far end waits too. A
    piece is small enough that a thin line is never silent for long.
    """

    def __init__(self, channel: paramiko.Channel, pace: Pace) -> None:
        self._channel = channel
        self._pace = pace

    def recv(self, size: int) -> bytes:
        """Receive some bytes, and wait until they are covered."""
        data = self._channel.recv(min(size, _PIECE))
        self._pace(len(data))
        return data

    def sendall(self, data: bytes | memoryview) -> None:
        """Send all of it, piece by piece as it is covered."""
        left = memoryview(data).cast("B")
        for start in range(0, len(left), _PIECE):
            piece = left[start : start + _PIECE]
            self._pace(len(piece))
            self._channel.sendall(piece)  # type: ignore[arg-type]  # copies nothing

    def __getattr__(self, name: str) -> Any:
        return getattr(self._channel, name)
