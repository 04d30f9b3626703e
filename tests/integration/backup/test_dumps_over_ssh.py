"""Databases on a host behind SSH: the same bytes as here, and a line that is cut is no dump."""

from collections.abc import Iterator

import pytest

from backup.errors import SourceError
from backup.sources.databases.allowed_commands import mariadb_commands, postgresql_commands
from backup.sources.databases.connection import Connection, DumpFacts
from backup.sources.databases.mariadb_accounts import make_mariadb_globals
from backup.sources.databases.mariadb_dump import open_mariadb
from backup.sources.databases.postgresql_dump import make_postgresql_globals, open_postgresql
from provisioning.hosts import Command, Host
from provisioning.local_host import LocalHost
from provisioning.ssh.host import SshHost
from provisioning.ssh.pool import SshPool
from tests.integration.backup import test_mariadb_dumps, test_postgresql_dumps
from tests.mariadb_server import MariadbServer, mariadb_server
from tests.postgres_server import PostgresServer, postgres_server
from tests.ssh_server import SshServer, make_ssh_server, ssh_server, start_ssh_server

__all__ = ["make_ssh_server", "mariadb_server", "postgres_server", "ssh_server"]

pytestmark = pytest.mark.slow


@pytest.fixture
def far_host(ssh_server: SshServer) -> Iterator[SshHost]:
    pool = SshPool()
    yield SshHost(ssh_server.target(), pool)
    pool.close()


class _Watching(SshHost):
    """Remembers what it was asked to run."""

    def __init__(self, inner: SshHost, pool: SshPool) -> None:
        super().__init__(inner.target, pool)
        self.seen: list[Command] = []

    def start(self, command, *, timeout=None):  # type: ignore[no-untyped-def]  # as the base
        self.seen.append(tuple(command))
        return super().start(command, timeout=timeout)


def mariadb_at(host: Host, server: MariadbServer, database: str) -> Connection:
    return Connection(host=host, database=database, socket=str(server.socket), user="root")


def postgresql_at(host: Host, server: PostgresServer, database: str) -> Connection:
    return Connection(host=host, database=database, socket=str(server.folder), user="giucong")


def read(opened: object) -> tuple[bytes, DumpFacts]:
    facts: list[DumpFacts] = []
    buffer = bytearray(1 << 18)
    taken = bytearray()
    with opened(on_facts=facts.append) as reader:  # type: ignore[operator]  # one of two
        while count := reader.readinto(memoryview(buffer)):
            taken += buffer[:count]
    return bytes(taken), facts[0]


def test_a_mariadb_dump_through_ssh_is_the_one_from_here(
    far_host: SshHost, mariadb_server: MariadbServer
) -> None:
    database = mariadb_server.new_database()
    mariadb_server.run(test_mariadb_dumps.STRANGE, database)
    far = mariadb_at(far_host, mariadb_server, database)
    here = mariadb_at(LocalHost(), mariadb_server, database)
    dumped, facts = read(lambda on_facts: open_mariadb(far, on_facts=on_facts))

    assert dumped == read(lambda on_facts: open_mariadb(here, on_facts=on_facts))[0]
    assert facts.tables["bảng"] == 2
    assert make_mariadb_globals(far) == make_mariadb_globals(here)


def test_a_postgresql_dump_through_ssh_is_the_one_from_here(
    far_host: SshHost, postgres_server: PostgresServer
) -> None:
    database = test_postgresql_dumps.new_database(postgres_server)
    test_postgresql_dumps.execute(postgres_server, database, test_postgresql_dumps.STRANGE)
    far = postgresql_at(far_host, postgres_server, database)
    here = postgresql_at(LocalHost(), postgres_server, database)
    dumped, facts = read(lambda on_facts: open_postgresql(far, on_facts=on_facts))
    again, _facts = read(lambda on_facts: open_postgresql(here, on_facts=on_facts))
    without_keys = test_postgresql_dumps.without_keys

    assert without_keys(dumped) == without_keys(again)
    assert facts.tables["phòng ban.bảng"] == 2
    assert without_keys(make_postgresql_globals(far)) == without_keys(make_postgresql_globals(here))


def test_a_host_is_asked_to_run_nothing_but_the_listed_commands(
    far_host: SshHost, mariadb_server: MariadbServer, postgres_server: PostgresServer
) -> None:
    pool = SshPool()
    watching = _Watching(far_host, pool)
    cms = mariadb_at(watching, mariadb_server, mariadb_server.new_database())
    forum = postgresql_at(
        watching, postgres_server, test_postgresql_dumps.new_database(postgres_server)
    )
    read(lambda on_facts: open_mariadb(cms, on_facts=on_facts))
    make_mariadb_globals(cms)
    read(lambda on_facts: open_postgresql(forum, on_facts=on_facts))
    make_postgresql_globals(forum)
    pool.close()

    allowed = {*mariadb_commands(cms), *postgresql_commands(forum)}
    assert set(watching.seen) <= allowed
    assert len(watching.seen) > len(set(watching.seen))


def test_a_line_that_is_cut_leaves_no_whole_dump(mariadb_server: MariadbServer) -> None:
    database = mariadb_server.new_database()
    mariadb_server.run("CREATE TABLE a (filler LONGTEXT)", database)
    mariadb_server.run("INSERT INTO a SELECT REPEAT('x', 100000) FROM seq_1_to_500", database)
    server = start_ssh_server()
    pool = SshPool()
    far = mariadb_at(SshHost(server.target(), pool), mariadb_server, database)
    buffer = memoryview(bytearray(1 << 16))
    facts: list[DumpFacts] = []

    def read_on_though_the_line_is_cut() -> None:
        with open_mariadb(far, on_facts=facts.append) as reader:
            reader.readinto(buffer)
            server.stop()
            while reader.readinto(buffer):
                continue

    with pytest.raises(SourceError) as failed:
        read_on_though_the_line_is_cut()
    pool.close()

    assert facts == []
    assert "web1" in dict(failed.value.lines())["error"]
