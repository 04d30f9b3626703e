"""Serving what restores read, to processes that have neither the repository's key nor its store.

Whoever is at the other end gets blobs of the opened repository and nothing else: it names ids, or
places in packs that the index knows, never a key, a name or a path. What it can cost is bounded: an
answer holds no more than `backup.restorer.wire` lets a request ask for, but for a single tree or
blob that is larger itself, and the next request is read only when the answer has been taken.

Opening blobs holds the interpreter, so each further socket gets a process of its own, once
something comes over it. Where the store lives in this process alone, it gets a thread.
"""

import selectors
from collections.abc import Callable, Sequence
from contextlib import closing, suppress
from functools import partial
from socket import SHUT_RDWR, socket
from threading import Thread

from backup.errors import BackupError, DamagedError
from backup.format.crypto import OVERHEAD, MasterKey
from backup.format.pack import ID_LENGTH, pack_key
from backup.repository.repository import Repository
from backup.restorer.blob_reader import PackReader, plain_length
from backup.restorer.content import ContentGoneError
from backup.restorer.orders import Piece
from backup.restorer.repository_content import RepositoryContent
from backup.restorer.wire import (
    HELLO,
    LARGEST_BLOB,
    MOST_READ,
    MOST_READ_ALONE,
    PLACE,
    Kind,
    Line,
    Request,
    impossible,
    pack_places,
)
from backup.stores.reopen import recipe_of, store_from_recipe, transfers_at_once
from backup.workers.processes import Channel, Message, Worker, WorkerDiedError


def serve_content(repository: Repository, ends: Sequence[socket]) -> None:
    """Serve restores until the other side closes the first socket, or breaks the form.

    Args:
        repository: Open; only read, and by this call alone. The caller holds its shared lock.
        ends: Connected Unix stream sockets, the other ends of those that
            `backup.restorer.served_content.ServedContent` is given, in the same order. Closed on
            return. To end it from elsewhere, shut the first one down.

    Raises:
        BackupError: The store cannot be opened in another process. All else is told to the other
            side.
    """
    with closing(_Service(repository, ends)) as service:
        service.run()


class _Service:
    """One call of `serve_content`."""

    def __init__(self, repository: Repository, ends: Sequence[socket]) -> None:
        self._content = RepositoryContent(repository)
        self._reader = PackReader(repository.store, repository.key, proves=False)
        self._readers = _Readers(repository)
        self._ends = ends
        self._line = Line(ends[0])
        self._selector = selectors.DefaultSelector()
        self._watch(ends[0], self._answer)
        for end in ends[1:]:
            self._watch(end, partial(self._wake, end))

    def _watch(self, what: socket | Worker, act: Callable[[], None]) -> None:
        self._selector.register(what, selectors.EVENT_READ, act)

    def run(self) -> None:
        """Answer until the other side has gone."""
        with suppress(ContentGoneError):
            while True:
                for key, _ in self._selector.select():
                    key.data()

    def _answer(self) -> None:
        request = self._line.listen()
        if request.kind is Kind.WAKE:
            return
        try:
            answer = self._told(request)
        except BackupError as error:
            self._line.tell(error)
            return
        self._readers.begin(self._content.index.pack_ids)
        answer()

    def _told(self, request: Request) -> Callable[[], None]:
        """Make an answer; gives what sends it."""
        content, rows = self._content, request.rows
        match request.kind:
            case Kind.HELLO:
                hello = HELLO.pack(content.size_bytes, content.is_far)
                return partial(self._line.tell, hello)
            case Kind.TREE:
                return partial(self._line.tell, _bounded(content.load_tree(rows)))
            case Kind.DATA:
                return partial(self._line.tell, _bounded(content.load_data(rows)))
            case Kind.PLACES:
                return partial(self._line.send, pack_places(content.look_up(rows)))
            case _:
                return partial(answer_read, self._line, rows, self._reader, content.index.pack_ids)

    def _wake(self, end: socket) -> None:
        """Something has come over a further socket, and whoever reads there finds it."""
        self._selector.unregister(end)
        worker = self._readers.start(end)
        if worker is not None:
            self._watch(worker, partial(self._hear, worker))

    def _hear(self, worker: Worker) -> None:
        """A reader has ended: mostly because its socket has; or it says why it cannot begin."""
        self._selector.unregister(worker)
        with suppress(WorkerDiedError):
            for _ in worker.messages():
                pass

    def close(self) -> None:
        """End everything."""
        self._selector.close()
        for end in self._ends:
            with suppress(OSError):  # also where a thread waits on it
                end.shutdown(SHUT_RDWR)
        self._readers.close()
        self._line.close()
        for end in self._ends:
            end.close()


class _Readers:
    """Reads for the further sockets. They begin once the index is there."""

    def __init__(self, repository: Repository) -> None:
        self._repository = repository
        self._recipe = recipe_of(repository.store)
        self._packs: Sequence[bytes] | None = None
        self._waiting: list[Callable[[Sequence[bytes]], None]] = []
        self._workers: list[Worker] = []
        self._threads: list[Thread] = []

    def start(self, end: socket) -> Worker | None:
        """Start one for a socket; gives its process, if it has one."""
        worker = None
        if self._recipe is None:
            begin = partial(self._begin_thread, end)
        else:
            number = end.fileno()
            worker = Worker("backup.restorer.serving:serve", (number,))
            end.close()  # so that the other side hears when the process ends
            self._workers.append(worker)
            worker.send(self._recipe)
            begin = partial(self._begin_worker, worker, number)
        if self._packs is None:
            self._waiting.append(begin)
        else:
            begin(self._packs)
        return worker

    def begin(self, packs: Sequence[bytes]) -> None:
        """Let those that were started read from these packs."""
        self._packs = packs
        while self._waiting:
            self._waiting.pop()(packs)

    def _begin_worker(self, worker: Worker, end: int, packs: Sequence[bytes]) -> None:
        with suppress(WorkerDiedError):  # told when it is heard
            worker.send((tuple(self._repository.key), b"".join(packs), end))

    def _begin_thread(self, end: socket, packs: Sequence[bytes]) -> None:
        reader = PackReader(self._repository.store, self._repository.key, proves=False)
        thread = Thread(target=_read_for, args=(end, reader, packs), name="reading")
        self._threads.append(thread)
        thread.start()

    def close(self) -> None:
        """End all of them; their sockets have been shut down."""
        for worker in self._workers:
            worker.dismiss()
            worker.close()
        for thread in self._threads:
            thread.join()


def serve(recipe: Message, channel: Channel) -> None:
    """Run a process that reads for one socket.

    The message after the recipe is (key parts, ids of the packs joined, descriptor of the socket).
    """
    store = store_from_recipe(recipe)
    setup = channel.receive()
    if setup is None:
        return
    key, joined, end = setup
    packs = [joined[at : at + ID_LENGTH] for at in range(0, len(joined), ID_LENGTH)]
    at_once = transfers_at_once(store)
    reader = PackReader(store, MasterKey(*key), at_once=at_once, proves=False)
    _read_for(socket(fileno=end), reader, packs)


def _read_for(end: socket, reader: PackReader, packs: Sequence[bytes]) -> None:
    """Answer requests to read until the other side has gone or asks for anything else."""
    with end, closing(Line(end)) as line, suppress(ContentGoneError):
        while True:
            request = line.listen()
            if request.kind is Kind.READ:
                answer_read(line, request.rows, reader, packs)
            elif request.kind is not Kind.WAKE:
                return


def answer_read(line: Line, rows: bytes, reader: PackReader, packs: Sequence[bytes]) -> None:
    """Answer a request to read places in these packs.

    Raises:
        ContentGoneError: It asks for more than may be asked for at once, or the line was cut.
    """
    pieces = [(*place, b"") for place in PLACE.iter_unpack(rows)]
    good = [it for it in pieces if _is_possible(it, len(packs))]
    if len(good) > 1 and sum(max(it[2], plain_length(it)) for it in good) > MOST_READ:
        raise impossible()
    keys = {it[0]: pack_key(packs[it[0]]) for it in good}
    found = reader.read(good, keys)
    contents = [found.get(it) for it in pieces]
    there = [it for it in contents if isinstance(it, bytes)]
    line.send(bytes(isinstance(it, bytes) for it in contents), *there)


def _is_possible(piece: Piece, packs: int) -> bool:
    pack, _, sealed, plain, _ = piece
    return pack < packs and OVERHEAD <= sealed <= MOST_READ_ALONE and plain <= MOST_READ_ALONE


def _bounded(blob: bytes) -> bytes:
    if len(blob) > LARGEST_BLOB:
        raise DamagedError(
            "a blob has {bytes} bytes, more than {most}", bytes=len(blob), most=LARGEST_BLOB
        )
    return blob
