"""Put a small file in its place, whole or not at all.

Order:

1. Make the folders that are missing; write a hidden file beside the final one and sync it.
2. Give it its final name: by a link, which fails where something is there already, or by a
   rename, which replaces what is there in one step.
3. Sync the folder.

Cut off after any step, the final name holds the old content or the new one, never a part.
"""

import os
import secrets
from contextlib import suppress
from pathlib import Path

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
    unfinished = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        _write(unfinished, content, mode)
        if replace:
            unfinished.replace(path)
        else:
            os.link(unfinished, path)
    finally:
        with suppress(FileNotFoundError):
            unfinished.unlink()
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _make_folders(folder: Path, mode: int) -> None:
    if not folder.exists():
        _make_folders(folder.parent, mode)
        folder.mkdir(mode=mode, exist_ok=True)


def _write(path: Path, content: bytes, mode: int) -> None:
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW
    descriptor = os.open(path, flags, mode)
    with os.fdopen(descriptor, "wb") as file:
        os.fchmod(descriptor, mode)
        file.write(content)
        file.flush()
        os.fsync(descriptor)
