"""A private PostgreSQL for the tests: own folder, Unix socket only, gone with the process."""

import shutil
import subprocess
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import make_url

from ops.catalog.open import Catalog, open_catalog
from tests.private_server import await_start, end, start, tie_as

_BINARIES = Path("/usr/lib/postgresql")


@dataclass(frozen=True, slots=True)
class PostgresServer:
    """A running server; `folder` holds its socket, named by `port`."""

    folder: Path
    port: int = 5432

    def new_database(self, like: str = "template1") -> str:
        """Create a database, empty or a twin of another; give its SQLAlchemy URL."""
        name = f"t{uuid.uuid4().hex}"
        with psycopg.connect(self._conninfo("postgres"), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name} TEMPLATE {like}".encode())
        return f"postgresql+psycopg://giucong@/{name}?host={self.folder}"

    def run(self, sql: str, database: str = "postgres") -> None:
        """Run statements, each on its own."""
        with psycopg.connect(self._conninfo(database), autocommit=True) as connection:
            connection.execute(sql.encode())

    def is_up(self) -> bool:
        try:
            psycopg.connect(self._conninfo("postgres"), connect_timeout=2).close()
        except psycopg.OperationalError:
            return False
        return True

    def _conninfo(self, database: str) -> str:
        return f"host={self.folder} port={self.port} user=giucong dbname={database}"


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    with run_postgres() as server:
        yield server


@contextmanager
def run_postgres(lets_in: str = "", port: int = 5432) -> Iterator[PostgresServer]:
    """Start a server of one's own, and end exactly that one.

    Args:
        lets_in: Lines of its `pg_hba.conf`; without them it listens on its socket alone, and
            trusts everybody there.
        port: Of 127.0.0.1, where it lets people in by their lines.
    """
    folder = Path(tempfile.mkdtemp(prefix="giucong-pg-"))
    as_user = tie_as("postgres", folder, "INT")
    data = str(folder / "data")
    initdb = [_binary("initdb"), "-D", data, "-U", "giucong", "--auth=trust", "--no-sync",
              "--encoding=UTF8", "--locale=C.UTF-8"]  # fmt: skip
    subprocess.run([*as_user, *initdb], check=True, capture_output=True, cwd=folder)
    if lets_in:
        Path(data, "pg_hba.conf").write_text(lets_in)
    command = [_binary("postgres"), "-D", data, "-k", str(folder), "-h",
               "127.0.0.1" if lets_in else "", "-p", str(port), "-F"]  # fmt: skip
    process = start([*as_user, *command], folder / "log")
    server = PostgresServer(folder, port)
    try:
        await_start(process, server.is_up, folder / "log")
        yield server
    finally:
        end(process)
        shutil.rmtree(folder)


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_catalog_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty place for a catalog, on each database we promise to run on."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'catalog.db'}"
    server: PostgresServer = request.getfixturevalue("postgres_server")
    return server.new_database()


@pytest.fixture(params=["sqlite", "postgresql"])
def catalog_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A catalog that was just made: a twin of one, since to make each anew takes a dozen steps."""
    if request.param == "sqlite":
        made: Path = request.getfixturevalue("sqlite_catalog")
        path = tmp_path / "catalog.db"
        shutil.copyfile(made, path)
        return f"sqlite:///{path}"
    server: PostgresServer = request.getfixturevalue("postgres_server")
    return server.new_database(like=request.getfixturevalue("postgres_catalog"))


@pytest.fixture
def catalog(catalog_url: str) -> Iterator[Catalog]:
    """The same, open."""
    with open_catalog(catalog_url) as opened:
        yield opened


@pytest.fixture(scope="session")
def sqlite_catalog(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("made") / "catalog.db"
    open_catalog(f"sqlite:///{path}").close()
    return path


@pytest.fixture(scope="session")
def postgres_catalog(postgres_server: PostgresServer) -> str:
    url = postgres_server.new_database()
    open_catalog(url).close()
    return make_url(url).database or ""


def _binary(name: str) -> str:
    found = sorted(_BINARIES.glob(f"*/bin/{name}"))
    if not found:
        raise RuntimeError("PostgreSQL is missing: apt-get install postgresql")
    return str(found[-1])
