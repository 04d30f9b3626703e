"""Put a file in place so that it is whole under its name, or not there.

Order:

1. Write a hidden file beside the final one, with the final mode from its birth; sync it.
2. Give it its name: `put_new` links, which fails where something is there (a removable medium with
   FAT knows no links: there it looks, and renames); `put_anew` renames.
3. Sync the folder, where the file system knows how; a new file whose name cannot be made durable is
   withdrawn.
"""

import base64
import errno
import os
import secrets
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

from backup.stores.durable_write import publish, settle, sync_folder
from ops.errors import OpsError


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


def put_anew(path: Path, data: bytes, mode: int, owner: tuple[int, int] | None = None) -> None:
    """Write a file; readers see the old one or the new one, whole.

    Args:
        path: Its name.
        data: All of it.
        mode: Its permission bits.
        owner: The user and group it is to belong to; None for those of this process.
    """
    with _temporary(path, mode) as (file, temporary):
        if owner is not None:
            os.fchown(file.fileno(), *owner)
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


FOLDER_MODE = 0o755
FILE_MODE = 0o644


def place_file(
    path: Path, content: bytes, *, mode: int, replace: bool, folder_mode: int = FOLDER_MODE
) -> None:
    """Write a file.

    Args:
        path: Its final name.
        content: All of it.
        mode: Its permission bits; those of a file that is replaced do not matter.
        replace: Whether a file of that name may be replaced.
        folder_mode: Permission bits of folders that are made.

    Raises:
        FileExistsError: Something is there, and `replace` is false.
        OSError: The folder cannot be written.
    """
    _make_folders(path.parent, folder_mode)
    write = put_anew if replace else put_new
    write(path, content, mode)


def name_of_old(path: Path) -> Path:
    """Give the name under which a file is kept beside the one that takes its place now."""
    return path.with_name(f"{path.name}.{datetime.now(UTC):%Y%m%dT%H%M%S.%f}Z.old")


def _make_folders(folder: Path, mode: int) -> None:
    if not folder.exists():
        _make_folders(folder.parent, mode)
        folder.mkdir(mode=mode, exist_ok=True)


_KEY_BYTES = 32


def make_key_file(path: Path, *, setting: str = "[keys] repository") -> None:
    """Write a new random key of 256 bits as one line of base32; an existing file stays as it is.

    Args:
        path: Where the estate says that it lies.
        setting: The setting that says so, for the message where it cannot be written.

    Raises:
        OpsError: The folder cannot be written.
    """
    line = base64.b32encode(secrets.token_bytes(_KEY_BYTES)).rstrip(b"=") + b"\n"
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with suppress(FileExistsError):
            put_new(path, line, 0o600)
    except OSError as error:
        raise OpsError(
            "the key file {path} cannot be written",
            why="{reason}",
            data="nothing was stored yet",
            next_step="name a folder that this user can write in `{setting}`",
            path=path,
            setting=setting,
            reason=error.strerror or type(error).__name__,
        ) from error


def read_bounded(path: Path, most: int) -> bytes:
    """Give what a file holds, at most one byte more than `most`.

    Raises:
        OSError: It cannot be read, or is no file: a pipe would hang, a device never end.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError(errno.EINVAL, os.strerror(errno.EINVAL), str(path))
        return file.read(most + 1)
