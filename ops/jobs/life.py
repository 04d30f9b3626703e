"""Tie a worker's life to its parent's, and its children's lives to its own.

The kernel kills the worker when the service dies (PR_SET_PDEATHSIG). What the worker started is
killed by a guard: a shell in the worker's process group that reads from a pipe only the worker
holds open, and ends the group when the pipe closes.
"""

import ctypes
import os
import signal
import subprocess

_PR_SET_PDEATHSIG = 1  # Source: linux/prctl.h


def die_with_parent(parent: int) -> None:
    """Have the kernel kill this process when its parent dies; exit at once if it has already.

    Args:
        parent: Process id of the parent as it was when it started this process.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG)")
    if os.getppid() != parent:
        os._exit(os.EX_UNAVAILABLE)


def guard_group() -> subprocess.Popen[bytes]:
    """End this process's group when this process ends; it must lead the group.

    Processes forked from this one let go of the pipe, so that they cannot keep the guard waiting.

    Returns:
        The guard; `dismiss` it before an orderly end.
    """
    reading, writing = os.pipe()
    script = 'read -r _; kill -s KILL -- "-$0"'
    guard = subprocess.Popen(["/bin/sh", "-c", script, str(os.getpid())], stdin=reading)
    os.close(reading)
    os.register_at_fork(after_in_child=lambda: os.close(writing))
    return guard


def dismiss(guard: subprocess.Popen[bytes]) -> None:
    """Send the guard home without harm to the group, and leave no zombie behind."""
    guard.kill()
    guard.wait()
