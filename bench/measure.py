"""Run one command and measure its whole process tree.

Wall time is from the start of the command to its exit. CPU time is that of the command and of all
processes below it, orphans included. Memory is sampled by `bench.sampler`. Sources stay in the page
cache between runs; dirty pages of earlier work are written out first, so that one run does not pay
for another.
"""

import ctypes
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

import psutil

PR_SET_CHILD_SUBREAPER = 36
ORPHAN_PATIENCE = (
    5.0  # seconds; Python's resource tracker outlives its parent for some milliseconds
)
STDERR_SHOWN = 2000


class CommandFailedError(Exception):
    """A command ended with a status it should not have, or left processes behind."""


@dataclass(frozen=True, slots=True)
class Command:
    """What to run.

    Attributes:
        argv: Program and arguments.
        environment: Variables added to ours.
        folder: Working folder; ours when None.
        accepted: Exit statuses that mean success.
    """

    argv: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)
    folder: Path | None = None
    accepted: tuple[int, ...] = (0,)


@dataclass(frozen=True, slots=True)
class Measurement:
    """What one run took.

    Attributes:
        seconds: Wall time.
        cpu_seconds: User and system time of all processes.
        peak_bytes: Largest sum of the memory of all processes seen at one moment.
        is_pss: Whether `peak_bytes` is PSS throughout; else some of it is RSS.
    """

    seconds: float
    cpu_seconds: float
    peak_bytes: int
    is_pss: bool


def run(command: Command) -> str:
    """Run a command that is not measured and return its standard output.

    Raises:
        CommandFailedError: It ended with a status that is not accepted.
    """
    done = subprocess.run(
        command.argv,
        env={**os.environ, **command.environment},
        cwd=command.folder,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
    )
    _check_status(command, done.returncode, done.stderr)
    return done.stdout.decode()


def measure(command: Command) -> Measurement:
    """Run a command, wait for it and for all it started, and return the figures.

    Raises:
        CommandFailedError: It ended with a status that is not accepted, or left a process behind.
    """
    os.sync()
    before = set(psutil.Process().children())
    with _adopting_orphans(), tempfile.TemporaryFile() as errors, _sampler() as sampler:
        ignored = before | {psutil.Process(sampler.pid)}
        began = time.perf_counter()
        process = subprocess.Popen(
            command.argv,
            env={**os.environ, **command.environment},
            cwd=command.folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=errors,
            start_new_session=True,
        )
        try:
            _write_line(sampler, str(process.pid))
            _, status, usage = os.wait4(process.pid, 0)
            seconds = time.perf_counter() - began
            process.returncode = os.waitstatus_to_exitcode(status)
            orphans = _reap_orphans(command, ignored)
        except BaseException:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            raise
        memory = _stop(sampler)
        errors.seek(0)
        _check_status(command, process.returncode, errors.read())
    return Measurement(
        seconds=seconds,
        cpu_seconds=usage.ru_utime + usage.ru_stime + orphans,
        peak_bytes=memory["peak"],
        is_pss=bool(memory["is_pss"]),
    )


def _check_status(command: Command, status: int, errors: bytes) -> None:
    if status not in command.accepted:
        shown = errors.decode(errors="replace").strip()[-STDERR_SHOWN:]
        raise CommandFailedError(f"{' '.join(command.argv)} ended with status {status}\n{shown}")


@contextmanager
def _adopting_orphans() -> Iterator[None]:
    """Become the parent of descendants whose own parent ends, so that they are counted."""
    library = ctypes.CDLL(None, use_errno=True)
    library.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    try:
        yield
    finally:
        library.prctl(PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0)


def _reap_orphans(command: Command, ignored: set[psutil.Process]) -> float:
    """Wait for adopted processes and return their CPU seconds."""
    seconds = 0.0
    until = time.monotonic() + ORPHAN_PATIENCE
    while orphans := set(psutil.Process().children()) - ignored:
        for orphan in orphans:
            with suppress(ChildProcessError):
                done, _, usage = os.wait4(orphan.pid, os.WNOHANG)
                seconds += usage.ru_utime + usage.ru_stime if done else 0.0
        if time.monotonic() > until:
            names = ", ".join(f"{orphan.pid}" for orphan in orphans)
            raise CommandFailedError(f"{' '.join(command.argv)} left processes behind: {names}")
        time.sleep(0.005)
    return seconds


@contextmanager
def _sampler() -> Iterator[subprocess.Popen[bytes]]:
    program = Path(__file__).with_name("sampler.py")
    with subprocess.Popen(
        [sys.executable, "-I", "-S", str(program)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        bufsize=0,
    ) as sampler:
        try:
            _pipe(sampler.stdout).readline()
            yield sampler
        finally:
            sampler.kill()


def _stop(sampler: subprocess.Popen[bytes]) -> dict[str, int]:
    _pipe(sampler.stdin).close()
    found: dict[str, int] = json.loads(_pipe(sampler.stdout).read())
    return found


def _write_line(sampler: subprocess.Popen[bytes], line: str) -> None:
    _pipe(sampler.stdin).write(f"{line}\n".encode())


def _pipe(pipe: IO[bytes] | None) -> IO[bytes]:
    if pipe is None:
        raise AssertionError("the sampler was started with pipes")
    return pipe
