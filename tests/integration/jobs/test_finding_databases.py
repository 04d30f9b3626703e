"""Databases are found by asking real servers, as root is let in without a password."""

from pathlib import Path

import pytest

from ops.sites.discovery.databases import list_databases
from ops.sites.discovery.machine_files import Below, DatabaseSettings, Note
from provisioning.local_host import LocalHost
from tests.mariadb_server import MariadbServer, mariadb_server
from tests.postgres_server import PostgresServer, postgres_server

__all__ = ["mariadb_server", "postgres_server"]

pytestmark = pytest.mark.slow


def _home(folder: Path, socket: Path) -> Path:
    """Give a home folder whose settings lead the client to a socket."""
    (folder / ".my.cnf").write_text(f"[client]\nsocket={socket}\nuser=root\n")
    return folder


def test_each_server_names_its_databases(
    tmp_path: Path,
    mariadb_server: MariadbServer,
    postgres_server: PostgresServer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    wanted = mariadb_server.new_database()
    url = postgres_server.new_database()
    monkeypatch.setenv("HOME", str(_home(tmp_path, mariadb_server.socket)))
    monkeypatch.setenv("PGHOST", str(postgres_server.folder))
    monkeypatch.setenv("PGUSER", "giucong")
    notes: list[Note] = []
    found = list_databases(Below(tmp_path, notes), LocalHost())

    assert DatabaseSettings("", "mariadb", wanted) in found
    assert DatabaseSettings("", "postgresql", url.partition("?")[0].rpartition("/")[2]) in found
    assert not {it.database for it in found} & {"mysql", "sys", "postgres", "template1"}
    assert notes == []


def test_a_server_that_lets_nobody_in_is_noted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "var/lib/postgresql").mkdir(parents=True)
    (tmp_path / "var/lib/mysql/tin").mkdir(parents=True)
    monkeypatch.setenv("HOME", str(_home(tmp_path, tmp_path / "none")))
    monkeypatch.setenv("PGHOST", str(tmp_path / "none"))
    notes: list[Note] = []

    assert list_databases(Below(tmp_path, notes), LocalHost()) == []
    assert notes == [Note("mariadb", "unlisted"), Note("postgresql", "unlisted")]
