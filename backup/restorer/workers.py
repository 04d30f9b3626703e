"""The hands of a restore: worker processes, or this process where they cannot help.

Worker processes of a restore, started before anything else is known.
"""

import os
from collections import deque
from collections.abc import Callable, Sequence
from typing import Protocol, cast

from backup.errors import StoreError
from backup.restorer.content import Content
from backup.restorer.file_writer import FileWriter
from backup.restorer.orders import Order, Remark, pack_order
from backup.restorer.request import RestoreRequest
from backup.restorer.target_folders import identity_of
from backup.stores.base import Store, layers_of
from backup.stores.reopen import Recipe, recipe_of, transfers_at_once
from backup.workers.processes import Message, Pool, Worker, worker_count

# What a repository holds: a whole snapshot of so much is hardly a single order.
MUCH = 64 << 20
_MOST_WORKERS = 8


class Seats:
    """Worker processes that have been told no more than where to read.

    Starting them takes a tenth of a second, of a distant store three, and needs no key; so it can
    be done while the password is turned into one.
    """

    def __init__(self, recipes: Sequence[Recipe], *, ends: Sequence[int] = ()) -> None:
        """Start a worker for each recipe.

        Args:
            recipes: How each opens the store, or `backup.restorer.file_writer.served_at`.
            ends: A descriptor for each, where that is what it reads from.
        """
        self.pool = Pool("backup.restorer.file_writer:serve", width=len(recipes), own_fds=ends)
        self._is_closed = False
        try:
            for worker, recipe in zip(self.pool.workers, recipes, strict=True):
                worker.send(recipe)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """End the workers at once; may be called again."""
        if not self._is_closed:
            self._is_closed = True
            self.pool.kill()


def start_early(store: Store) -> Seats | None:
    """Start workers for a whole snapshot, unless the store is small or cannot be opened there."""
    width = usual_width(store)
    recipe = recipe_of(store, share=width)
    if recipe is None or not _holds_much(store):
        return None
    return Seats([recipe] * width)


def _holds_much(store: Store) -> bool:
    """Look once, without the patience of those who open the repository."""
    *_, innermost = layers_of(store)
    size = 0
    try:
        for pack in cast("Store", innermost).list("data"):
            size += pack.size
            if size >= MUCH:
                return True
    except StoreError:  # told by whoever opens the repository
        pass
    return False


def usual_width(store: Store) -> int:
    """Two a core: while one waits for a pack or for the target's disk, another one works.

    From a distant store one a core: each has several reads on their way and seldom waits.
    """
    if transfers_at_once(store) > 1:
        return worker_count()
    return near_width()


def near_width() -> int:
    """How many workers suit this machine where content is near."""
    return min(_MOST_WORKERS, 2 * worker_count())


OnAnswer = Callable[[Order, list[Remark]], None]
_MOST_WAITING = 3


class Hands(Protocol):
    """Carries out orders, in any order, and tells of each when it is done."""

    def submit(self, order: Order) -> None:
        """Take an order; may tell of others meanwhile."""
        ...

    def drain(self) -> None:
        """Return when every order is done."""
        ...

    def dismiss(self) -> None:
        """Begin to give everything back, without waiting; all orders are done."""
        ...

    def close(self) -> None:
        """Give everything back; what is not done stays undone."""
        ...


class OwnHands:
    """Carries orders out at once, in this process."""

    def __init__(self, writer: FileWriter, on_answer: OnAnswer) -> None:
        self._writer = writer
        self._on_answer = on_answer

    def submit(self, order: Order) -> None:
        """See `Hands.submit`."""
        self._on_answer(order, self._writer.carry_out(order))

    def drain(self) -> None:
        """See `Hands.drain`."""

    def dismiss(self) -> None:
        """See `Hands.dismiss`."""

    def close(self) -> None:
        """See `Hands.close`."""

    def answer(self, order: Order, remarks: list[Remark]) -> None:
        """Pass on what others did."""
        self._on_answer(order, remarks)


class ManyHands:
    """Gives orders to worker processes, started when there is more than one order, or at once."""

    def __init__(
        self,
        setup: Message,
        *,
        make_seats: Callable[[], Seats],
        alone: OwnHands,
        seats: Seats | None = None,
        at_once: bool = False,
    ) -> None:
        """Set up.

        Args:
            setup: The first message to `backup.restorer.file_writer.serve`.
            make_seats: Starts the workers.
            alone: Who does it if there is one order only.
            seats: Workers that wait already; they are closed with these hands.
            at_once: Whether there will surely be more.
        """
        self._setup = setup
        self._make_seats = make_seats
        self._alone = alone
        self._seats = seats
        self._first: Order | None = None
        self._pool: Pool | None = None
        self._waiting: dict[int, deque[Order]] = {}
        if at_once or seats is not None:
            self._start()

    def submit(self, order: Order) -> None:
        """See `Hands.submit`."""
        if self._pool is None:
            if self._first is None:
                self._first = order
                return
            self._start()
        self._give(order)

    def _start(self) -> None:
        self._seats = self._seats or self._make_seats()
        self._pool = self._seats.pool
        self._pool.begin(self._setup)
        self._waiting = {id(worker): deque() for worker in self._pool.workers}
        if self._first is not None:
            self._give(self._first)

    def _give(self, order: Order) -> None:
        assert self._pool is not None  # noqa: S101 -- started by the caller
        worker = min(self._pool.workers, key=lambda one: len(self._waiting[id(one)]))
        while len(self._waiting[id(worker)]) >= _MOST_WAITING:
            self._hear()
            worker = min(self._pool.workers, key=lambda one: len(self._waiting[id(one)]))
        self._waiting[id(worker)].append(order)
        worker.send(pack_order(order))

    def _hear(self) -> None:
        assert self._pool is not None  # noqa: S101 -- as above
        answers: list[tuple[Worker, list[tuple[int, str, int, str]]]] = list(self._pool.poll())
        for worker, remarks in answers:
            order = self._waiting[id(worker)].popleft()
            self._alone.answer(order, [Remark(*remark) for remark in remarks])  # type: ignore[arg-type]  # our own worker's words

    def drain(self) -> None:
        """See `Hands.drain`."""
        if self._pool is None:
            if self._first is not None:
                first, self._first = self._first, None
                self._alone.submit(first)
            return
        while any(self._waiting.values()):
            self._hear()

    def dismiss(self) -> None:
        """See `Hands.dismiss`."""
        if self._pool is not None:
            self._pool.dismiss()

    def close(self) -> None:
        """See `Hands.close`."""
        if self._seats is not None:
            self._seats.close()


def make_hands(
    content: Content,
    root: int,
    request: RestoreRequest,
    *,
    alone: OwnHands,
    seats: Seats | None = None,
    much: bool = False,
) -> Hands:
    """Choose worker processes where the content can be read there, else this process.

    Args:
        content: Where blobs come from.
        root: Descriptor of the target; negative where a dry run finds none.
        request: What is restored.
        alone: Work in this process, and hear of every order that was carried out.
        seats: Workers that have been started already.
        much: Whether there is surely enough to do for several workers.
    """
    make_seats = content.make_seats(request.workers)
    if make_seats is None or root < 0:
        return alone
    setup = (
        content.secret,
        (os.path.abspath(request.target), *identity_of(root)),
        request.sparse,
        request.dry_run,
    )
    return ManyHands(setup, make_seats=make_seats, alone=alone, seats=seats, at_once=much)
