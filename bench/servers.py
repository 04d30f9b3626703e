"""Private servers for the works beside hosts and databases; each is ended by who started it."""

import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

import numpy as np

from bench.dataset import DUMP_BYTES, SEED, pools_for
from bench.dump import TABLES, make_statements

if TYPE_CHECKING:  # loaded where these works run only
    from tests.mariadb_server import MariadbServer
    from tests.ssh_server import SshServer

PORTS = 10  # of one sshd, which has at most 16
ROOM = ("MaxStartups 100",)  # as much as its hosts would have if they were apart


@contextmanager
def one_host() -> Iterator["SshServer"]:
    """Start a private SSH server, and end exactly that one."""
    from tests.ssh_server import start_ssh_server

    server = start_ssh_server()
    try:
        yield server
    finally:
        server.stop()
        shutil.rmtree(server.folder)


@contextmanager
def many_hosts(count: int) -> Iterator[list[tuple["SshServer", int]]]:
    """Start private SSH servers that are together `count` hosts, a port of the loopback each."""
    from tests.private_server import find_free_ports
    from tests.ssh_server import start_ssh_server

    hosts: list[tuple[SshServer, int]] = []
    with ExitStack() as ends:
        for first in range(0, count, PORTS):
            others = find_free_ports(min(PORTS, count - first) - 1)
            server = start_ssh_server([*ROOM, *(f"Port {port}" for port in others)])
            ends.callback(shutil.rmtree, server.folder)
            ends.callback(server.stop)
            with server.known_hosts.open("a") as table:
                table.writelines(f"[127.0.0.1]:{port} {server.host_key()}\n" for port in others)
            hosts += [(server, port) for port in (server.port, *others)]
        yield hosts


@contextmanager
def one_database(size: int) -> Iterator[tuple["MariadbServer", str]]:
    """Start a private MariaDB with a database whose dump has some `size` bytes."""
    from tests.mariadb_server import run_mariadb

    settings = ("--innodb-buffer-pool-size=256M", "--innodb-log-file-size=96M")
    with run_mariadb(*settings) as server:
        name = server.new_database()
        fill_database(server, name, size)
        yield server, name


def fill_database(server: "MariadbServer", database: str, size: int) -> None:
    """Fill a table with posts as in the portal's dump, some `size` bytes of statements."""
    posts = TABLES[-1]
    pools, rng = pools_for(min(size / DUMP_BYTES, 1.0), SEED), np.random.default_rng([SEED, 6])
    texts = ", ".join(f"c{number} LONGTEXT" for number in range(2, 24))
    server.run(f"CREATE TABLE `{posts.name}` (id BIGINT PRIMARY KEY, {texts})", database)
    statements = make_statements(posts, size, pools, rng)
    next(statements)  # it would drop the table
    written = 0
    while written < size:
        batch = [next(statements) for _ in range(16)]
        server.run(b"".join(batch), database)
        written += sum(map(len, batch))
