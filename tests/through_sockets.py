"""Restores through sockets: the same calls, with somebody else holding the repository."""

import socket
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress

from backup.progress import SILENT, Progress
from backup.repository.repository import Repository
from backup.restorer.request import RestoreRequest, RestoreResult
from backup.restorer.restore import restore_content
from backup.restorer.served_content import ServedContent
from backup.restorer.serving import serve_content
from backup.restorer.workers import Seats

LINES = 3


@contextmanager
def serving(repository: Repository, *, lines: int = LINES) -> Iterator[list[socket.socket]]:
    """Serve a repository in a thread; gives the other ends, which are closed in the end."""
    pairs = [socket.socketpair() for _ in range(lines)]
    failed: list[BaseException] = []

    def serve() -> None:
        try:
            serve_content(repository, [there for _, there in pairs])
        except BaseException as error:  # noqa: BLE001 - told by the other thread
            failed.append(error)

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield [here for here, _ in pairs]
    finally:
        for here, _ in pairs:
            with suppress(OSError):  # closed already
                here.shutdown(socket.SHUT_RDWR)
            here.close()
        thread.join(60)
        assert not thread.is_alive(), "serving goes on although nobody listens"
    assert failed == []


@contextmanager
def served(repository: Repository, *, lines: int = LINES) -> Iterator[ServedContent]:
    """Give a repository's content, over sockets."""
    with serving(repository, lines=lines) as ends, closing(ServedContent(ends)) as content:
        yield content


def restore_through_sockets(
    repository: Repository,
    snapshot_tree: bytes,
    request: RestoreRequest,
    progress: Progress = SILENT,
    *,
    seats: Seats | None = None,
) -> RestoreResult:
    """Do what `restore_snapshot` does."""
    with served(repository) as content:
        if seats is not None:
            make_seats = content.make_seats(len(seats.pool.workers))
            seats.close()
            assert make_seats is not None
            seats = make_seats()
        return restore_content(content, snapshot_tree, request, progress, seats=seats)
