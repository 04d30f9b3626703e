"""`giucong` as others start it, but without its imports.

`python -I -S warm_client.py ADDRESS WORDS…` has the process at ADDRESS, of `warm_program`, fork the
program, with the words, variables, folder, open files, user and mounts of this one, which ends as
that one ends. Signals are passed on, and what kills this kills it. Before a terminal, or where that
process cannot be reached, the program is started afresh. Few modules are imported, for this is
where the program itself would be.
"""

import _socket
import marshal
import os
import signal
import sys

SOL_SOCKET, SCM_RIGHTS, WORD = 1, 1, 8


def _open_files() -> list[int]:
    """Give the numbers of what the program would have open: what is inherited, and the streams."""
    found = {0, 1, 2, *map(int, os.listdir("/proc/self/fd"))}  # noqa: PTH208 - pathlib takes long
    return sorted(it for it in found if _is_inherited(it))


def _is_inherited(descriptor: int) -> bool:
    try:
        return os.get_inheritable(descriptor)
    except OSError:  # what listed them is closed again
        return False


def _connect(address: str) -> "_socket.socket | None":
    line = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM)
    try:
        line.connect(bytes.fromhex(address))
    except OSError:  # of another network
        return None
    return line


def _receive_number(line: _socket.socket) -> int:
    received = b""
    while len(received) < WORD:
        more = line.recv(WORD - len(received))
        if not more:
            raise EOFError
        received += more
    return int.from_bytes(received, "big")


def main(address: str, program: str, words: list[str]) -> None:
    """Have it done."""
    files = _open_files()
    line = None if os.isatty(0) else _connect(address)
    if line is None:
        os.execv(sys.executable, [sys.executable, "-I", program, *words])  # noqa: S606 - no shell
    folder, umask = os.getcwd(), os.umask(0)  # noqa: PTH109 - the same
    os.umask(umask)
    order = marshal.dumps(([program, *words], [*os.environ.items()], folder, umask, files))
    sent = b"".join(it.to_bytes(4, sys.byteorder) for it in files)
    line.sendmsg([len(order).to_bytes(WORD, "big")], [(SOL_SOCKET, SCM_RIGHTS, sent)])
    line.sendall(order)
    process = _receive_number(line)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda it, _frame: os.kill(process, it))
    status = _receive_number(line)
    if os.WIFSIGNALED(status):
        ending = os.WTERMSIG(status)
        if ending != signal.SIGKILL:
            signal.signal(ending, signal.SIG_DFL)
        os.kill(os.getpid(), ending)
    os._exit(os.waitstatus_to_exitcode(status))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3:])
