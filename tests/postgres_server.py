"""A private PostgreSQL for the tests: own folder, Unix socket only, gone with the process."""

import os
import pwd
import shutil
import subprocess
import tempfile
import time
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest

_BINARIES = Path("/usr/lib/postgresql")
_START_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class PostgresServer:
    """A running server; `folder` holds its socket."""

    folder: Path

    def new_database(self) -> str:
        """Create an empty database; give its SQLAlchemy URL."""
        name = f"t{uuid.uuid4().hex}"
        with psycopg.connect(self._conninfo("postgres"), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}".encode())
        return f"postgresql+psycopg://giucong@/{name}?host={self.folder}"

    def is_up(self) -> bool:
        try:
            psycopg.connect(self._conninfo("postgres"), connect_timeout=2).close()
        except psycopg.OperationalError:
            return False
        return True

    def _conninfo(self, database: str) -> str:
        return f"host={self.folder} user=giucong dbname={database}"


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    folder = Path(tempfile.mkdtemp(prefix="giucong-pg-"))
    as_user = _unprivileged(folder)
    data = str(folder / "data")
    initdb = [_binary("initdb"), "-D", data, "-U", "giucong", "--auth=trust", "--no-sync",
              "--encoding=UTF8", "--locale=C.UTF-8"]  # fmt: skip
    subprocess.run([*as_user, *initdb], check=True, capture_output=True, cwd=folder)
    command = [_binary("postgres"), "-D", data, "-k", str(folder), "-h", "", "-F"]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen([*as_user, *command], stderr=log, stdout=log, cwd=folder)
    server = PostgresServer(folder)
    try:
        _await_start(server, process)
        yield server
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        shutil.rmtree(folder)


@pytest.fixture(params=["sqlite", "postgresql"])
def catalog_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty place for a catalog, on each database we promise to run on."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'catalog.db'}"
    server: PostgresServer = request.getfixturevalue("postgres_server")
    return server.new_database()


def _await_start(server: PostgresServer, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while not server.is_up():
        if process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError((server.folder / "log").read_text())
        time.sleep(0.05)


def _binary(name: str) -> str:
    found = sorted(_BINARIES.glob(f"*/bin/{name}"))
    if not found:
        raise RuntimeError("PostgreSQL is missing: apt-get install postgresql")
    return str(found[-1])


def _unprivileged(folder: Path) -> Sequence[str]:
    """PostgreSQL refuses root: give the words that start it as its own user, tied to our life."""
    tied = ["setpriv", "--pdeathsig=INT"]
    if os.getuid() != 0:
        return tied
    user = pwd.getpwnam("postgres")
    os.chown(folder, user.pw_uid, user.pw_gid)
    return [*tied, f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups"]
