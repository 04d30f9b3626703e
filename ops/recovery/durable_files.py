"""Put a file in place so that it is whole under its name, or not there.

Order:

1. Write a hidden file beside the final one, with the final mode from its birth; sync it.
2. Give it its name: `put_new` links, which fails where something is there; `replace` renames.
3. Sync the folder.
"""

import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO


def put_new(path: Path, data: bytes, mode: int) -> None:
    """Write a file that is not there yet.

    Raises:
        FileExistsError: Something has the name; it stays as it was.
        OSError: The folder cannot be written.
    """
    with _finished(path, mode) as (file, temporary):
        file.write(data)
        _sync(file)
        path.hardlink_to(temporary)


def copy_new(source: Path, path: Path, mode: int) -> None:
    """Copy a file to a name that is free; errors as in `put_new`."""
    with _finished(path, mode) as (file, temporary):
        with source.open("rb") as content:
            shutil.copyfileobj(content, file, 1 << 20)
        _sync(file)
        path.hardlink_to(temporary)


def replace(path: Path, data: bytes, mode: int) -> None:
    """Write a file; readers see the old one or the new one, whole."""
    with _finished(path, mode) as (file, temporary):
        file.write(data)
        _sync(file)
        temporary.replace(path)


@contextmanager
def _finished(path: Path, mode: int) -> Iterator[tuple[BinaryIO, Path]]:
    temporary = path.with_name(f".giucong-tmp-{secrets.token_hex(8)}")
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
    descriptor = os.open(temporary, flags, mode)
    try:
        with os.fdopen(descriptor, "wb") as file:
            os.fchmod(descriptor, mode)
            yield file, temporary
    finally:
        with suppress(FileNotFoundError):
            temporary.unlink()
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _sync(file: BinaryIO) -> None:
    file.flush()
    os.fsync(file.fileno())
