"""A crew: workers that share messages out evenly among them.

Each message has one answer. Reports of packs and of cuts come in between and answer nothing.
"""

import time
from collections.abc import Iterator

from backup.workers.processes import Message, Pool

# One that is worked on, and enough to go on with while the parent is busy elsewhere.
_MOST_UNDER_WAY = 3
_NO_ANSWERS = frozenset({"pack", "cut"})


class Crew:
    """Hands each message to the worker with the least under way."""

    def __init__(self, pool: Pool) -> None:
        """Take over a pool whose workers have been told nothing yet."""
        self._pool = pool
        self._under_way = dict.fromkeys(pool.workers, 0)

    def __len__(self) -> int:
        return len(self._under_way)

    @property
    def is_busy(self) -> bool:
        """Whether every worker has enough to do."""
        return min(self._under_way.values()) >= _MOST_UNDER_WAY

    def submit(self, message: Message) -> None:
        """Hand over one message."""
        worker = min(self._under_way, key=self._under_way.__getitem__)
        self._under_way[worker] += 1
        worker.send(message)

    @property
    def is_done(self) -> bool:
        """Whether no worker owes an answer."""
        return not any(self._under_way.values())

    def poll(self, patience: float | None) -> Iterator[Message]:
        """Yield answers once there are some; waits `patience` seconds at most, None for ever."""
        for worker, message in self._pool.poll(patience):
            if message[0] not in _NO_ANSWERS:
                self._under_way[worker] -= 1
            yield message

    def begin_flush(self) -> None:
        """Tell all workers to make everything durable; each answers once it is."""
        for worker in self._under_way:
            self._under_way[worker] += 1
            worker.send(("flush",))

    def flush(self) -> Iterator[Message]:
        """Have everything made durable; yields the answers until all workers have given theirs."""
        self.begin_flush()
        while not self.is_done:
            yield from self.poll(None)

    def salvage(self, patience: float) -> Iterator[Message]:
        """Flush after an interruption at any moment; one that got half a message never answers.

        Gives up after `patience` seconds.
        """
        deadline = time.monotonic() + patience
        for worker in self._under_way:
            worker.send(("flush",))
        missing = len(self)
        while missing and (left := deadline - time.monotonic()) > 0:
            for _, message in self._pool.poll(left):
                missing -= message[0] == "flushed"
                yield message

    def kill(self) -> None:
        """End the workers at once."""
        self._pool.kill()
