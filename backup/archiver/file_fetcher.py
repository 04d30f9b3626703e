"""Fetching the contents of files: small ones in batches, big ones window by window.

What changed under the workers' eyes (a small file became a big one, another file took the name) is
left to the end and read here, through one descriptor.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

from backup.archiver.big_files import BigFile
from backup.archiver.run_writer import RunWriter
from backup.archiver.walk_state import Content, Folder
from backup.format.pack import ID_LENGTH
from backup.progress import Progress
from backup.sources.local.read import (
    LARGEST_SMALL_FILE,
    OddFile,
    Xattrs,
    ensure_regular,
    open_file,
    open_folder,
    read_xattrs,
    refuse_size,
)

_BATCH_FILES = 256
_BATCH_BYTES = 4 << 20
_BATCH_NAME_BYTES = 64 << 10
# What is worth a message while workers have nothing to do.
_LEAST_BATCH = 32


class Receiver(Protocol):
    """Who wants to know what became of each file; perhaps much later."""

    def take_content(self, folder: Folder, place: int, content: Content, told: int) -> None:
        """Take what a file holds; `told` of its bytes were told to the progress already."""
        ...

    def take_failure(self, folder: Folder, place: int, error: OSError) -> None:
        """Hear that it could not be read."""
        ...


@dataclass(slots=True)
class _Batch:
    folders: list[tuple[bytes, list[tuple[bytes, int]]]] = field(default_factory=list)
    targets: list[tuple[Folder, int]] = field(default_factory=list)
    bytes: int = 0
    name_bytes: int = 0

    @property
    def is_full(self) -> bool:
        return (
            len(self.targets) >= _BATCH_FILES
            or self.bytes >= _BATCH_BYTES
            or self.name_bytes >= _BATCH_NAME_BYTES
        )

    def add(self, folder: Folder, place: int) -> None:
        name, size = folder.names[place], folder.stats[place].st_size
        if not self.folders or self.folders[-1][0] != folder.path:
            self.folders.append((folder.path, []))
            self.name_bytes += len(folder.path)
        self.folders[-1][1].append((name, size))
        self.targets.append((folder, place))
        self.bytes += size
        self.name_bytes += len(name)


class Fetcher:
    """Has files read and stored. Files with several names are read once."""

    def __init__(self, writer: RunWriter, receiver: Receiver, progress: Progress) -> None:
        self._writer = writer
        self._receiver = receiver
        self._progress = progress
        self._batch = _Batch()
        # Files that became other ones since we looked at them.
        self._changed: list[tuple[Folder, int]] = []
        # For each file with several names: what came of it, or who waits for that.
        self._links: dict[tuple[int, int], Content | OSError | list[tuple[Folder, int]]] = {}

    def fetch(self, folder: Folder, place: int) -> None:
        """Have one file read."""
        status = folder.stats[place]
        self._writer.start_early()
        if status.st_nlink > 1 and self._is_fetched_elsewhere(folder, place):
            return
        if (refusal := refuse_size(status.st_size)) is not None:
            self._deliver(folder, place, refusal)
            return
        if status.st_size > LARGEST_SMALL_FILE:
            self._cut_by_workers(folder, place)
            return
        batch = self._batch
        batch.add(folder, place)
        if batch.is_full or (len(batch.targets) >= _LEAST_BATCH and self._writer.is_idle):
            self.flush()

    def flush(self) -> None:
        """Hand over what is left of small files."""
        batch, self._batch = self._batch, _Batch()
        if batch.targets:
            self._writer.submit_files(batch.folders, self._answer_to(batch.targets))

    def finish(self) -> None:
        """Hand over what is left, and wait until everything is answered."""
        self.flush()
        self._writer.drain()
        while self._changed:
            self._read_here(*self._changed.pop())
            self._writer.drain()

    def _answer_to(
        self, targets: list[tuple[Folder, int]]
    ) -> Callable[[bytes, dict[int, tuple[Any, ...]]], None]:
        def answered(ids: bytes, odd: dict[int, tuple[Any, ...]]) -> None:
            for number, (folder, place) in enumerate(targets):
                content = ids[ID_LENGTH * number : ID_LENGTH * (number + 1)]
                if number in odd:
                    self._take_odd(folder, place, content, OddFile(*odd[number]))
                else:
                    size = folder.stats[place].st_size
                    self._deliver(folder, place, Content(content if size else b"", size))

        return answered

    def _take_odd(self, folder: Folder, place: int, content: bytes, odd: OddFile) -> None:
        if odd.error is not None:
            self._deliver(folder, place, OSError(*odd.error))
        elif odd.has_grown:
            # Answers come in the middle of other streams, and two cannot share the buffers.
            self._changed.append((folder, place))
        else:
            size = folder.stats[place].st_size if odd.size < 0 else odd.size
            self._deliver(folder, place, Content(content if size else b"", size, odd.xattrs))

    def _cut_by_workers(self, folder: Folder, place: int) -> None:
        status = folder.stats[place]
        file = BigFile(folder.path, folder.names[place], status.st_dev, status.st_ino)

        def done(ids: bytes, size: int, xattrs: Xattrs) -> None:
            self._deliver(folder, place, Content(ids, size, xattrs), told=size)

        def failed(error: OSError | None) -> None:
            if error is None:
                self._changed.append((folder, place))
            else:
                self._deliver(folder, place, error)

        self._writer.store_file(file, done, failed, advance=self._progress.advance)

    def _read_here(self, folder: Folder, place: int) -> None:
        try:
            parent = folder.descriptor if folder.descriptor >= 0 else open_folder(folder.path)
            try:
                descriptor = open_file(parent, folder.names[place])
            finally:
                if parent != folder.descriptor:
                    os.close(parent)
        except OSError as error:
            self._deliver(folder, place, error)
            return
        try:
            self._stream(descriptor, folder, place)
        except OSError as error:
            self._deliver(folder, place, error)
        finally:
            os.close(descriptor)

    def _stream(self, descriptor: int, folder: Folder, place: int) -> None:
        ensure_regular(descriptor)
        xattrs = read_xattrs(descriptor)

        def read_into(view: memoryview) -> int:
            count = os.readv(descriptor, [view])
            self._progress.advance(count)
            return count

        def done(ids: bytes, size: int) -> None:
            self._deliver(folder, place, Content(ids, size, xattrs), told=size)

        self._writer.store_stream(read_into, done)

    # Results, and other names of the same file ---------------------------------------------------

    def _is_fetched_elsewhere(self, folder: Folder, place: int) -> bool:
        """Whether another name of the same file is, or was, read instead."""
        key = _link_key(folder.stats[place])
        known = self._links.get(key)
        if known is None:
            self._links[key] = []
            return False
        if isinstance(known, list):
            known.append((folder, place))
        else:
            self._tell(folder, place, known, told=0)
        return True

    def _deliver(
        self, folder: Folder, place: int, result: Content | OSError, told: int = 0
    ) -> None:
        followers: list[tuple[Folder, int]] = []
        if folder.stats[place].st_nlink > 1:
            key = _link_key(folder.stats[place])
            waiting = self._links.get(key)
            self._links[key] = result
            followers = waiting if isinstance(waiting, list) else []
        self._tell(folder, place, result, told)
        for follower in followers:
            self._tell(*follower, result, told=0)

    def _tell(self, folder: Folder, place: int, result: Content | OSError, told: int) -> None:
        if isinstance(result, Content):
            self._receiver.take_content(folder, place, result, told)
        else:
            self._receiver.take_failure(folder, place, result)


def _link_key(status: os.stat_result) -> tuple[int, int]:
    return status.st_dev, status.st_ino
