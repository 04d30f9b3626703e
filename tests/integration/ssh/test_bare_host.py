"""A device that knows one command and no shell, as a switch does, played by a forced command."""

import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace

import pytest

from backup.errors import SourceError
from backup.sources.remote.command_output import open_command_output
from provisioning.commands import Deadline, make_bare_line
from provisioning.errors import CommandError
from provisioning.ssh.host import SshHost
from provisioning.ssh.pool import SshPool
from tests.ssh_server import ServerMaker, make_ssh_server

__all__ = ["make_ssh_server"]

CONFIGURATION = b"hostname sw1\nvlan 10\nend\n"
# Whatever is not exactly one of these lines, an `env` or a quote in it included, is refused.
SWITCH = r"""#!/bin/sh
case $SSH_ORIGINAL_COMMAND in
  'show running-config') printf 'hostname sw1\nvlan 10\nend\n' ;;
  'show tech') printf half; sleep 60 ;;
  'show flood') exec yes ;;
  *) printf '%% Invalid input\n' >&2; exit 1 ;;
esac
"""


@pytest.fixture(scope="module")
def switch(
    make_ssh_server: ServerMaker, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[SshHost]:
    program = tmp_path_factory.mktemp("switch") / "cli"
    program.write_text(SWITCH)
    program.chmod(0o755)
    server = make_ssh_server(f"ForceCommand {program}", sftp="none")
    pool = SshPool()
    yield SshHost(server.target("sw1", has_shell=False), pool)
    pool.close()


def read(host: SshHost, line: bytes, timeout: float = 30) -> bytes:
    """Read all that a command prints."""
    found, buffer = b"", bytearray(1000)
    with open_command_output(host, [line], timeout=timeout) as reader:
        while count := reader.readinto(memoryview(buffer)):
            found += buffer[:count]
    return found


def test_the_line_goes_as_it_is(switch: SshHost) -> None:
    assert read(switch, b"show running-config") == CONFIGURATION
    assert switch.run([b"show", b"running-config"]).stdout == CONFIGURATION


def test_a_host_with_a_shell_would_send_another_line(switch: SshHost) -> None:
    with closing(SshPool()) as pool:
        shelled = SshHost(replace(switch.target, has_shell=True), pool)
        ended = shelled.run([b"show", b"running-config"])

    assert (ended.status, ended.stdout) == (1, b"")
    assert b"Invalid input" in ended.stderr


def test_what_the_device_does_not_know_is_no_backup(switch: SshHost) -> None:
    with pytest.raises(SourceError) as caught:
        read(switch, b"show everything")
    assert "Invalid input" in str(caught.value.params["words"])


@pytest.mark.slow
@pytest.mark.parametrize("line", [b"show tech", b"show flood"])
def test_its_deadline_is_kept_at_this_end(switch: SshHost, line: bytes) -> None:
    start = time.monotonic()
    with pytest.raises(SourceError) as caught:
        read(switch, line, timeout=0.5)

    assert "longer than 0.5 seconds" in str(caught.value)
    assert time.monotonic() - start < 60
    assert read(switch, b"show running-config") == CONFIGURATION


@pytest.mark.parametrize("line", [b"", b"  ", b"a\nb", b"a\rb", b"a\0b", b"x" * 200_000])
def test_a_line_holds_one_command(line: bytes) -> None:
    with pytest.raises(CommandError):
        make_bare_line([line])


def test_without_grace_the_end_is_the_end() -> None:
    assert not Deadline(0.001).is_given_up()
    deadline = Deadline(0.001, grace=0)
    time.sleep(0.01)
    assert deadline.is_given_up()
    assert not Deadline(None, grace=0).is_given_up()
