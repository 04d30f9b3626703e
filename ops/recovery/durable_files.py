"""Put a file in place so that it is whole under its name, or not there.

Order:

1. Write a hidden file beside the final one, with the final mode from its birth; sync it.
2. Give it its name: `put_new` links, which fails where something is there (a removable medium with
   FAT knows no links: there it looks, and renames); `replace` renames.
3. Sync the folder, where the file system knows how; a new file whose name cannot be made durable is
   withdrawn.
"""

import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from backup.stores.durable_write import publish, settle, sync_folder


def put_new(path: Path, data: bytes, mode: int) -> None:
    """Write a file that is not there yet.

    Raises:
        FileExistsError: Something has the name; it stays as it was.
        OSError: The folder cannot be written.
    """
    with _temporary(path, mode) as (file, temporary):
        file.write(data)
        _sync(file)
        publish(str(temporary), str(path))
    settle(str(path.absolute()), ())


def copy_new(source: Path, path: Path, mode: int) -> None:
    """Copy a file to a name that is free; errors as in `put_new`."""
    with _temporary(path, mode) as (file, temporary), source.open("rb") as content:
        shutil.copyfileobj(content, file, 1 << 20)
        _sync(file)
        publish(str(temporary), str(path))
    settle(str(path.absolute()), ())


def replace(path: Path, data: bytes, mode: int) -> None:
    """Write a file; readers see the old one or the new one, whole."""
    with _temporary(path, mode) as (file, temporary):
        file.write(data)
        _sync(file)
        temporary.replace(path)
    sync_folder(str(path.parent))


@contextmanager
def _temporary(path: Path, mode: int) -> Iterator[tuple[BinaryIO, Path]]:
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


def _sync(file: BinaryIO) -> None:
    file.flush()
    os.fsync(file.fileno())
