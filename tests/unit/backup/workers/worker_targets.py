"""What the workers of `test_processes` do."""

import os
import signal
import sys
import time

from backup.errors import StoreFullError
from backup.workers.processes import Channel, Message


def echo(setup: Message, channel: Channel) -> None:
    """Give back the setup, then every message."""
    channel.send(setup)
    while (message := channel.receive()) is not None:
        channel.send(message)


def chatter(setup: Message, channel: Channel) -> None:
    """Say much more than a pipe holds before listening at all, as a pack's blobs may."""
    for _ in range(setup):
        channel.send(b"x" * 100_000)
    while (message := channel.receive()) is not None:
        channel.send(len(message))


def fail(_setup: Message, channel: Channel) -> None:
    """Fail with an error of ours at the first message."""
    channel.receive()
    raise StoreFullError("no room for {key}", next_step="make room", key="data/ab", size=7)


def crash(_setup: Message, channel: Channel) -> None:
    """End without a word at the first message."""
    channel.receive()
    os._exit(9)


def die_in_the_middle_of_a_message(_setup: Message, channel: Channel) -> None:
    """Begin a long message and be killed."""
    channel.receive()
    os.write(channel._writer, (1_000_000).to_bytes(4, "little") + b"only this")
    os.kill(os.getpid(), signal.SIGKILL)


def report(_setup: Message, channel: Channel) -> None:
    """Tell about the process itself, and print something on the way."""
    print("a stray print")
    status = dict(line.split(":", 1) for line in open("/proc/self/status"))  # noqa: PTH123, SIM115 -- the test needs it so
    channel.send(
        {
            "pid": os.getpid(),
            "arguments": sys.argv,
            "path": sys.path,
            "ignores_sigint": signal.getsignal(signal.SIGINT) == signal.SIG_IGN,
            "dumper": status["CoreDumping"].strip(),
            "owner_of_proc": os.stat(f"/proc/{os.getpid()}/environ").st_uid,  # noqa: PTH116 -- the test needs it so
        }
    )
    channel.receive()


def sleep(_setup: Message, channel: Channel) -> None:
    """Tell the process id and wait."""
    channel.send(os.getpid())
    time.sleep(600)
