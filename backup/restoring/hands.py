"""The hands of a restore: worker processes, or this process where they cannot help."""

import os
from collections import deque
from collections.abc import Callable
from functools import partial
from typing import Protocol

from backup.processes import Message, Pool, Worker
from backup.repository import Repository
from backup.restoring.folders import identity_of
from backup.restoring.orders import Order, Remark, pack_order
from backup.restoring.request import RestoreRequest
from backup.restoring.seats import Seats, usual_width
from backup.restoring.writing import FileWriter
from backup.stores.recipes import recipe_of

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
            setup: The first message to `backup.restoring.writing.serve`.
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
    repository: Repository,
    root: int,
    request: RestoreRequest,
    *,
    alone: OwnHands,
    seats: Seats | None = None,
    much: bool = False,
) -> Hands:
    """Choose worker processes where the store can be opened there, else this process.

    Args:
        repository: Where blobs come from.
        root: Descriptor of the target; negative where a dry run finds none.
        request: What is restored.
        alone: Work in this process, and hear of every order that was carried out.
        seats: Workers that have been started already.
        much: Whether there is surely enough to do for several workers.
    """
    width = usual_width(repository.store) if request.workers is None else request.workers
    recipe = recipe_of(repository.store, share=max(1, width))
    if recipe is None or width < 1 or root < 0:
        return alone
    setup = (
        tuple(repository.key),
        (os.path.abspath(request.target), *identity_of(root)),
        request.sparse,
        request.dry_run,
    )
    make_seats = partial(Seats, recipe, width=width)
    return ManyHands(setup, make_seats=make_seats, alone=alone, seats=seats, at_once=much)
