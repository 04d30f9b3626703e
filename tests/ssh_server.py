"""Private SSH servers for the tests: own keys, free loopback port, gone with the process.

Each is OpenSSH's own sshd in a folder of its own; what was started is ended by its process id. The
home folder of a session is empty, so that no shell start-up file of this machine takes part.
"""

import getpass
import os
import re
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from provisioning.ssh.targets import SshTarget
from tests.private_server import await_start, end, find_free_port, start, tie

_SSHD = Path("/usr/sbin/sshd")
_SFTP_SERVERS = ("/usr/lib/openssh/sftp-server", "/usr/libexec/openssh/sftp-server")
_START_SECONDS = 20.0
_TRIES = 5  # somebody else may take the port first
_PENALTIES_SINCE = (9, 8)


@dataclass(frozen=True, slots=True)
class SshServer:
    """A running server.

    Attributes:
        folder: Holds its configuration, keys, log and an empty home.
        port: On 127.0.0.1.
        process: The listening sshd.
    """

    folder: Path
    port: int
    process: subprocess.Popen[bytes]

    @property
    def identity(self) -> Path:
        """The private key that is let in."""
        return self.folder / "client"

    @property
    def known_hosts(self) -> Path:
        """A table with this server's key, under its port."""
        return self.folder / "known_hosts"

    @property
    def authorized_keys(self) -> Path:
        """Who is let in; may be rewritten while the server runs."""
        return self.folder / "authorized_keys"

    def public_key(self) -> str:
        """The client's public key, `type base64`."""
        return _key_words(self.folder / "client.pub")

    def host_key(self) -> str:
        """The server's public key, `type base64`."""
        return _key_words(self.folder / "host.pub")

    def target(self, name: str = "web1", **changes: object) -> SshTarget:
        """How to reach it; `changes` are fields of `SshTarget`."""
        target = SshTarget(
            name=name,
            address="127.0.0.1",
            port=self.port,
            user=getpass.getuser(),
            identity=self.identity,
            known_hosts=self.known_hosts,
        )
        return replace(target, **changes)  # type: ignore[arg-type]  # the test names fields

    def is_up(self) -> bool:
        """Whether it, and nobody else on its port, greets who connects."""
        try:
            with socket.create_connection(("127.0.0.1", self.port), 1) as connection:
                greets = connection.recv(4).startswith(b"SSH")
        except OSError:
            return False
        return greets and self.process.poll() is None

    def log(self) -> str:
        """What it said so far."""
        return (self.folder / "log").read_text(errors="replace")

    def stop(self) -> None:
        """End it and the sessions it serves; nothing listens on the port any more."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        sessions = children.read_text().split() if children.exists() else []
        end(self.process)
        for session in sessions:
            _end(int(session))


ServerMaker = Callable[..., SshServer]


@pytest.fixture(scope="session")
def make_ssh_server() -> Iterator[ServerMaker]:
    """Start servers, as many as wanted: `make_ssh_server("MaxSessions 1", options="…")`."""
    started: list[SshServer] = []

    def make(*lines: str, sftp: str = "external", key_options: str = "") -> SshServer:
        server = start_ssh_server(lines, sftp=sftp, key_options=key_options)
        started.append(server)
        return server

    try:
        yield make
    finally:
        for server in started:
            server.stop()
            shutil.rmtree(server.folder)


@pytest.fixture(scope="session")
def ssh_server(make_ssh_server: ServerMaker) -> SshServer:
    """One server with nothing special, for all tests that only read and write through it."""
    return make_ssh_server()


def start_ssh_server(
    lines: Sequence[str] = (), *, sftp: str = "external", key_options: str = ""
) -> SshServer:
    """Start a server; the caller stops it and removes its folder.

    Args:
        lines: More lines for sshd_config, e.g. `MaxSessions 1`, `ForceCommand …`.
        sftp: `external`, `internal` or `none`: the subsystem.
        key_options: What stands before the client's key in authorized_keys.
    """
    if not _SSHD.exists():
        raise RuntimeError("sshd is missing: apt-get install openssh-server")
    folder = Path(tempfile.mkdtemp(prefix="giucong-ssh-"))
    for name in ("host", "client"):
        make_key(folder / name)
    (folder / "home").mkdir(mode=0o700)
    tries = _TRIES
    while True:
        tries -= 1
        port = find_free_port()
        _write_files(folder, port, lines, sftp, key_options)
        server = SshServer(folder, port, _start(folder))
        try:
            await_start(server.process, server.is_up, folder / "log", _START_SECONDS)
        except RuntimeError:
            server.stop()
            if not tries or "Address already in use" not in server.log():
                raise
        else:
            return server


def make_key(path: Path) -> None:
    """Make a throw-away ed25519 key without a passphrase at `path` and `path`.pub."""
    command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", str(path)]
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL)


def _write_files(
    folder: Path, port: int, lines: Sequence[str], sftp: str, key_options: str
) -> None:
    host, client = _key_words(folder / "host.pub"), _key_words(folder / "client.pub")
    (folder / "known_hosts").write_text(f"[127.0.0.1]:{port} {host}\n")
    (folder / "authorized_keys").write_text(f"{key_options} {client}\n".lstrip())
    subsystem = {
        "external": [f"Subsystem sftp {find_sftp_server()}"],
        "internal": ["Subsystem sftp internal-sftp"],
        "none": [],
    }[sftp]
    config = [
        *lines,  # the first value of a setting counts
        f"Port {port}",
        "ListenAddress 127.0.0.1",
        f"HostKey {folder}/host",
        f"PidFile {folder}/pid",
        f"AuthorizedKeysFile {folder}/authorized_keys",
        "StrictModes no",
        "UsePAM no",
        "PasswordAuthentication no",
        "KbdInteractiveAuthentication no",
        "PermitRootLogin prohibit-password",
        f"SetEnv HOME={folder}/home",
        "UseDNS no",
        "PrintMotd no",
        "LogLevel VERBOSE",
        *subsystem,
    ]
    if _version() >= _PENALTIES_SINCE:
        config.append("PerSourcePenalties no")
    (folder / "sshd_config").write_text("\n".join(config) + "\n")


def _start(folder: Path) -> subprocess.Popen[bytes]:
    if os.getuid() == 0:
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)  # sshd insists on this empty folder
    command = [str(_SSHD), "-D", "-e", "-f", str(folder / "sshd_config")]
    return start([*tie("TERM"), *command], folder / "log")


def _key_words(path: Path) -> str:
    return " ".join(path.read_text().split()[:2])


def find_sftp_server() -> str:
    for path in _SFTP_SERVERS:
        if Path(path).exists():
            return path
    raise RuntimeError("sftp-server is missing: apt-get install openssh-sftp-server")


def _version() -> tuple[int, int]:
    told = subprocess.run(["ssh", "-V"], capture_output=True, check=True, text=True).stderr
    found = re.search(r"OpenSSH_(\d+)\.(\d+)", told)
    return (int(found[1]), int(found[2])) if found else (0, 0)


def _end(pid: int) -> None:
    try:
        os.kill(pid, 15)
    except ProcessLookupError:
        return
