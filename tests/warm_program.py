"""Start `giucong` without its imports: each run is forked from a process that has made them.

What runs is the program itself in a process of its own, with its own arguments, environment and
standard streams, to the interpreter's usual end. Only modules are there already; none of them
defines tasks, for those read the language while they are imported. Tests of the start itself begin
the console script afresh.
"""

import array
import atexit
import gc
import json
import os
import pkgutil
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import NoReturn

from sqlalchemy.orm import configure_mappers

from tests.private_server import end

_ROOT = Path(__file__).parents[1]
_NEVER_BEFORE = ("ops.cli.", "ops.catalog.migrations.", "ops.language.build")
_IMPORTED_LATE = ("alembic.command", "apprise", "argon2", "boto3", "paramiko", "pyotp")
_WORD = 8


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
    order = json.dumps([*map(list, (command, environment.items()))]).encode()
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
    head, control, _, _ = line.recvmsg(_WORD, socket.CMSG_SPACE(3 * array.array("i").itemsize))
    streams = array.array("i")
    streams.frombytes(control[0][2])
    command, environment = json.loads(_receive(line, int.from_bytes(head, "big")))
    process = os.fork()
    if process:
        line.sendall(process.to_bytes(_WORD, "big"))
        _, status = os.waitpid(process, 0)
        line.sendall(status.to_bytes(_WORD, "big"))
        return False
    line.close()
    for wanted, stream in enumerate(streams):
        os.dup2(stream, wanted)
        os.close(stream)
    os.environ.clear()
    os.environ.update(environment)
    time.tzset()
    sys.argv = command
    sys.orig_argv = [sys.executable, *command]
    return True


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
    _become_ordered(socket.socket(fileno=int(sys.argv[1])))
    from ops.cli.main import main

    try:
        main()
    except SystemExit as ending:
        if not isinstance(ending.code, int | None):
            raise
        _leave(ending.code or 0)
    _leave(0)
