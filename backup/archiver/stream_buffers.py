"""The shared buffers that big files and streams pass through on their way to the workers."""

from collections import deque
from collections.abc import Callable, Iterator, Sequence

# Reading a little into a nearly full buffer only to carry it over is not worth it.
_LEAST_ROOM = 1 << 20
_NONE = -1


class ChunkRing:
    """Buffers that are filled one after another and used again when nobody needs them.

    Attributes:
        filled: How much of the current buffer is in use.
    """

    def __init__(self, slots: Sequence[memoryview], wait: Callable[[], object]) -> None:
        """Set up.

        Args:
            slots: The buffers, all of one size.
            wait: Lets answers come in, so that buffers may become free.
        """
        self._slots = slots
        self._wait = wait
        self._free = deque(range(1, len(slots)))
        self._users = [0] * len(slots)
        self._current = 0
        self.filled = 0

    @property
    def current(self) -> int:
        """Number of the current buffer."""
        return self._current

    @property
    def view(self) -> memoryview:
        """The current buffer."""
        return self._slots[self._current]

    def make_room(self) -> None:
        """Go to the next buffer if this one is nearly full."""
        if len(self.view) - self.filled < _LEAST_ROOM:
            self.advance(b"")

    def advance(self, carried: bytes) -> None:
        """Go to the next free buffer, waiting for one; it begins with `carried`."""
        if not self._users[self._current]:
            self._free.append(self._current)
        self._current = _NONE  # so that it becomes free like any other while we wait
        while not self._free:
            self._wait()
        self._current = self._free.popleft()
        self.view[: len(carried)] = carried
        self.filled = len(carried)

    def use(self) -> Callable[[], None]:
        """Keep the current buffer as it is until the returned function is called."""
        slot = self._current
        self._users[slot] += 1

        def release() -> None:
            self._users[slot] -= 1
            if not self._users[slot] and slot != self._current:
                self._free.append(slot)

        return release


class Parts:
    """The ids of one stream's chunks, which may arrive in any order."""

    def __init__(self, done: Callable[[bytes, int], None]) -> None:
        """Set up; `done` gets the joined ids, in order, and the length in bytes."""
        self._done = done
        self._ids: list[bytes | None] = []
        self._missing = 0
        self._length = 0
        self._is_closed = False

    def expect(self, length: int) -> int:
        """Announce the next part of `length` bytes; gives its place."""
        self._ids.append(None)
        self._missing += 1
        self._length += length
        return len(self._ids) - 1

    def arrive(self, place: int, ids: bytes) -> None:
        """Take the ids of an announced part."""
        self._ids[place] = ids
        self._missing -= 1
        self._finish_if_whole()

    def close(self) -> None:
        """Say that no more parts will be announced."""
        self._is_closed = True
        self._finish_if_whole()

    def _finish_if_whole(self) -> None:
        if self._is_closed and not self._missing:
            self._done(b"".join([ids or b"" for ids in self._ids]), self._length)


def group_pieces(
    pieces: Sequence[tuple[int, int]], most_bytes: int
) -> Iterator[list[tuple[int, int]]]:
    """Split (start, end) pairs into runs of about `most_bytes`, in order."""
    group: list[tuple[int, int]] = []
    size = 0
    for start, end in pieces:
        if group and size + end - start > most_bytes:
            yield group
            group, size = [], 0
        group.append((start, end))
        size += end - start
    if group:
        yield group
