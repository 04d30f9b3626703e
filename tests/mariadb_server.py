"""A private MariaDB for the tests: own folder, socket and loopback port, gone with the process."""

import os
import shutil
import subprocess
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.private_server import await_start, end, find_free_port, start, tie_as

_PACKAGE_MISSING = "MariaDB is missing: apt-get install mariadb-server"
# A small server that starts fast; nothing in it has to outlive a power cut.
_SETTINGS = ("--innodb-buffer-pool-size=32M", "--innodb-log-file-size=8M", "--skip-log-bin",
             "--innodb-flush-log-at-trx-commit=0", "--innodb-fast-shutdown=2",
             "--aria-pagecache-buffer-size=8M", "--key-buffer-size=8M",
             "--max-allowed-packet=64M")  # fmt: skip


@dataclass(frozen=True, slots=True)
class MariadbServer:
    """A running server whose account `root` needs no password through the socket.

    Attributes:
        folder: Holds its data and its socket.
        port: On 127.0.0.1.
        process: The server itself.
    """

    folder: Path
    port: int
    process: subprocess.Popen[bytes]

    @property
    def socket(self) -> Path:
        """Its socket."""
        return self.folder / "socket"

    def new_database(self, options: str = "CHARACTER SET utf8mb4") -> str:
        """Create an empty database; give its name."""
        name = f"t{uuid.uuid4().hex}"
        self.run(f"CREATE DATABASE `{name}` {options}")
        return name

    def run(self, sql: str | bytes, database: str = "", *, charset: str = "utf8mb4") -> str:
        """Run statements as `root`; give what the client printed, fields apart by tabs."""
        script = sql.encode() if isinstance(sql, str) else sql
        done = subprocess.run(
            [*self._client(charset), *([database] if database else [])],
            input=script, capture_output=True, check=False,
        )  # fmt: skip
        if done.returncode != 0:
            raise RuntimeError(done.stderr.decode(errors="replace"))
        return done.stdout.decode()

    def is_up(self) -> bool:
        command = [*self._client("utf8mb4"), "--execute=SELECT 1"]
        return subprocess.run(command, capture_output=True, check=False).returncode == 0

    def _client(self, charset: str) -> list[str]:
        return [_binary("mariadb"), "--no-defaults", f"--socket={self.socket}", "--user=root",
                f"--default-character-set={charset}", "--batch", "--skip-column-names",
                "--binary-mode"]  # fmt: skip


@pytest.fixture(scope="session")
def mariadb_server() -> Iterator[MariadbServer]:
    with run_mariadb() as server:
        yield server


@contextmanager
def run_mariadb(*settings: str) -> Iterator[MariadbServer]:
    """Start a server of one's own, and end exactly that one."""
    folder = Path(tempfile.mkdtemp(prefix="giucong-db-"))
    as_user = tie_as("mysql", folder)
    install = [_binary("mariadb-install-db"), "--no-defaults", f"--datadir={folder}/data",
               "--auth-root-authentication-method=normal", "--skip-test-db",
               "--innodb-log-file-size=8M"]  # fmt: skip
    subprocess.run([*as_user, *install], check=True, capture_output=True, cwd=folder)
    port = find_free_port()
    command = [_binary("mariadbd"), "--no-defaults", f"--datadir={folder}/data",
               f"--socket={folder}/socket", f"--port={port}", "--bind-address=127.0.0.1",
               f"--pid-file={folder}/pid", f"--tmpdir={folder}", *_SETTINGS, *settings]  # fmt: skip
    process = start([*as_user, *command], folder / "log")
    server = MariadbServer(folder, port, process)
    try:
        await_start(process, server.is_up, folder / "log")
        yield server
    finally:
        end(process, 15)
        shutil.rmtree(folder)


def _binary(name: str) -> str:
    found = shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    if found is None:
        raise RuntimeError(_PACKAGE_MISSING)
    return found
