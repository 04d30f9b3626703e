"""A device that tells no exit status, as some switches do: an end is an end, a cut is none."""

import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import paramiko
import pytest
from paramiko.common import AUTH_SUCCESSFUL, OPEN_SUCCEEDED

from backup.errors import SourceError
from backup.sources.remote.command_output import open_command_output
from provisioning.ssh.host import SshHost
from provisioning.ssh.pool import SshPool
from provisioning.ssh.targets import SshTarget
from tests.ssh_server import make_key


class Device(paramiko.ServerInterface):
    """Lets everybody in; prints, and then ends the channel or drops the line."""

    def __init__(self, transport: paramiko.Transport) -> None:
        self._transport = transport

    def check_auth_publickey(self, username: str, key: paramiko.PKey) -> int:
        del username, key
        return int(AUTH_SUCCESSFUL)

    def get_allowed_auths(self, username: str) -> str:
        del username
        return "publickey"

    def check_channel_request(self, kind: str, chanid: int) -> int:
        del kind, chanid
        return int(OPEN_SUCCEEDED)

    def check_channel_exec_request(self, channel: paramiko.Channel, command: bytes) -> bool:
        threading.Thread(target=self._print, args=(channel, command), daemon=True).start()
        return True

    def _print(self, channel: paramiko.Channel, command: bytes) -> None:
        time.sleep(0.05)  # the answer to the request goes first
        channel.sendall(b"hostname sw1\n")
        if command == b"show half":
            self._transport.close()
            return
        channel.shutdown_write()
        channel.close()


@pytest.fixture
def device(tmp_path: Path) -> Iterator[SshTarget]:
    for name in ("host", "client"):
        make_key(tmp_path / name)
    key = paramiko.Ed25519Key.from_private_key_file(str(tmp_path / "host"))
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    (tmp_path / "known").write_text(f"[127.0.0.1]:{port} {key.get_name()} {key.get_base64()}\n")
    transports: list[paramiko.Transport] = []

    def serve() -> None:
        line, _ = listener.accept()
        transport = paramiko.Transport(line)
        transports.append(transport)
        transport.add_server_key(key)
        transport.start_server(server=Device(transport))

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    yield SshTarget("sw1", "127.0.0.1", port, identity=tmp_path / "client",
                    known_hosts=tmp_path / "known", has_shell=False)  # fmt: skip
    for transport in transports:
        transport.close()
    listener.close()
    thread.join()


def read(target: SshTarget, line: bytes) -> bytes:
    """Read what a command prints."""
    pool, buffer, found = SshPool(), memoryview(bytearray(100)), b""
    try:
        with open_command_output(SshHost(target, pool), [line], timeout=20) as reader:
            while count := reader.readinto(buffer):
                found += buffer[:count]
    finally:
        pool.close()
    return found


def test_an_end_without_a_status_is_an_end(device: SshTarget) -> None:
    assert read(device, b"show running-config") == b"hostname sw1\n"


def test_a_line_that_is_dropped_is_no_end(device: SshTarget) -> None:
    with pytest.raises(SourceError):
        read(device, b"show half")
