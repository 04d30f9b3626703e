"""This machine as a host: commands are its own processes."""

import contextlib
import os
import signal
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO

from provisioning.commands import (
    MOST_COMPLAINT_BYTES,
    Deadline,
    RunsToEnd,
    make_deaf,
    make_expired,
    make_flooding,
    make_words,
    read_tail,
    take_output,
)
from provisioning.errors import CommandError
from provisioning.hosts import Command, Completed

_END_SECONDS = 2.0


class LocalHost(RunsToEnd):
    """This machine; see `provisioning.hosts.Host`."""

    def __init__(self, name: str = "localhost") -> None:
        self._name = name

    @property
    def name(self) -> str:
        """See `Host.name`."""
        return self._name

    @contextmanager
    def start(self, command: Command, *, timeout: float | None = None) -> Iterator["LocalProcess"]:
        """See `Host.start`."""
        process = LocalProcess(self._name, command, timeout)
        try:
            yield process
        finally:
            process.end()


class LocalProcess:
    """A process of this machine; see `provisioning.hosts.HostProcess`."""

    def __init__(self, host: str, command: Command, timeout: float | None) -> None:
        """Start it as the leader of a session of its own.

        Raises:
            CommandError: It cannot be started.
        """
        self._host = host
        self._command = command
        words = make_words(command, timeout=timeout)
        self._deadline = Deadline(timeout)
        try:
            self._process = subprocess.Popen(
                words,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                start_new_session=True,
                bufsize=0,
            )
        except OSError as error:
            raise CommandError(
                "`{words}` cannot be started on this machine",
                why="{reason}",
                data="nothing was started",
                next_step="is the program installed? Else correct its name or path",
                words=command[0],
                reason=error.strerror or str(error),
            ) from error
        self._stderr = b""
        self._is_flooding = False
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()

    def read(self, size: int = -1) -> bytes:
        """See `HostProcess.read`."""
        data = _pipe(self._process.stdout).read(size)
        if not data and size:
            self._judge_end()
        return data

    def _judge_end(self) -> None:
        """Tell an end of stdout that the command made from one that we made."""
        if self._is_flooding:
            raise make_flooding(self._host, self._command, MOST_COMPLAINT_BYTES)
        if self._deadline.is_over():
            raise make_expired(self._host, self._command, self._deadline)

    def bear_silence(self, seconds: float | None) -> None:
        """See `HostProcess.bear_silence`; here nobody is hurried."""

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """See `HostProcess.write`."""
        pipe = _pipe(self._process.stdin)
        left = memoryview(data).cast("B")
        try:
            while left:
                left = left[pipe.write(left) :]
        except (OSError, ValueError) as error:
            if self._deadline.is_over():
                raise make_expired(self._host, self._command, self._deadline) from error
            raise make_deaf(self._host, self._command) from error

    def close_input(self) -> None:
        """See `HostProcess.close_input`."""
        with contextlib.suppress(OSError):
            _pipe(self._process.stdin).close()

    def finish(self) -> Completed:
        """See `HostProcess.finish`."""
        for _ in take_output(self._host, self._command, _pipe(self._process.stdout).read):
            pass
        status = self._process.wait()
        self._listener.join()
        if self._is_flooding:
            raise make_flooding(self._host, self._command, MOST_COMPLAINT_BYTES)
        if self._deadline.ended_it(status):
            raise make_expired(self._host, self._command, self._deadline)
        return Completed(status, b"", self._stderr)

    def end(self) -> None:
        """End it and all it started, if it still runs; give its pipes back."""
        if self._process.poll() is None:
            self._signal(signal.SIGTERM)
            try:
                self._process.wait(_END_SECONDS)
            except subprocess.TimeoutExpired:
                self._signal(signal.SIGKILL)
                self._process.wait()
        self.close_input()
        self._listener.join(_END_SECONDS)
        for pipe in (self._process.stdout, self._process.stderr):
            _pipe(pipe).close()

    def _signal(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, number)

    def _listen(self) -> None:
        with contextlib.suppress(OSError, ValueError):
            self._stderr = read_tail(_pipe(self._process.stderr).read, self._end_flood)

    def _end_flood(self) -> None:
        self._is_flooding = True
        self._signal(signal.SIGKILL)


def _pipe(pipe: IO[bytes] | None) -> IO[bytes]:
    if pipe is None:
        raise AssertionError("every process is started with three pipes")
    return pipe
