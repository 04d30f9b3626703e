"""Hosts for tests that are this machine: as they are, with tools missing, or cut off halfway."""

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from provisioning.hosts import Command, Completed, HostProcess
from provisioning.local_host import LocalHost
from provisioning.ssh.errors import make_cut
from provisioning.ssh.targets import SshTarget

_TARGET = SshTarget("web1", "192.0.2.10")


class CutHost(LocalHost):
    """Its line is cut after so many bytes of what a command prints.

    Attributes:
        after: How many bytes still come through.
        only: Whether a command is one of those that are cut; all unless given.
    """

    def __init__(self, after: int, only: Callable[[Command], bool] = lambda _: True) -> None:
        super().__init__("web1")
        self.after = after
        self.only = only

    @contextmanager
    def start(self, command: Command, *, timeout: float | None = None) -> Iterator[HostProcess]:  # type: ignore[override]  # a process that is cut is still one
        with super().start(command, timeout=timeout) as process:
            yield _CutProcess(process, self.after) if self.only(command) else process


class _CutProcess:
    def __init__(self, inner: HostProcess, left: int) -> None:
        self._inner = inner
        self._left = left

    def read(self, size: int = -1) -> bytes:
        if size < 0:
            pieces = []
            while piece := self.read(1 << 16):
                pieces.append(piece)
            return b"".join(pieces)
        if self._left <= 0:
            raise make_cut(_TARGET)
        data = self._inner.read(min(size, self._left))
        self._left -= len(data)
        return data

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self._inner.write(data)

    def bear_silence(self, seconds: float | None) -> None:
        self._inner.bear_silence(seconds)

    def close_input(self) -> None:
        self._inner.close_input()

    def finish(self) -> Completed:
        if self._left <= 0:
            raise make_cut(_TARGET)
        return self._inner.finish()


class BareHost(LocalHost):
    """It has BusyBox's tools and no others."""

    def __init__(self, folder: Path) -> None:
        """Make the tools in a folder."""
        super().__init__("web1")
        program = shutil.which("busybox")
        assert program is not None, "busybox is missing: apt-get install busybox-static"
        if not folder.is_dir():
            folder.mkdir()
            subprocess.run([program, "--install", "-s", folder], check=True)
        self._words = [os.fsencode(shutil.which("env") or ""), b"PATH=" + os.fsencode(folder)]

    @contextmanager
    def start(self, command: Command, *, timeout: float | None = None) -> Iterator[HostProcess]:  # type: ignore[override]  # a process is a process
        program = [self._words[1][5:] + b"/" + command[0], *command[1:]]
        with super().start([*self._words, *program], timeout=timeout) as process:
            yield process


class MeddlingHost(LocalHost):
    """Calls back each time a command has printed something: the moment to change a file."""

    def __init__(self, meddle: Callable[[bytes], None]) -> None:
        super().__init__("web1")
        self._meddle = meddle

    @contextmanager
    def start(self, command: Command, *, timeout: float | None = None) -> Iterator[HostProcess]:  # type: ignore[override]  # a process that is watched is still one
        with super().start(command, timeout=timeout) as process:
            yield _WatchedProcess(process, self._meddle)


class _WatchedProcess(_CutProcess):
    def __init__(self, inner: HostProcess, meddle: Callable[[bytes], None]) -> None:
        super().__init__(inner, 1 << 60)
        self._meddle = meddle

    def read(self, size: int = -1) -> bytes:
        data = super().read(size)
        self._meddle(data)
        return data
