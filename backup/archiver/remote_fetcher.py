"""Fetching the contents of another machine's files at the pauses of its listing."""

import os
import stat
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from backup.archiver.file_fetcher import Fetcher, Receiver
from backup.archiver.run_writer import RunWriter
from backup.archiver.walk_state import Content, Folder
from backup.errors import SourceError
from backup.format.pack import ID_LENGTH
from backup.progress import Progress
from backup.sources.host_errors import UNTOUCHED
from backup.sources.local.read import LARGEST_SMALL_FILE, Xattrs, refuse_size
from backup.sources.remote.bounds import senseless
from backup.sources.remote.known_blocks import LEAST_BYTES, EarlierContent
from backup.sources.remote.tree import Arriving, DoubtfulError, RemoteTree, Wanted

_ROUNDS = 3
_BATCH_FILES = 256
_BATCH_BYTES = 4 << 20
_CHANGED = "it changed while it was read, three times over; what was read last is kept"

Place = tuple[Folder, int]


@dataclass(slots=True)
class _Arrival:
    """What was read of one file, as far as it is known."""

    before: os.stat_result
    xattrs: Xattrs
    ids: bytes = b""
    size: int = 0

    def take(self, ids: bytes, size: int) -> None:
        self.ids, self.size = ids, size


class RemoteFetcher(Fetcher):
    """Has files fetched and stored; those that change meanwhile are fetched again."""

    def __init__(
        self,
        writer: RunWriter,
        receiver: Receiver,
        progress: Progress,
        *,
        report: Callable[[Folder, int, OSError], None],
    ) -> None:
        """Set up.

        Args:
            writer: Stores.
            receiver: Told what became of each file.
            progress: Told of each stretch that arrives.
            report: Told of a file that is kept although it changed.
        """
        super().__init__(writer, receiver, progress)
        self._report = report
        self._queue: list[Place] = []
        self._earlier: dict[tuple[int, int], EarlierContent] = {}
        self._small: list[tuple[_Arrival, bytes]] = []
        self._small_bytes = 0
        self._buffer = memoryview(bytearray(LARGEST_SMALL_FILE))

    def fetch(self, folder: Folder, place: int) -> None:
        """Note a file to be fetched at the next pause."""
        if folder.stats[place].st_nlink > 1 and self._is_fetched_elsewhere(folder, place):
            return
        if (refusal := refuse_size(folder.stats[place].st_size)) is not None:
            self._deliver(folder, place, refusal)
            return
        self._queue.append((folder, place))
        self._note_earlier(folder, place)

    def _note_earlier(self, folder: Folder, place: int) -> None:
        """Keep in mind what a big file held before, while the old tree is at hand."""
        fields = folder.previous.fields(folder.names[place])
        if fields is None or fields.type != "file" or not fields.content:
            return
        if min(fields.size, folder.stats[place].st_size) < LEAST_BYTES:
            return
        with suppress(ValueError):  # an odd node
            blob_ids = [bytes.fromhex(each) for each in fields.content]
            if self._writer.holds_data(blob_ids):
                earlier = EarlierContent(folder.previous.read_data, blob_ids)
                self._earlier[id(folder), place] = earlier

    def pull(self, tree: RemoteTree, path_of: Callable[[Folder, int], bytes]) -> None:
        """Fetch all that was noted, and wait until it is stored.

        Args:
            tree: At a pause, or at the end of its listing.
            path_of: Gives a file's path from the root.

        Raises:
            SourceError: The line was cut.
        """
        rounds = 0
        while self._queue:
            rounds += 1
            queue, self._queue = self._queue, []
            wanted = [self._want(path_of(*it), *it) for it in queue]
            arrivals: dict[int, _Arrival] = {}

            def take(number: int, file: Arriving, arrivals: dict[int, _Arrival] = arrivals) -> None:
                arrivals[number] = self._store(file)

            endings = tree.fetch(wanted, take)
            self._store_small()
            self._writer.drain()
            for number, (place, ending) in enumerate(zip(queue, endings, strict=True)):
                self._conclude(place, arrivals.get(number), ending, is_last=rounds >= _ROUNDS)

    def _want(self, path: bytes, folder: Folder, place: int) -> Wanted:
        earlier = self._earlier.pop((id(folder), place), None)
        return Wanted(path, folder.stats[place], earlier)

    def _store(self, file: Arriving) -> _Arrival:
        if not stat.S_ISREG(file.before.st_mode):
            raise senseless()
        arrival = _Arrival(file.before, file.xattrs)

        def read_into(view: memoryview) -> int:
            count = file.readinto(view)
            self._progress.advance(count)
            return count

        self._writer.start_early()
        if file.before.st_size > LARGEST_SMALL_FILE:
            self._store_small()
            self._writer.store_stream(read_into, arrival.take)
            return arrival
        data = _read_all(read_into, self._buffer)
        arrival.size = len(data)
        if data:
            self._small.append((arrival, data))
            self._small_bytes += len(data)
        if self._small_bytes >= _BATCH_BYTES or len(self._small) >= _BATCH_FILES:
            self._store_small()
        return arrival

    def _store_small(self) -> None:
        small, self._small, self._small_bytes = self._small, [], 0

        def answered(ids: bytes) -> None:
            for number, (arrival, _) in enumerate(small):
                arrival.ids = ids[ID_LENGTH * number : ID_LENGTH * (number + 1)]

        if small:
            self._writer.store_blobs([data for _, data in small], answered)

    def _conclude(
        self,
        at: Place,
        arrival: _Arrival | None,
        ending: os.stat_result | OSError,
        *,
        is_last: bool,
    ) -> None:
        folder, place = at
        if isinstance(ending, DoubtfulError):
            self._queue.append(at)  # whole this time
            return
        if isinstance(ending, OSError):
            self._deliver(folder, place, ending)
            return
        if arrival is None:
            raise SourceError(
                "a file that was asked for did not come",
                data=UNTOUCHED,
                next_step="run it again; if this comes back, look at the host",
            )
        if _identity(arrival.before) != _identity(ending):
            if not is_last:
                self._become(folder, place, ending)
                self._queue.append(at)
                return
            self._report(folder, place, OSError(0, _CHANGED))
        self._become(folder, place, arrival.before)
        content = Content(arrival.ids, arrival.size, arrival.xattrs)
        self._deliver(folder, place, content, told=arrival.size)

    def _become(self, folder: Folder, place: int, status: os.stat_result) -> None:
        """Note what a file is now; of another file's other names each is fetched by itself."""
        listed = folder.stats[place]
        if (listed.st_dev, listed.st_ino) != (status.st_dev, status.st_ino):
            others = self._links.pop((listed.st_dev, listed.st_ino), None)
            self._queue += others if isinstance(others, list) else []
        folder.stats[place] = status


def _identity(status: os.stat_result) -> tuple[int, int, int, int]:
    return status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns


def _read_all(read_into: Callable[[memoryview], int], buffer: memoryview) -> bytes:
    pieces = []
    while count := read_into(buffer):
        pieces.append(bytes(buffer[:count]))
    return b"".join(pieces)
