"""A host that is connected, and whose command falls silent: given up in time, and only then."""

import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from backup.errors import SourceError
from backup.sources.remote.command_output import open_command_output
from provisioning.commands import Deadline
from provisioning.errors import CommandError
from provisioning.hosts import Command
from provisioning.ssh.host import SshHost
from provisioning.ssh.pool import SshPool
from tests.ssh_server import SshServer, make_ssh_server, ssh_server

__all__ = ["make_ssh_server", "ssh_server"]

pytestmark = pytest.mark.slow

SILENCE = 0.5
STOPS_ITSELF = "echo begun; kill -STOP $$; echo never"

HostMaker = Callable[[float], SshHost]


@pytest.fixture
def make_host(ssh_server: SshServer) -> Iterator[HostMaker]:
    pool = SshPool()
    yield lambda seconds: SshHost(ssh_server.target(silence_seconds=seconds), pool)
    pool.close()


def shell(script: str, mark: str = "sh") -> list[bytes]:
    return [b"sh", b"-c", script.encode(), mark.encode()]


def lives(mark: str) -> bool:
    """Whether a process has the mark among its arguments."""
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            if mark.encode() in path.read_bytes().split(b"\0"):
                return True
    return False


def test_a_command_that_is_stopped_there_is_given_up_and_ended(make_host: HostMaker) -> None:
    mark = f"im-lang-{time.monotonic_ns()}"
    host, asked_at = make_host(SILENCE), time.monotonic()
    with host.start(shell(STOPS_ITSELF, mark)) as process:
        assert process.read(100) == b"begun\n"
        assert lives(mark)
        with pytest.raises(CommandError) as caught:
            process.read(100)
        assert time.monotonic() - asked_at >= SILENCE
    deadline = time.monotonic() + 30
    while lives(mark) and time.monotonic() < deadline:
        time.sleep(0.02)

    assert not lives(mark)
    error = caught.value
    assert f"on the host web1 said nothing for {SILENCE} seconds and was ended" in str(error)
    assert "silence_minutes" in error.next_step
    assert host.run([b"echo", b"again"]).stdout == b"again\n"


def read_all(host: SshHost, command: Command) -> None:
    """Read what a command prints as a backup does."""
    buffer = memoryview(bytearray(100))
    with open_command_output(host, command) as reader:
        while reader.readinto(buffer):
            pass


def test_a_backup_of_it_fails_and_says_that_earlier_ones_are_safe(make_host: HostMaker) -> None:
    with pytest.raises(SourceError) as caught:
        read_all(make_host(SILENCE), shell(STOPS_ITSELF))

    assert "said nothing" in str(caught.value)
    assert caught.value.data == "no snapshot was made; earlier ones are untouched"


def test_a_reader_that_takes_its_time_makes_nobody_silent(make_host: HostMaker) -> None:
    with make_host(SILENCE).start(shell("echo one; exec cat")) as process:
        time.sleep(3 * SILENCE)
        assert process.read(100) == b"one\n"
        process.close_input()
        assert process.finish().status == 0


def test_one_that_may_take_longer_is_waited_for(make_host: HostMaker) -> None:
    with make_host(SILENCE).start(shell(f"sleep {3 * SILENCE}; echo counted")) as process:
        process.bear_silence(300)
        assert process.read(100) == b"counted\n"


def test_what_has_a_time_limit_of_its_own_is_left_alone(make_host: HostMaker) -> None:
    ended = make_host(SILENCE).run(shell(f"sleep {3 * SILENCE}; echo late"), timeout=300)

    assert ended.stdout == b"late\n"


def test_a_word_on_stderr_counts_and_silence_may_be_lengthened() -> None:
    deadline = Deadline(None, silence=5.0)
    assert deadline.is_recent(time.monotonic())
    assert not deadline.is_recent(time.monotonic() - 6)
    assert deadline.patience() == 5.0
    deadline.bear_silence(2.0)
    assert deadline.patience() == 5.0
    deadline.bear_silence(None)
    assert deadline.patience() is None
