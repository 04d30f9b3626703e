"""Hosts for tests that are this machine: as they are, with tools missing, or cut off halfway."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from provisioning.errors import HostUnavailableError
from provisioning.hosts import Command, Completed, HostProcess
from provisioning.local_host import LocalHost


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
        if self._left <= 0:
            raise HostUnavailableError("the line was cut")
        data = self._inner.read(min(size, self._left) if size >= 0 else self._left)
        self._left -= len(data)
        return data

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self._inner.write(data)

    def close_input(self) -> None:
        self._inner.close_input()

    def finish(self) -> Completed:
        if self._left <= 0:
            raise HostUnavailableError("the line was cut")
        return self._inner.finish()


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
