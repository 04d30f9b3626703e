"""Where the fault campaigns work: a small source, a repository with a past, cheap to copy.

Everything lies in one memory store: the repository below ``main/``, the one that is copied to below
``copy/``. So one process that stops, stops for both. Clones share their bytes and cost nothing.
"""

import hashlib
import json
import os
import random
import shutil
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from backup.archiver.create import (
    BackupRequest,
    BackupResult,
    Mount,
    create_snapshot,
    find_parent,
)
from backup.archiver.walker import RACY_NANOSECONDS
from backup.errors import ObjectNotFoundError
from backup.format.pack import BlobType
from backup.format.snapshot import Snapshot
from backup.repository.locks import hold_lock
from backup.repository.repository import Repository
from backup.snapshots.walk import TreeReader, walk
from backup.sources.source import FolderSource
from backup.stores.base import Buffer, ObjectInfo, Store
from backup.stores.memory import MemoryStore
from tests.restic_oracle import PASSWORD, create_oracle_repository

HOST = "cong-chinh"
# No process can have this id: the kernel's own limit.
DEAD_PID = 4_194_304
# Later than every change of the source, which happens in real time; so what is known is trusted.
_BEGINNING = datetime.now(UTC) + timedelta(days=1)
KINDS = ("data", "index", "keys", "locks", "snapshots")
Contents = Mapping[bytes, str]


class SwiftClock:
    """A clock on which nobody waits: sleeping moves it, and so does looking at it."""

    def __init__(self, *, step: float = 0.001, start: datetime = _BEGINNING) -> None:
        """Set up; each look moves it by `step` seconds."""
        self._start = start
        self._step = step
        self.seconds = 0.0

    def now(self) -> datetime:
        """Give the wall time."""
        return self._start + timedelta(seconds=self.monotonic())

    def monotonic(self) -> float:
        """Give seconds since the clock was made."""
        self.seconds += self._step
        return self.seconds

    def jump(self, duration: timedelta) -> None:
        """Set the wall clock forward or back."""
        self._start += duration

    def sleep(self, duration: timedelta) -> None:
        """Let the time pass at once."""
        self.seconds += duration.total_seconds()


class Below:
    """The part of a store that lies below a folder, as a store of its own."""

    def __init__(self, store: Store, folder: str) -> None:
        """Give what `store` holds below `folder`."""
        self._store = store
        self._folder = folder

    @property
    def location(self) -> str:
        """Where it is."""
        return f"{self._store.location}/{self._folder}"

    def list(self, prefix: str) -> Iterator[ObjectInfo]:
        """See `Store.list`."""
        start = len(self._folder) + 1
        below = f"{self._folder}/{prefix}" if prefix else self._folder
        return (ObjectInfo(info.key[start:], info.size) for info in self._store.list(below))

    def size(self, key: str) -> int:
        """See `Store.size`."""
        return self._store.size(f"{self._folder}/{key}")

    def read(self, key: str, offset: int = 0, length: int | None = None) -> bytes:
        """See `Store.read`."""
        return self._store.read(f"{self._folder}/{key}", offset, length)

    def write(self, key: str, data: Buffer) -> None:
        """See `Store.write`."""
        self._store.write(f"{self._folder}/{key}", data)

    def delete(self, key: str) -> None:
        """See `Store.delete`."""
        self._store.delete(f"{self._folder}/{key}")


@dataclass(frozen=True)
class World:
    """The source and the stores that scenarios start from.

    Attributes:
        source: The folder that is backed up; as it was at the newest moment.
        empty: Two repositories without snapshots.
        cache: Local cache that belongs to the newest snapshot of `full`.
        grown: Four snapshots of the source in ``main``, nothing in ``copy``; then the source
            changed once more.
        full: A fifth snapshot, of the source as it is now.
        contents: By root tree, what each snapshot holds: path to SHA-256 of the content.
    """

    source: Path
    empty: MemoryStore
    grown: MemoryStore
    full: MemoryStore
    cache: Path
    contents: dict[bytes, Contents]


@dataclass
class Desk:
    """Where one process of ours works.

    Attributes:
        world: The source.
        store: Both repositories; perhaps one that fails.
        cache: Folder of the local cache.
        clock: What time it is.
    """

    world: World
    store: Store
    cache: Path
    clock: SwiftClock = field(default_factory=lambda: SwiftClock(start=_day(5)))

    def open(self, name: str = "main") -> Repository:
        """Open one of the repositories."""
        return open_part(self.store, name, clock=self.clock, cache=self.cache)


def open_part(
    store: Store, name: str, *, clock: SwiftClock | None = None, cache: Path | None = None
) -> Repository:
    """Open the repository below ``name/``."""
    return Repository.open(
        Below(store, name), PASSWORD.encode(), clock=clock or SwiftClock(), cache_dir=cache
    )


def _day(number: int) -> datetime:
    return _BEGINNING + timedelta(days=number)


def back_up(repository: Repository, source: Path, *, when: datetime | None = None) -> BackupResult:
    """Back the source up, in this thread alone, as the command does it."""
    request = BackupRequest(
        mounts=[Mount(b"/data", FolderSource(os.fsencode(source)))],
        hostname=HOST,
        paths=("/data",),
        time=when or repository.clock.now(),
        workers=0,
    )
    with hold_lock(repository, confirm_late=True) as lock:
        parent = find_parent(
            repository.load_snapshots(), hostname=HOST, paths=("/data",), before=request.time
        )
        return create_snapshot(repository, replace(request, parent=parent), lock=lock)


# Making it ---------------------------------------------------------------------------------------


@cache
def _folder_for_worlds() -> TemporaryDirectory[str]:
    return TemporaryDirectory(prefix="giucong-fault-")


def make_world(seed: int = 0, *, scale: int = 1) -> World:
    """Make a world; the same for the same arguments, and made once a process.

    Args:
        seed: Decides about the contents of files.
        scale: How much of everything there is.
    """
    return _make_world(seed, scale)  # the cache tells apart how arguments are written


@cache
def _make_world(seed: int, scale: int) -> World:
    chance = random.Random(seed)
    base = Path(_folder_for_worlds().name, f"{seed}-{scale}")
    source = base / "source"
    _fill(source, chance, scale)
    empty = MemoryStore({**_new_repository(base / "main"), **_new_repository(base / "copy")})
    store = empty.clone()
    repository = open_part(store, "main")
    for number in range(4):
        back_up(repository, source, when=_day(number))
        _change(source, chance, number, scale)
    time.sleep(RACY_NANOSECONDS / 1e9 + 0.1)
    full = store.clone()
    repository = open_part(full, "main", cache=base / "cache")
    back_up(repository, source, when=_day(4))
    contents = {it.tree: read_back(repository, it) for it in repository.load_snapshots()}
    return World(source, empty, store, full, base / "cache", contents)


def _new_repository(folder: Path) -> dict[str, bytes]:
    create_oracle_repository(folder)
    objects = {
        f"{folder.name}/{path.relative_to(folder)}": path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }
    shutil.rmtree(folder)
    return objects


def _fill(source: Path, chance: random.Random, scale: int) -> None:
    for number in range(12 * scale):
        folder = source / "tin-tức" / f"{number % 4}"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"bài-{number}.html").write_bytes(_words(chance, 2_000 + 100 * number))
    (source / "empty").mkdir()
    (source / "empty-file").touch()
    (source / "large.pdf").write_bytes(chance.randbytes(1_300_000 * scale))
    (source / "link").symlink_to("large.pdf")
    os.link(source / "large.pdf", source / "second-name.pdf")


def _change(source: Path, chance: random.Random, number: int, scale: int) -> None:
    """Change what a day changes: pages, a new upload, one that goes, the middle of a big file."""
    for page in range(3 * scale):
        at = (number * 3 + page) % (12 * scale)
        path = source / "tin-tức" / f"{at % 4}" / f"bài-{at}.html"
        path.write_bytes(_words(chance, 2_500 + page))
    (source / f"upload-{number}.jpg").write_bytes(chance.randbytes(40_000 * scale))
    (source / f"upload-{number - 2}.jpg").unlink(missing_ok=True)
    with (source / "large.pdf").open("r+b") as file:
        file.seek(600_000 * scale)
        file.write(chance.randbytes(20_000))


def _words(chance: random.Random, size: int) -> bytes:
    words = ["cổng", "thông", "tin", "điện", "tử", "<p>", "</p>", "Đồng Nai"]
    text = " ".join(chance.choice(words) for _ in range(size // 4))
    return text.encode()[:size]


# Looking at it -----------------------------------------------------------------------------------


def read_back(repository: Repository, snapshot: Snapshot) -> Contents:
    """Read all of a snapshot, every blob proven: path to the SHA-256 of its content or its kind."""
    index = repository.load_index()
    contents = {}
    for entry in walk(TreeReader(repository, index), snapshot.tree):
        content = entry.node.content_ids() if entry.node.content is not None else None
        if content is None:
            contents[entry.path] = entry.node.type
            continue
        digest = hashlib.sha256()
        for blob_id in content:
            digest.update(repository.load_blob(index, blob_id, expected=BlobType.DATA))
        contents[entry.path] = digest.hexdigest()
    return contents


def read_source(source: Path) -> Contents:
    """Give of the source what `read_back` gives of a snapshot."""
    contents = {b"/data": "dir"}
    for path in source.rglob("*"):
        name = b"/data/" + os.fsencode(path.relative_to(source))
        if path.is_symlink():
            contents[name] = "symlink"
        elif path.is_dir():
            contents[name] = "dir"
        else:
            contents[name] = hashlib.sha256(path.read_bytes()).hexdigest()
    return contents


def part_of(store: MemoryStore, name: str) -> dict[str, bytes]:
    """Give the objects of one repository."""
    start = f"{name}/"
    return {
        key.removeprefix(start): content
        for key, content in store.objects().items()
        if key.startswith(start)
    }


def export(objects: Mapping[str, bytes], folder: Path) -> None:
    """Write a repository into a folder, for stock restic."""
    for kind in KINDS:
        (folder / kind).mkdir(parents=True)
    for key, content in objects.items():
        path = folder / key
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content)


def bury(store: MemoryStore, name: str) -> int:
    """Make the locks of a repository those of a process that is gone; gives their number.

    The campaign's processes "die" within a process that lives on; this is what others would see.
    """
    repository = open_part(store, name)
    locks = repository.list_files("locks")
    for file_id in locks:
        try:
            fields = json.loads(repository.read_file("locks", file_id))
        except ObjectNotFoundError:
            continue
        repository.store.delete(f"locks/{file_id}")
        repository.write_file("locks", json.dumps({**fields, "pid": DEAD_PID}).encode())
    return len(locks)
