"""Start `giucong` without its imports: each run is forked from a process that has made them.

What runs is the program itself in a process of its own, with its own arguments, environment and
standard streams, to the interpreter's usual end. Only modules are there already; none of them
defines tasks, for those read the language while they are imported. Tests of the start itself begin
the console script afresh.
"""

import array
import atexit
import ctypes
import fcntl
import gc
import marshal
import os
import pkgutil
import select
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import NoReturn

from sqlalchemy.orm import configure_mappers

from ops.runbooks import commands
from tests.private_server import end

_ROOT = Path(__file__).parents[1]
_NEVER_BEFORE = ("ops.cli.", "ops.catalog.migrations.", "ops.language.build")
_IMPORTED_LATE = ("alembic.command", "apprise", "argon2", "boto3", "paramiko", "pyotp")
_WORD = 8
_CLIENT = Path(__file__).with_name("warm_client.py")
_MOST_FILES = 64
_CLONE_NEWNS, _SET_PDEATHSIG, _SET_DUMPABLE = 0x20000, 1, 4


def run_warm(
    command: Sequence[str], environment: Mapping[str, str], timeout: float, answers: str = ""
) -> "subprocess.CompletedProcess[str]":
    """Run `giucong` with nobody at the terminal, as `subprocess.run` would with captured output.

    Args:
        command: The path of the console script, which the program sees as its own, and its words.
        environment: All of its environment.
        timeout: Seconds after which it is killed.
        answers: What a script answers to its questions, one a line; then nobody does.

    Raises:
        subprocess.TimeoutExpired: It was killed.
    """
    folder, umask = str(Path.cwd()), os.umask(0)
    os.umask(umask)
    order = marshal.dumps(([*command], [*environment.items()], folder, umask, [0, 1, 2]))
    with (
        socket.socket(socket.AF_UNIX) as line,
        os.fdopen(os.memfd_create("stdin"), "w+b") as typed,
        os.fdopen(os.memfd_create("stdout"), "w+b") as output,
        os.fdopen(os.memfd_create("stderr"), "w+b") as errors,
    ):
        line.connect(_nursery())
        os.pwrite(typed.fileno(), answers.encode(), 0)
        streams = array.array("i", [typed.fileno(), output.fileno(), errors.fileno()])
        line.sendmsg(
            [len(order).to_bytes(_WORD, "big")], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, streams)]
        )
        line.sendall(order)
        process = _receive_number(line)
        line.settimeout(timeout)
        try:
            status = _receive_number(line)
        except TimeoutError as error:
            os.kill(process, signal.SIGKILL)
            raise subprocess.TimeoutExpired([*command], timeout) from error
        code = os.waitstatus_to_exitcode(status)
        texts = [os.pread(it.fileno(), os.fstat(it.fileno()).st_size, 0) for it in (output, errors)]
    return subprocess.CompletedProcess([*command], code, *(text.decode() for text in texts))


@cache
def _nursery() -> str:
    """Start the process that has imported everything; gives the address it listens at.

    It ends when its standard input does, which is when this process has gone, however it went.
    """
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("")  # the kernel chooses a name that nobody has
        listener.listen()
        descriptor = listener.fileno()
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.warm_program", str(descriptor)],
            cwd=_ROOT, stdin=subprocess.PIPE, pass_fds=[descriptor],
            env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},  # a fork keeps no threads
        )  # fmt: skip
        atexit.register(end, process)
        address: str = listener.getsockname()
    return address


def warm_words(program: Path) -> list[str]:
    """Give the words that start `giucong` without its imports, as another user and elsewhere, too.

    Args:
        program: The path of the console script, which the program sees as its own.
    """
    return _words_at(_nursery(), program)


def _words_at(address: str | bytes, program: Path) -> list[str]:
    at = address.encode() if isinstance(address, str) else address
    return [sys.executable, "-I", "-S", str(_CLIENT), at.hex(), str(program)]


def _receive(line: socket.socket, length: int) -> bytes:
    received = b""
    while len(received) < length:
        more = line.recv(length - len(received))
        if not more:
            raise EOFError
        received += more
    return received


def _receive_number(line: socket.socket) -> int:
    return int.from_bytes(_receive(line, _WORD), "big")


# In the process that has imported everything ----------------------------------------------------


def _import_everything() -> None:
    for module in pkgutil.walk_packages(import_module("ops").__path__, "ops."):
        if not module.name.startswith(_NEVER_BEFORE) and ".tasks" not in module.name:
            import_module(module.name)
    for name in _IMPORTED_LATE:
        import_module(name)
    configure_mappers()  # of tables, which else waits for the first statement
    gc.collect()
    gc.freeze()


def _start_tasks_warm(address: str | bytes) -> None:
    """Have a runbook's steps start the program as its begin was."""
    afresh = commands.find_start

    def find_start(word: str) -> list[str]:
        found = afresh(word)
        return _words_at(address, Path(found[-1])) if found and word in commands.TASKS else found

    commands.find_start = find_start


def _become_ordered(listener: socket.socket) -> None:
    """Fork for each order, until the starter has gone; comes back in the process that runs it."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    while True:
        ready, _, _ = select.select([sys.stdin, listener], [], [])
        if sys.stdin in ready:
            os._exit(0)
        line, _ = listener.accept()
        if os.fork() == 0:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            listener.close()
            if _carry_out(line):
                return
            os._exit(0)
        line.close()


def _carry_out(line: socket.socket) -> bool:
    """Fork once more, and tell how that process ended; true in it."""
    size = _MOST_FILES * array.array("i").itemsize
    head, control, _, _ = line.recvmsg(_WORD, socket.CMSG_SPACE(size))
    streams = array.array("i")
    streams.frombytes(control[0][2])
    order = marshal.loads(_receive(line, int.from_bytes(head, "big")))  # noqa: S302 - of our own
    asker = struct.unpack("3i", line.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
    process = os.fork()
    if process:
        line.sendall(process.to_bytes(_WORD, "big"))
        _kill_with(line, process)
        _, status = os.waitpid(process, 0)
        with suppress(OSError):  # it has gone, and so has this
            line.sendall(status.to_bytes(_WORD, "big"))
        return False
    line.close()
    command, environment, folder, umask, places = order
    _put(streams, places)
    _become(*asker)
    os.chdir(folder)
    os.umask(umask)
    os.environ.clear()
    os.environ.update(environment)
    time.tzset()
    for number, (name, mode) in enumerate((("stdin", "r"), ("stdout", "w"), ("stderr", "w"))):
        stream = os.fdopen(number, mode, encoding="utf-8", closefd=False)
        setattr(sys, name, stream)  # the former one knows what stood there before
        setattr(sys, f"__{name}__", stream)
    sys.argv = command
    sys.orig_argv = [sys.executable, *command]
    return True


def _kill_with(line: socket.socket, process: int) -> None:
    """Wait for the end of a process, and kill it when who asked for it has gone."""
    ended = os.pidfd_open(process)
    ready, _, _ = select.select([line.fileno(), ended], [], [])
    if ended not in ready:
        os.kill(process, signal.SIGKILL)
    os.close(ended)


def _put(streams: Sequence[int], places: Sequence[int]) -> None:
    """Put what was handed over at the numbers it had, aside of which all are first."""
    aside = [fcntl.fcntl(it, fcntl.F_DUPFD_CLOEXEC, max(places) + 1) for it in streams]
    for it in streams:
        os.close(it)
    for wanted, stream in zip(places, aside, strict=True):
        os.dup2(stream, wanted)
        os.close(stream)


def _become(asker: int, user: int, group: int) -> None:
    """Take on mounts and user of a process, and die with who has forked us."""
    libc = ctypes.CDLL(None, use_errno=True)
    there = f"/proc/{asker}/ns/mnt"
    if os.geteuid() == 0:
        said = Path(f"/proc/{asker}/status").read_text().partition("\nGroups:")[2]
        groups = [int(it) for it in said.partition("\n")[0].split()]
        if os.stat(there).st_ino != os.stat("/proc/self/ns/mnt").st_ino:  # noqa: PTH116 - no path
            mounts = os.open(there, os.O_RDONLY)
            if libc.setns(mounts, _CLONE_NEWNS):  # os.setns is of Python 3.12
                raise OSError(ctypes.get_errno(), "setns")
            os.close(mounts)
        if user:
            os.setgroups(groups)
            os.setresgid(group, group, group)
            os.setresuid(user, user, user)
            libc.prctl(_SET_DUMPABLE, 1)  # as after the start of a program
    libc.prctl(_SET_PDEATHSIG, signal.SIGKILL)


def _leave(code: int) -> NoReturn:
    """Do all that the interpreter does at its end but to take down what was imported.

    That would touch, and so copy, each page that is shared with who has forked us.
    """
    threading._shutdown()  # type: ignore[attr-defined]  # who waits for threads
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


if __name__ == "__main__":
    _import_everything()
    entrance = socket.socket(fileno=int(sys.argv[1]))
    _start_tasks_warm(entrance.getsockname())
    _become_ordered(entrance)
    from ops.cli.main import main

    try:
        main()
    except SystemExit as ending:
        if not isinstance(ending.code, int | None):
            raise
        _leave(ending.code or 0)
    _leave(0)
