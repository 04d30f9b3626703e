"""A host in bad hands that prints without end: a limit, an error that says so, and no memory."""

import resource
from collections.abc import Iterator

import pytest

from provisioning.errors import CommandError
from provisioning.hosts import Command, Host
from provisioning.local_host import LocalHost
from provisioning.ssh.host import SshHost
from provisioning.ssh.pool import SshPool
from tests.ssh_server import SshServer, make_ssh_server, ssh_server

__all__ = ["make_ssh_server", "ssh_server"]

pytestmark = pytest.mark.slow
FLOOD: Command = [b"yes", b"a line that never ends, as one would say of a listing of files"]
COMPLAINTS: Command = [b"sh", b"-c", b"exec yes complaints without end, on and on >&2"]


@pytest.fixture(params=["this machine", "ssh"])
def host(request: pytest.FixtureRequest) -> Iterator[Host]:
    if request.param == "this machine":
        yield LocalHost("web1")
        return
    server: SshServer = request.getfixturevalue("ssh_server")
    pool = SshPool()
    yield SshHost(server.target(), pool)
    pool.close()


def most_memory_bytes() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10


def test_a_command_that_floods_its_output_is_ended_and_told(host: Host) -> None:
    before = most_memory_bytes()
    with pytest.raises(CommandError, match=r"yes.* on the host web1 printed more than 32 MiB"):
        host.run(FLOOD, timeout=60)

    assert most_memory_bytes() - before < 200 << 20


def test_a_caller_names_how_much_it_awaits(host: Host) -> None:
    command = [b"head", b"-c", b"3000000", b"/dev/zero"]

    assert len(host.run(command, most_bytes=3_000_000).stdout) == 3_000_000
    with pytest.raises(CommandError, match="printed more than 2 MiB"):
        host.run(command, most_bytes=2 << 20)


def test_a_command_that_floods_its_errors_is_ended_and_told(host: Host) -> None:
    with pytest.raises(CommandError, match="printed more than 256 MiB"):
        host.run(COMPLAINTS, timeout=120)
    with host.start(COMPLAINTS) as process, pytest.raises(CommandError, match="more than 256 MiB"):
        process.finish()


def test_what_is_left_behind_an_answer_is_not_read_for_ever(host: Host) -> None:
    with host.start(FLOOD) as process:
        assert process.read(6) == b"a line"
        with pytest.raises(CommandError, match="printed more than 32 MiB"):
            process.finish()
