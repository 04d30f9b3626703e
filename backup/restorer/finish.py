"""What is done when all content is in place: further names, verification, folders.

1. Give hard-linked entries their further names.
2. Read back what was written, if asked.
3. Set the metadata of folders, deepest first: whatever is put into a folder changes its times, and
   its permissions may forbid it.

A queue for what is done at the end: small in memory, on disk where it grows.
"""

import ctypes
import marshal
import os
import struct
import tempfile
from collections.abc import Iterator
from typing import Any

from backup.errors import DamagedError
from backup.format.tree import Node
from backup.restorer.metadata import Metadata, apply_to_descriptor, make_link
from backup.restorer.progress import Tally, os_text
from backup.restorer.target_folders import Folders, lstat_entry, split_path

_LENGTH = struct.Struct("<I")
_MOST_IN_MEMORY = 4 << 20


class Spool:
    """First in, first out; holds tuples of what marshal knows. Its file has no name."""

    def __init__(self) -> None:
        self._file = tempfile.SpooledTemporaryFile(max_size=_MOST_IN_MEMORY)  # noqa: SIM115 -- `close` ends it

    def add(self, item: tuple[Any, ...]) -> None:
        """Append an item."""
        body = marshal.dumps(item)
        self._file.write(_LENGTH.pack(len(body)) + body)

    def __iter__(self) -> Iterator[Any]:
        """Go through all items once; nothing may be added any more."""
        self._file.seek(0)
        while head := self._file.read(_LENGTH.size):
            yield marshal.loads(self._file.read(_LENGTH.unpack(head)[0]))  # noqa: S302 -- our own

    def close(self) -> None:
        """Throw everything away."""
        self._file.close()


_LinkKey = tuple[int, int, str, bytes]


class Links:
    """Entries that share an inode.

    An inode's number alone does not make two entries one: a snapshot may hold folders of several
    hosts. They must hold the same, too.
    """

    def __init__(self, folders: Folders, tally: Tally, *, dry_run: bool) -> None:
        self._folders = folders
        self._tally = tally
        self._dry_run = dry_run
        self._first: dict[_LinkKey, bytes] = {}
        self._spool = Spool()

    def add(self, path: bytes, node: Node, digest: bytes, *, replaces: bool) -> bool:
        """Take note of an entry with several names; True if it is to be linked, not written."""
        key = (node.inode, node.device_id, node.type, digest)
        first = self._first.setdefault(key, path)
        if first == path:
            return False
        self._spool.add((first, path, replaces))
        return True

    def make(self) -> None:
        """Make all links."""
        for first, path, replaces in self._spool:
            if first in self._tally.failed:
                shown = first.decode("utf-8", "backslashreplace")
                if first in self._tally.denied:
                    self._tally.denied.add(path)
                error = DamagedError("its first name {path} could not be restored", path=shown)
                self._tally.fail(path, error)
                continue
            try:
                made = self._dry_run or self._make(first, path, replaces=replaces)
            except OSError as error:
                self._tally.fail_with(path, error.errno or 0, os_text(error))
            else:
                if made:
                    self._tally.restore(path, 0)
                else:
                    self._tally.skip(path)

    def _make(self, first: bytes, path: bytes, *, replaces: bool) -> bool:
        first_path, first_name = split_path(first)
        path_folder, name = split_path(path)
        first_folder = os.dup(self._folders.open(first_path))
        try:
            folder = self._folders.open(path_folder)
            if replaces and _is_same(first_folder, first_name, folder, name):
                return False
            make_link(first_folder, first_name, folder, name, replaces=replaces)
        finally:
            os.close(first_folder)
        return True

    def close(self) -> None:
        """Forget everything."""
        self._spool.close()


def _is_same(first_folder: int, first_name: bytes, folder: int, name: bytes) -> bool:
    first = lstat_entry(first_folder, first_name)
    second = lstat_entry(folder, name)
    return first is not None and second is not None and os.path.samestat(first, second)


class FolderEndings:
    """Metadata of folders, kept until nothing more is put into them."""

    def __init__(self, folders: Folders, tally: Tally) -> None:
        self._folders = folders
        self._tally = tally
        self._spool = Spool()

    def add(self, path: bytes, metadata: Metadata, *, exact: bool) -> None:
        """Take note of a folder; those in it come before it."""
        self._spool.add((path, tuple(metadata), exact))

    def apply(self) -> None:
        """Set the metadata of all folders."""
        for path, fields, exact in self._spool:
            try:
                folder = self._folders.open(path)
                refused = apply_to_descriptor(folder, Metadata(*fields), exact=exact)
            except OSError as error:
                self._tally.fail_with(path, error.errno or 0, os_text(error))
            else:
                if refused:
                    self._tally.refused(path, " ".join(refused))

    def close(self) -> None:
        """Forget everything."""
        self._spool.close()


def write_back(root: int) -> None:
    """Let the file system write everything out, so that reading back reads the disk.

    One call for the whole file system; Python has no name for it, and where the C library has none
    either, reading back may see the system's memory.
    """
    syncfs = getattr(ctypes.CDLL(None, use_errno=True), "syncfs", None)
    if syncfs is not None:
        syncfs(root)
