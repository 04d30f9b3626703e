"""Files larger than one order: several processes write their parts; the last one ends them.

1. Make an empty file under a temporary name, and hold it (`backup.restorer.partial_files`).
2. Write the parts, in any order.
3. When all are done set the metadata, then give it its own name.

If a part is damaged the temporary file goes and what had the name before stays. A file for which
there is no room is left out: it must not end the restore of the others.
"""

import os
from contextlib import suppress
from dataclasses import dataclass

from backup.errors import BackupError, DamagedError
from backup.restorer.file_writer import create_large_file, finish_large_file
from backup.restorer.metadata import Metadata
from backup.restorer.orders import PartOrder, Piece, Remark
from backup.restorer.progress import Tally, os_text
from backup.restorer.target_folders import Folders


@dataclass(slots=True)
class LargeFile:
    """One file that is being written in parts.

    Attributes:
        folder: Its folder.
        name: Its own name.
        size: Its length in bytes.
        metadata: What is set on it in the end.
        pieces: Its whole content.
        exact: Whether to take away attributes it inherits.
        existed: Whether it takes another one's place.
        remaining: Parts not done yet.
        held: Descriptor that holds the temporary file.
    """

    folder: bytes
    name: bytes
    size: int
    metadata: Metadata
    pieces: tuple[Piece, ...]
    exact: bool
    existed: bool
    remaining: int = 0
    held: int = -1

    @property
    def path(self) -> bytes:
        """Relative to the target."""
        return self.folder + b"/" + self.name if self.folder else self.name


def _room(folder: int) -> int:
    """Give how many bytes may still be written where a folder lies."""
    status = os.fstatvfs(folder)
    return status.f_bavail * status.f_frsize


def _too_large(size: int) -> BackupError:
    return BackupError(
        "its {size} bytes are more than there is room for",
        why="anybody may make a file of any size that holds nothing but zeros",
        data="it was left out; everything else is restored",
        next_step="restore it with --sparse, or into another folder",
        size=size,
    )


class LargeFiles:
    """The large files under way, by their temporary names."""

    def __init__(self, folders: Folders, tally: Tally, *, sparse: bool) -> None:
        self._folders = folders
        self._tally = tally
        self._sparse = sparse
        self._open: dict[bytes, LargeFile] = {}
        self._lost: set[bytes] = set()

    def begin(self, file: LargeFile) -> bytes | None:
        """Make the temporary file and give its name; None if that failed, which is reported."""
        try:
            folder = self._folders.open(file.folder)
            if not self._sparse and file.size > _room(folder):
                self._tally.fail(file.path, _too_large(file.size))
                return None
            temporary, file.held = create_large_file(folder, file.size, sparse=self._sparse)
        except OSError as error:
            self._tally.fail_with(file.path, error.errno or 0, os_text(error))
            return None
        self._open[temporary] = file
        return temporary

    def part_done(self, order: PartOrder, remark: Remark | None) -> LargeFile | None:
        """Take note of a part; gives the file if it is whole and has its name now."""
        file = self._open[order.name]
        file.remaining -= 1
        if remark is not None and order.name not in self._lost:
            self._lost.add(order.name)
            if remark.outcome == "damaged":
                self._tally.fail(file.path, DamagedError("{cause}", cause=remark.text))
            else:
                self._tally.fail_with(file.path, remark.number, remark.text)
        if file.remaining:
            return None
        del self._open[order.name]
        if order.name in self._lost:
            self._lost.discard(order.name)
            self._remove(file, order.name)
            return None
        return file if self._finish(file, order.name) else None

    def _finish(self, file: LargeFile, temporary: bytes) -> bool:
        try:
            refused = finish_large_file(
                self._folders.open(file.folder),
                file.held,
                temporary,
                file.name,
                file.metadata,
                exact=file.exact,
            )
        except OSError as error:
            self._remove(file, temporary)
            self._tally.fail_with(file.path, error.errno or 0, os_text(error))
            return False
        os.close(file.held)
        if refused:
            self._tally.refused(file.path, " ".join(refused))
        return True

    def _remove(self, file: LargeFile, temporary: bytes) -> None:
        with suppress(OSError):
            os.unlink(temporary, dir_fd=self._folders.open(file.folder))
        os.close(file.held)

    def close(self) -> None:
        """Remove what did not become whole."""
        for temporary, file in self._open.items():
            self._remove(file, temporary)
        self._open.clear()
