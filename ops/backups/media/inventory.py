"""Read a repository on a medium back from the medium itself, and digest it.

The digest of a repository is the SHA-256, in hexadecimal, over one line for each of its files in
the order of their keys: key, size in decimal and SHA-256 of the content, parted by a blank and
ended by a line feed. Locks and what is no part of a repository are left out. Each file is dropped
from the machine's cache before it is read, so that what is digested is what the medium holds.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from backup.copies.mirror_plan import KINDS
from backup.format.config import is_id

CONFIG = "config"
_PIECE = 1 << 20


@dataclass(frozen=True, slots=True)
class Inventory:
    """What was read.

    Attributes:
        objects: How many files.
        size_bytes: Their bytes.
        digest: As above.
        damaged: Keys of files whose content does not have the hash they are named by, or that
            cannot be read.
    """

    objects: int
    size_bytes: int
    digest: str
    damaged: tuple[str, ...]


def take_inventory(folder: Path) -> Inventory:
    """Read every file of a repository.

    Args:
        folder: Where it lies.
    """
    total, size_bytes, count = sha256(), 0, 0
    damaged = []
    for key in sorted(list_keys(folder)):
        try:
            size, found = _read(folder / key)
        except OSError:
            damaged.append(key)
            continue
        if key != CONFIG and found != key.rpartition("/")[2]:
            damaged.append(key)
        total.update(f"{key} {size} {found}\n".encode())
        size_bytes += size
        count += 1
    return Inventory(count, size_bytes, total.hexdigest(), tuple(damaged))


def list_keys(folder: Path) -> Iterator[str]:
    """Give the keys of a repository's files, in no particular order."""
    if (folder / CONFIG).is_file():
        yield CONFIG
    for kind in KINDS:
        for path in (folder / kind).rglob("*"):
            if is_id(path.name) and path.is_file():
                yield path.relative_to(folder).as_posix()


def _read(path: Path) -> tuple[int, str]:
    """Give a file's size and SHA-256, read from the medium and not from memory."""
    size, found = 0, sha256()
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
        while piece := os.read(descriptor, _PIECE):
            found.update(piece)
            size += len(piece)
    finally:
        os.close(descriptor)
    return size, found.hexdigest()
