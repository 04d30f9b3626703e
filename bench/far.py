"""`python -m bench.far`: our engine behind the SSH layer, as a program that can be timed.

| verb | what |
|---|---|
| files | a folder of a host, in the way the host offers |
| many | one folder each of many hosts, eight at a time, in one process |
| dump | a live MariaDB of a host |

Repositories are there already; their password is in RESTIC_PASSWORD. What is done is what a
backup of the service does with a site, without its catalog and journal.
"""

import argparse
import json
import os
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from backup.archiver.create import create_snapshot
from backup.archiver.request import BackupRequest, Mount, find_parent
from backup.repository.locks import hold_lock
from backup.repository.repository import Repository
from backup.snapshots.selection import load_readable_snapshots
from backup.sources.databases.connection import Connection
from backup.sources.databases.mariadb_dump import mariadb_source
from backup.sources.remote.open import RemoteSource, open_remote_tree
from backup.sources.source import FolderSource, Source
from backup.stores import open_store
from provisioning.ssh.host import SshHost
from provisioning.ssh.pool import WIDTH, SshPool
from provisioning.ssh.targets import SshTarget

INCOMPLETE = 3


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what the arguments say; 0 done, 3 incomplete."""
    options = _parse(arguments)
    orders = json.loads(options.orders.read_text(encoding="utf-8"))
    with _pool() as pool:
        if options.verb == "many":
            with ThreadPoolExecutor(WIDTH) as threads:
                done = list(threads.map(partial(back_up_files, pool, workers=0), orders))
            return max(done)
        if options.verb == "dump":
            return back_up_dump(pool, orders[0])
        return back_up_files(pool, orders[options.number])


def back_up_files(pool: SshPool, order: dict[str, Any], *, workers: int | None = None) -> int:
    """Back a folder of a host up.

    Args:
        pool: Of the connections.
        order: What `bench.hosts.make_order` gives.
        workers: Processes; None for as many as there are cores, 0 for this one alone.
    """
    host = _host(pool, order)
    path = os.fsencode(order["path"])
    opened = partial(open_remote_tree, host, path, one_file_system=True)
    source = RemoteSource(host.name, FolderSource(path, one_file_system=True), opened)
    return _back_up(order, source, workers)


def back_up_dump(pool: SshPool, order: dict[str, Any]) -> int:
    """Back a database of a host up; `path` is that of its socket there."""
    way = Connection(
        host=_host(pool, order), database=order["database"], socket=order["path"], user="root"
    )
    return _back_up(order, mariadb_source(way, on_facts=lambda _facts: None), None)


def _back_up(order: dict[str, Any], source: Source | RemoteSource, workers: int | None) -> int:
    repository = Repository.open(
        open_store(order["repository"]),
        os.environb[b"RESTIC_PASSWORD"],
        cache_dir=Path(order["cache"]),
    )
    name, now = order["name"], repository.clock.now()
    root = f"/{name}"
    with hold_lock(repository, confirm_late=True) as lock:
        earlier = load_readable_snapshots(repository).snapshots
        request = BackupRequest(
            mounts=[Mount(os.fsencode(f"{root}/site"), source)],
            hostname=name,
            paths=(root,),
            time=now,
            parent=find_parent(earlier, hostname=name, paths=(root,), before=now),
            workers=workers,
        )
        result = create_snapshot(repository, request, lock=lock)
    return 0 if result.outcome == "ok" else INCOMPLETE


def _host(pool: SshPool, order: dict[str, Any]) -> SshHost:
    target = SshTarget(
        name=order["name"],
        address="127.0.0.1",
        port=order["port"],
        user=order["user"],
        identity=Path(order["identity"]),
        known_hosts=Path(order["known_hosts"]),
    )
    return SshHost(target, pool)


@contextmanager
def _pool() -> Iterator[SshPool]:
    pool = SshPool()
    try:
        yield pool
    finally:
        pool.close()


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.far", description=__doc__)
    parser.add_argument("verb", choices=("files", "many", "dump"))
    parser.add_argument("orders", type=Path, help="JSON: a list of what bench.hosts writes")
    parser.add_argument("--number", type=int, default=0, help="which of them, for `files`")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
