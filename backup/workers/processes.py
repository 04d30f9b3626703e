"""Worker processes: how the engine uses more than one core.

Threads of one interpreter fight over it on small files; processes do not. A worker is a fresh
interpreter (never a fork), started only when there is work. It gets its keys over its pipe, never
through arguments or environment, cannot be dumped by other processes of the user, and dies with
its parent. Messages are marshalled values behind a four-byte length; both ends are this very
program, and the pipe belongs to them alone.

A worker's function has the form ``serve(setup, channel)``: it loops over `channel.receive()` until
that gives None, and answers through `channel.send()`.
"""

import ctypes
import fcntl
import importlib
import marshal
import os
import select
import selectors
import signal
import struct
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from backup import errors
from backup.workers.core_dumps import forbid_core_dumps
from backup.workers.memory import calm_collector

# What marshal can carry: None, numbers, bytes, text, and lists, tuples and dicts of these.
Message = Any
_LENGTH = struct.Struct("<I")
_LATER: Message = object()
_PIPE_SIZE = 1 << 20
_F_SETPIPE_SZ = 1031
_PR_SET_PDEATHSIG = 1
_PASSWORDS = frozenset({"RESTIC_PASSWORD", "RESTIC_FROM_PASSWORD"})
# Without these, glibc gives every big buffer back to the kernel and faults its pages in again.
_MALLOC = {"MALLOC_MMAP_THRESHOLD_": str(32 << 20), "MALLOC_TRIM_THRESHOLD_": str(256 << 20)}


class WorkerDiedError(errors.BackupError):
    """A worker process ended without being asked to."""


class Channel:
    """A worker's end of its pipe."""

    def __init__(self, reader: int, writer: int) -> None:
        self._reader = os.fdopen(reader, "rb", buffering=1 << 16)
        self._writer = writer

    def receive(self) -> Message | None:
        """Wait for the next message; None once the parent has closed the pipe."""
        head = self._reader.read(_LENGTH.size)
        if len(head) < _LENGTH.size:
            return None
        (length,) = _LENGTH.unpack(head)
        body = self._reader.read(length)
        return marshal.loads(body) if len(body) == length else None  # noqa: S302 -- our own parent

    def send(self, message: Message) -> None:
        """Send one message to the parent."""
        _write_all(self._writer, _frame(message))


class Worker:
    """The parent's end of one worker."""

    def __init__(self, target: str, pass_fds: Sequence[int]) -> None:
        root = str(Path(__file__).resolve().parents[2])
        paths = [root, *filter(None, [os.environ.get("PYTHONPATH")])]
        with _interrupts_held():
            self._process = subprocess.Popen(
                # -P: whatever lies in the working folder is no module of ours.
                [sys.executable, "-P", "-m", "backup.workers.processes", target, str(os.getpid())],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                bufsize=0,
                pass_fds=tuple(pass_fds),
                env=_environment(paths),
                start_new_session=False,
            )
        assert self._process.stdin is not None  # noqa: S101 -- both were asked for above
        assert self._process.stdout is not None  # noqa: S101 -- as above
        self._stdin, self._stdout = self._process.stdin, self._process.stdout
        for pipe in (self._stdin, self._stdout):
            with suppress(OSError):  # a user may be out of pipe memory; small pipes work too
                fcntl.fcntl(pipe.fileno(), _F_SETPIPE_SZ, _PIPE_SIZE)
            os.set_blocking(pipe.fileno(), False)
        self._received = bytearray()
        self._has_ended = False

    def fileno(self) -> int:
        """The descriptor that becomes readable when the worker has said something."""
        return self._stdout.fileno()

    def send(self, message: Message) -> None:
        """Send one message; takes in what the worker says meanwhile, so that none waits for ever.

        Raises:
            WorkerDiedError: The worker is gone.
        """
        view = memoryview(_frame(message))
        try:
            while view:
                try:
                    view = view[os.write(self._stdin.fileno(), view) :]
                except BlockingIOError:
                    self._wait_for_room()
                    self._fill()
        except OSError as error:
            for _ in self.messages():  # its own words, if it left any
                pass
            raise self._died() from error

    def _wait_for_room(self) -> None:
        waiting = select.poll()
        waiting.register(self._stdin.fileno(), select.POLLOUT)
        if not self._has_ended:
            waiting.register(self._stdout.fileno(), select.POLLIN)
        waiting.poll()

    @property
    def has_message(self) -> bool:
        """Whether a whole message has been taken in already."""
        if len(self._received) < _LENGTH.size:
            return False
        (length,) = _LENGTH.unpack_from(self._received)
        return len(self._received) >= _LENGTH.size + int(length)

    def messages(self) -> Iterator[Message]:
        """Yield what has arrived, without waiting.

        Raises:
            WorkerDiedError: The worker ended; also when it failed with an error of ours, which
                is then raised itself.
        """
        self._fill()
        if self._has_ended and not self.has_message:
            raise self._died()
        while self.has_message:
            (length,) = _LENGTH.unpack_from(self._received)
            end = _LENGTH.size + length
            message = marshal.loads(memoryview(self._received)[_LENGTH.size : end])  # noqa: S302 -- our own child
            del self._received[:end]
            if isinstance(message, tuple) and message[0] == "error":
                raise _rebuild_error(message)
            yield message

    def _fill(self) -> None:
        while True:
            try:
                piece = os.read(self._stdout.fileno(), _PIPE_SIZE)
            except BlockingIOError:
                return
            if not piece:
                self._has_ended = True
                return
            self._received += piece

    def _died(self) -> WorkerDiedError:
        return WorkerDiedError(
            "a worker process ended by itself",
            why="it ended with status {code}",
            data="nothing that was stored before is touched",
            next_step="run the command again",
            code=self._process.wait(),
        )

    def close(self) -> None:
        """Close its pipe, so that it ends, and wait for that."""
        self._stdin.close()
        self._stdout.close()
        self._process.wait()

    def dismiss(self) -> None:
        """Have it end at once; `close` waits for that."""
        with suppress(ProcessLookupError):
            self._process.kill()


def _environment(paths: Sequence[str]) -> dict[str, str]:
    """Give our environment without the passwords in it: workers get their keys over the pipe."""
    left = {name: it for name, it in os.environ.items() if name not in _PASSWORDS}
    return {**left, **_MALLOC, "PYTHONPATH": os.pathsep.join(paths)}


class Pool:
    """Several equal workers."""

    def __init__(
        self,
        target: str,
        setup: Message = _LATER,
        *,
        width: int,
        pass_fds: Sequence[int] = (),
        own_fds: Sequence[int] = (),
    ) -> None:
        """Start `width` workers that run `target` ("module:function").

        Args:
            target: The serving function.
            setup: Its first argument; without it the workers wait for `begin`. May hold secrets,
                since it goes over the pipe.
            width: How many.
            pass_fds: Descriptors the workers inherit under the same numbers.
            own_fds: One more for each worker, that no other inherits; or none.
        """
        owned = [own_fds[number : number + 1] for number in range(width)]
        self.workers = [Worker(target, (*pass_fds, *own)) for own in owned]
        self._selector = selectors.DefaultSelector()
        for worker in self.workers:
            self._selector.register(worker.fileno(), selectors.EVENT_READ, worker)
        if setup is not _LATER:
            self.begin(setup)

    def begin(self, setup: Message) -> None:
        """Give the workers the first argument of their function, which they have waited for."""
        try:
            for worker in self.workers:
                worker.send(setup)
        except BaseException:
            self.kill()
            raise

    def poll(self, timeout: float | None = None) -> Iterator[tuple[Worker, Message]]:
        """Wait until some worker has said something, and yield all that arrived.

        Args:
            timeout: Seconds to wait at most; None for ever, 0 not at all.
        """
        heard = [worker for worker in self.workers if worker.has_message]
        ready = self._selector.select(0 if heard else timeout)
        for worker in dict.fromkeys([*heard, *(key.data for key, _ in ready)]):
            for message in worker.messages():
                yield worker, message

    def close(self) -> None:
        """Let all workers end, and wait."""
        self._selector.close()
        for worker in self.workers:
            worker.close()

    def kill(self) -> None:
        """End all workers at once."""
        self._selector.close()
        self.dismiss()
        for worker in self.workers:
            worker.close()

    def dismiss(self) -> None:
        """Have all workers end at once, without waiting: giving back memory takes them a while."""
        for worker in self.workers:
            worker.dismiss()


def worker_count() -> int:
    """How many workers suit this machine: one for each core we may use, at most eight."""
    return max(1, min(8, len(os.sched_getaffinity(0))))


def _frame(message: Message) -> bytes:
    body = marshal.dumps(message)
    return _LENGTH.pack(len(body)) + body


def _write_all(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


def _error_message(error: errors.BackupError) -> Message:
    params = {
        key: value if isinstance(value, (int, str)) else str(value)
        for key, value in error.params.items()
    }
    parts = (error.what, error.why, error.data, error.next_step)
    return ("error", type(error).__name__, parts, params)


def _rebuild_error(message: tuple[str, str, tuple[str, str, str, str], Any]) -> errors.BackupError:
    _, name, (what, why, data, next_step), params = message
    kind = getattr(errors, name, errors.BackupError)
    error: errors.BackupError = kind(what, why=why, data=data, next_step=next_step, **params)
    return error


def _protect(parent: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    forbid_core_dumps()
    if os.getppid() != parent:  # it died before we could ask
        sys.exit(1)


@contextmanager
def _interrupts_held() -> Iterator[None]:
    """Have what is started meanwhile hear no interrupt before it has said what that means to it."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def main(arguments: Sequence[str]) -> None:
    """Run a worker: `arguments` are the serving function and the parent's process id."""
    target, parent = arguments
    _protect(int(parent))
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides what an interrupt means
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    signal.signal(signal.SIGHUP, signal.SIG_IGN)  # nor a terminal that closes: so does the parent
    calm_collector()
    channel = Channel(os.dup(0), os.dup(1))
    os.dup2(2, 1)  # a stray print must not break the protocol
    module, _, function = target.partition(":")
    serve: Callable[[Message, Channel], None] = getattr(importlib.import_module(module), function)
    try:
        serve(channel.receive(), channel)
    except errors.BackupError as error:
        channel.send(_error_message(error))
    except BrokenPipeError:
        sys.exit(1)


if __name__ == "__main__":
    main(sys.argv[1:])
