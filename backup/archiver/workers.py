"""Where the storing loop runs: in worker processes, or here for stores that cannot be shared.

Both kinds take messages of `backup.archiver.worker` and give back answers through `poll`.
"""

import mmap
import os
from collections import deque
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Protocol

from backup.archiver.chunker import LARGEST
from backup.archiver.known_blobs import IdTable, LocalClaims, SharedClaims, share_ids
from backup.errors import BackupError
from backup.format.compression import Compression
from backup.format.crypto import MasterKey
from backup.format.pack import BlobType
from backup.repository.repository import Repository
from backup.stores.reopen import Recipe, recipe_of, store_from_recipe
from backup.workers.dispatch import Crew
from backup.workers.processes import Channel, Message, Pool

if TYPE_CHECKING:  # numpy behind it costs a worker 20 MB
    from backup.repository.index import Index
from backup.archiver.worker import StoringLoop

SLOT_SIZE = 2 * LARGEST
_SLOTS = 3


class Executor(Protocol):
    """Runs the storing loop somewhere.

    Attributes:
        slots: Buffers of `SLOT_SIZE` bytes that the loop can see too.
    """

    slots: list[memoryview]

    @property
    def is_busy(self) -> bool:
        """Whether more work should wait for answers first."""
        ...

    def submit(self, message: Message) -> None:
        """Hand over one message."""
        ...

    @property
    def is_done(self) -> bool:
        """Whether all that was handed over has been answered."""
        ...

    def poll(self, patience: float | None) -> Iterator[Message]:
        """Yield answers once there are some; waits `patience` seconds at most, None for ever."""
        ...

    def begin_flush(self) -> None:
        """Have everything made durable; `poll` gives the totals of each part when it is."""
        ...

    def salvage(self, patience: float) -> Iterator[Message]:
        """Make durable what was handed over, after an interruption at any moment.

        Yields answers, one ``flushed`` for each part that made everything durable; gives up after
        `patience` seconds.
        """
        ...

    @property
    def parts(self) -> int:
        """How many parts `salvage` has."""
        ...

    def dismiss(self) -> None:
        """Begin to end it; nothing is asked of it any more but `close`."""
        ...

    def close(self) -> None:
        """End it."""
        ...


class LocalExecutor:
    """Runs the loop in this very thread; no process can outlive or miss what happens here."""

    def __init__(
        self, repository: Repository, index: "Index", *, compression: Compression, dry_run: bool
    ) -> None:
        self.slots = [memoryview(mmap.mmap(-1, SLOT_SIZE)) for _ in range(_SLOTS)]
        self._answers: deque[Message] = deque()
        self._loop = StoringLoop(
            repository.store,
            repository.key,
            compression=compression,
            polynomial=repository.config.polynomial,
            known=index.of_type(BlobType.DATA),
            claims=LocalClaims(),
            slots=self.slots,
            send=self._answers.append,
            background=False,
            dry_run=dry_run,
            pack_size=repository.pack_size,
        )

    @property
    def is_busy(self) -> bool:
        """Whether there are answers to be taken."""
        return bool(self._answers)

    def submit(self, message: Message) -> None:
        """Do the work at once."""
        self._loop.handle(message)

    @property
    def is_done(self) -> bool:
        """Whether all answers have been taken."""
        return not self._answers

    def poll(self, patience: float | None) -> Iterator[Message]:
        """Yield the answers; there is nothing to wait for."""
        del patience
        while self._answers:
            yield self._answers.popleft()

    def begin_flush(self) -> None:
        """Make everything durable at once."""
        self._loop.handle(("flush",))

    parts = 1

    def salvage(self, patience: float) -> Iterator[Message]:
        """Make everything durable, unless the interruption left an open pack in pieces."""
        self.begin_flush()
        yield from self.poll(patience)

    def dismiss(self) -> None:
        """Nothing to begin."""

    def close(self) -> None:
        """Nothing to end."""
        self._loop.close()


class Seats:
    """Worker processes that have been told nothing yet, and the memory they share.

    Starting them takes a tenth of a second, and needs no key; so it can be done while the password
    is turned into one.
    """

    def __init__(self, width: int) -> None:
        """Start `width` workers."""
        self._is_closed = False
        self.ring = os.memfd_create("chunks")
        os.ftruncate(self.ring, _SLOTS * SLOT_SIZE)
        self.claims = SharedClaims.create()
        self.known = os.memfd_create("known")
        descriptors = [self.ring, self.claims.descriptor, self.known]
        self.pool = Pool("backup.archiver.workers:serve", width=width, pass_fds=descriptors)

    def close(self) -> None:
        """End the workers at once; may be called again."""
        if self._is_closed:
            return
        self._is_closed = True
        self.pool.kill()
        self.claims.close()
        for descriptor in (self.ring, self.known):
            os.close(descriptor)


class PoolExecutor:
    """Runs the loop in worker processes, and gives each message to the least busy one."""

    def __init__(
        self,
        repository: Repository,
        load_index: Callable[[], "Index"],
        *,
        recipe: Recipe,
        seats: Seats,
        compression: Compression,
        dry_run: bool,
    ) -> None:
        self._seats = seats
        self.slots = _map_slots(seats.ring)
        seats.pool.begin(
            {
                "recipe": recipe,
                "key": tuple(repository.key),
                "compression": compression,
                "dry_run": dry_run,
                "pack_size": repository.pack_size,
                "polynomial": repository.config.polynomial,
                "ring": seats.ring,
                "claims": seats.claims.descriptor,
                "known": (seats.known, share_ids(load_index(), BlobType.DATA, seats.known)),
            }
        )
        self._crew = Crew(seats.pool)

    @property
    def is_busy(self) -> bool:
        """Whether every worker has enough to do."""
        return self._crew.is_busy

    def submit(self, message: Message) -> None:
        """Hand over to the worker with the least under way."""
        self._crew.submit(message)

    @property
    def is_done(self) -> bool:
        """Whether no worker owes an answer."""
        return self._crew.is_done

    def poll(self, patience: float | None) -> Iterator[Message]:
        """Yield answers."""
        return self._crew.poll(patience)

    def begin_flush(self) -> None:
        """Have everything made durable in all workers."""
        self._crew.begin_flush()

    @property
    def parts(self) -> int:
        """The number of workers."""
        return len(self._crew)

    def salvage(self, patience: float) -> Iterator[Message]:
        """Make everything durable in all workers; one that got half a message never answers."""
        return self._crew.salvage(patience)

    def dismiss(self) -> None:
        """Tell the workers to end; what matters has been flushed."""
        self._seats.pool.dismiss()

    def close(self) -> None:
        """End the workers at once, and wait for that."""
        self._seats.close()


def make_executor(
    repository: Repository,
    load_index: Callable[[], "Index"],
    *,
    width: int,
    compression: Compression,
    dry_run: bool,
    seats: Seats | None = None,
) -> Executor:
    """Choose: worker processes where the store can be opened there, else this thread.

    Args:
        repository: The open repository.
        load_index: Gives what it holds already.
        width: How many workers; 0 for this thread.
        compression: As asked.
        dry_run: Do everything but write.
        seats: Workers that have been started already.
    """
    recipe = recipe_of(repository.store, share=width) if width else None
    if recipe is None:
        index = load_index()
        return LocalExecutor(repository, index, compression=compression, dry_run=dry_run)
    seats = seats or Seats(width)
    try:
        return PoolExecutor(
            repository,
            load_index,
            recipe=recipe,
            seats=seats,
            compression=compression,
            dry_run=dry_run,
        )
    except BaseException:
        seats.close()
        raise


def serve(setup: Message, channel: Channel) -> None:
    """Run the storing loop in a worker process."""
    known, count = setup["known"]
    loop = StoringLoop(
        store_from_recipe(setup["recipe"]),
        MasterKey(*setup["key"]),
        compression=setup["compression"],
        polynomial=setup["polynomial"],
        known=IdTable(known, count),
        claims=SharedClaims(setup["claims"]),
        slots=_map_slots(setup["ring"]),
        send=channel.send,
        background=True,
        dry_run=setup["dry_run"],
        pack_size=setup["pack_size"],
    )
    while (message := channel.receive()) is not None:
        try:
            loop.handle(message)
        except MemoryError as error:
            raise BackupError("a worker process ran out of memory") from error
    loop.close()


def _map_slots(descriptor: int) -> list[memoryview]:
    view = memoryview(mmap.mmap(descriptor, _SLOTS * SLOT_SIZE))
    return [view[at * SLOT_SIZE : (at + 1) * SLOT_SIZE] for at in range(_SLOTS)]
