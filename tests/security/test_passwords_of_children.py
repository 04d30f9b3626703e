"""No password stands in the environment, or among the arguments, of a program that we start."""

import os
import stat
from pathlib import Path

import psycopg
import pytest

from backup.sources.databases.connection import Connection
from backup.sources.databases.mariadb_dump import open_mariadb
from backup.sources.databases.postgresql_dump import make_postgresql_globals, open_postgresql
from backup.workers.processes import Pool
from ops.backups.repositories.stock_restic import restic_at
from ops.estate.load.load import load_estate
from ops.estate.model.references import resolve
from provisioning.local_host import LocalHost
from tests.integration.jobs.small_estate import ESTATE, build_estate, build_used_estate, giucong
from tests.mariadb_server import MariadbServer, mariadb_server
from tests.postgres_server import PostgresServer, postgres_server
from tests.s3_server import Credential, run_s3_server

__all__ = ["mariadb_server", "postgres_server"]

pytestmark = pytest.mark.slow

NASTY = "p\"a#s:\\s' 'é%$(x)`"
AWKWARD = "writer-secret #of; 'the' \"tests\" = $1 \\ %"
SPY = """#!/bin/sh
cat /proc/$$/environ /proc/$$/cmdline >> {seen}
exec {restic} "$@"
"""


class Watched:
    """A reader of a dump that looks, while the client runs, at every process here."""

    def __init__(self) -> None:
        self.seen: list[bytes] = []

    def look(self) -> None:
        for process in Path("/proc").glob("[0-9]*"):
            try:
                seen = [(process / name).read_bytes() for name in ("environ", "cmdline")]
            except OSError:
                continue  # it has ended, or is somebody else's
            if process.name != str(os.getpid()):
                self.seen += seen

    def drain(self, reader: object) -> None:
        buffer = bytearray(1 << 16)
        while reader.readinto(memoryview(buffer)):  # type: ignore[attr-defined]  # any dump's
            self.look()

    def saw(self, text: str) -> bool:
        return any(text.encode() in it for it in self.seen)


def test_postgresqls_clients_get_a_password_file(postgres_server: PostgresServer) -> None:
    name = postgres_server.new_database().partition("@/")[2].partition("?")[0]
    quoted, user, watched = NASTY.replace("'", "''"), f"reader_{name}", Watched()
    with psycopg.connect(
        f"host={postgres_server.folder} user=giucong dbname={name}", autocommit=True
    ) as connection:
        for statement in (
            "CREATE TABLE a AS SELECT repeat('x', 1000) FROM generate_series(1, 5000)",
            f"CREATE ROLE {user} LOGIN SUPERUSER PASSWORD '{quoted}'",
        ):
            connection.execute(statement.encode())
        rules = postgres_server.folder / "data/pg_hba.conf"
        rules.write_text(f"local all {user} scram-sha-256\n" + rules.read_text())
        connection.execute("SELECT pg_reload_conf()")
    way = Connection(
        host=LocalHost(), database=name, socket=str(postgres_server.folder), user=user,
        password=NASTY,
    )  # fmt: skip
    with open_postgresql(way, on_facts=lambda _facts: None) as reader:
        watched.drain(reader)
    globals_made = make_postgresql_globals(way)

    assert watched.saw("pg_dump")
    assert not watched.saw(NASTY)
    assert user.encode() in globals_made


def test_mariadbs_clients_get_an_option_file(mariadb_server: MariadbServer) -> None:
    name, watched = mariadb_server.new_database(), Watched()
    escaped = NASTY.replace("\\", "\\\\").replace("'", "\\'")
    mariadb_server.run(
        "CREATE TABLE a (filler TEXT);INSERT INTO a SELECT REPEAT('x', 1000) FROM seq_1_to_2000",
        name,
    )
    mariadb_server.run(f"CREATE USER environ@localhost IDENTIFIED BY '{escaped}'")
    mariadb_server.run("GRANT ALL ON *.* TO environ@localhost")
    way = Connection(
        host=LocalHost(), database=name, socket=str(mariadb_server.socket), user="environ",
        password=NASTY,
    )  # fmt: skip
    with open_mariadb(way, on_facts=lambda _facts: None) as reader:
        watched.drain(reader)

    assert watched.saw("mariadb-dump")
    assert not watched.saw(NASTY)


@pytest.fixture
def spy(tmp_path: Path) -> Path:
    """Stock restic behind a script that notes what it was started with; gives the script."""
    program = tmp_path / "restic"
    program.write_text(SPY.format(seen=tmp_path / "seen", restic="/usr/bin/restic"))
    program.chmod(stat.S_IRWXU)
    return program


def test_stock_restic_gets_the_repositorys_password_as_a_file(tmp_path: Path, spy: Path) -> None:
    path = build_used_estate(tmp_path / "estate")
    estate = load_estate(path)
    password = resolve(estate.repository_key(estate.primary_store)).get_secret_value()
    restic = restic_at(str(spy), estate, "cong-xa", estate.primary_store)
    checked = restic.check(0, 1)
    restored = restic.restore("latest", tmp_path / "restored")
    _digest, dumped = restic.dump("latest", "/cong-xa/manifest.json")
    seen = (tmp_path / "seen").read_bytes()

    assert (checked.returncode, restored.returncode, dumped.returncode) == (0, 0, 0)
    assert seen.count(b"RESTIC_REPOSITORY") == 3
    assert password.encode() not in seen
    assert password not in repr(restic)


def test_stock_restic_gets_a_buckets_credential_as_a_file(
    tmp_path: Path, spy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tests.s3_server.WRITER", Credential("writer", AWKWARD))
    with run_s3_server(tmp_path) as server:
        bucket = server.new_bucket()
        path = build_estate(tmp_path / "estate")
        more = (
            f'url = "{server.url(bucket, "main")}"\nregion = "vn-1"\n'
            'access_key = "file:keys/access"\nsecret_key = "file:keys/secret"\n'
        )
        path.write_text(ESTATE.replace('url = "stores/near"\n', more), encoding="utf-8")
        keys = path.parent / "keys"
        keys.mkdir(exist_ok=True)
        (keys / "access").write_text("writer\n")
        (keys / "secret").write_text(f"{AWKWARD}\n")
        for words in (("backup.init",), ("backup.run", "--site", "cong-xa")):
            done = giucong(path, *words)
            assert done.returncode == 0, done.stderr
        estate = load_estate(path)
        checked = restic_at(str(spy), estate, "cong-xa", estate.primary_store).check(0, 1)
    seen = (tmp_path / "seen").read_bytes()

    assert checked.returncode == 0, checked.stderr
    assert b"AWS_SHARED_CREDENTIALS_FILE=/dev/fd/" in seen
    assert AWKWARD.encode() not in seen


def test_the_engines_workers_inherit_no_password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RESTIC_PASSWORD", NASTY)
    monkeypatch.setenv("RESTIC_FROM_PASSWORD", NASTY)
    watched = Watched()
    pool = Pool("tests.unit.backup.workers.worker_targets:echo", b"", width=2)
    try:
        list(pool.poll(10))
        watched.look()
    finally:
        pool.kill()

    assert watched.saw("backup.workers.processes")
    assert not watched.saw(NASTY)
