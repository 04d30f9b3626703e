"""A process that forks acts, for tests that have an office in their own process."""

import atexit
import os
import socket
import subprocess
import sys
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from ops.console.office.fork_server import ForkServer, Started
from tests.private_server import end

_SERVE = """
import os, socket
from ops.service.act_process import do_act
from ops.console.office.fork_server import serve_forks, warm_up
from ops.terminal.task import all_tasks

warm_up({{it.act.partition(":")[0] for it in all_tasks().values() if isinstance(it.act, str)}})
orders = socket.socket(fileno={descriptor})

def act(descriptors):
    environment = os.fdopen(descriptors.pop(0), "rb").read().decode().split(chr(0))
    os.environ.clear()
    os.environ.update(it.split("=", 1) for it in environment)
    return do_act(descriptors)

serve_forks(orders, act, grace=1)
"""


class EachWithOurEnvironment(ForkServer):
    """Starts acts in the environment that this process has then, as a child of it would."""

    def start(self, descriptors: Sequence[int], *, looks: bool) -> Started:
        told = os.memfd_create("environment", os.MFD_CLOEXEC)
        try:
            text = chr(0).join(f"{name}={value}" for name, value in os.environ.items())
            os.write(told, text.encode())
            os.lseek(told, 0, os.SEEK_SET)
            return super().start([*descriptors[:3], told, *descriptors[3:]], looks=looks)
        finally:
            os.close(told)


@cache
def forks() -> EachWithOurEnvironment:
    """Give it; started once a process, and ended with it."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    code = _SERVE.format(descriptor=theirs.fileno())
    process = subprocess.Popen(
        [sys.executable, "-c", code], cwd=Path(__file__).parents[1], pass_fds=[theirs.fileno()],
        env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},
    )  # fmt: skip
    theirs.close()
    atexit.register(end, process)
    atexit.register(ours.close)
    return EachWithOurEnvironment(ours)
