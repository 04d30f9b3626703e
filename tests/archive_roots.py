"""Storage roots of an archive for tests: filled, copied, damaged."""

import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from archive.ocfl import layout
from archive.ocfl.files import OPEN_FOLDER_MODE, remove_tree
from archive.ocfl.root import StorageRoot, create_root
from archive.ocfl.write import Author, Receipt, writing

WRITER = Author("Giữ Cổng", "urn:giucong:test")
MOMENT = datetime(2026, 11, 27, 8, 30, tzinfo=UTC)


@contextmanager
def in_memory(otherwise: Path) -> Iterator[Path]:
    """Give a folder in memory, where nothing waits for what others write to a disk."""
    if not os.access("/dev/shm", os.W_OK):  # noqa: S108 - for tests only
        yield otherwise
        return
    folder = Path(tempfile.mkdtemp(prefix="giucong-test-", dir="/dev/shm"))
    try:
        yield folder
    finally:
        remove_tree(folder)


def object_id(number: int) -> str:
    return f"urn:uuid:00000000-0000-5000-8000-{number:012d}"


def contents(number: int, version: int = 1) -> dict[str, bytes]:
    """What a version of an object holds: the attachment is the same in all."""
    return {
        "item.json": f'{{"number": {number}, "version": {version}}}\n'.encode(),
        "content/body.html": f"<p>tin {number}, lần {version}</p>".encode() * 20,
        "content/att-01.bin": bytes([number % 256]) * 3000,
    }


def put(
    root: StorageRoot, numbers: Iterable[int], *, version: int = 1, also: Mapping[str, bytes] = {}
) -> list[Receipt]:
    """Write a version of each object, durable together."""
    with writing(root) as batch:
        for number in numbers:
            batch.put(
                object_id(number), {**contents(number, version), **also}, message=f"lần {version}",
                author=WRITER, created=MOMENT,
            )  # fmt: skip
        return batch.commit()


def make_root(path: Path, objects: int = 3, versions: int = 1) -> StorageRoot:
    """Make a root with so many objects of so many versions each."""
    root = create_root(path)
    for version in range(1, versions + 1):
        put(root, range(objects), version=version)
    return root


def clone(root: StorageRoot, path: Path) -> StorageRoot:
    """Copy a root as it is, modes included."""
    shutil.copytree(root.path, path, symlinks=True)
    return StorageRoot(path)


def place_of(root: StorageRoot, number: int) -> Path:
    return root.path / layout.object_path(object_id(number))


def open_up(path: Path) -> None:
    """Let the owner write a file or folder and all folders on the way to its root."""
    for folder in (path, *path.parents[:4]):
        if folder.is_dir() and not folder.is_symlink():
            folder.chmod(OPEN_FOLDER_MODE)
        elif folder.is_file():
            folder.chmod(0o644)


def flip_bit(path: Path, at: int = 10) -> None:
    """Turn one bit of a file, as a disk does."""
    open_up(path)
    data = bytearray(path.read_bytes())
    data[at % len(data)] ^= 1
    path.write_bytes(data)


def files_of(folder: Path) -> dict[str, bytes]:
    """What a folder holds, for comparing."""
    return {
        it.relative_to(folder).as_posix(): it.read_bytes()
        for it in sorted(folder.rglob("*"))
        if it.is_file()
    }
