"""A storage root: opened, walked, read. Whatever is read is held against its digest.

The root is a plain folder (OCFL 1.1, section 4): `0=ocfl_1.1`, `ocfl_layout.json`, `extensions/`,
and objects below two levels of folders (`archive.ocfl.layout`). Writing is `archive.ocfl.write`'s.
"""

import hashlib
import os
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from archive.errors import NotAnArchiveError, ObjectDamagedError, ObjectNotFoundError
from archive.ocfl import layout
from archive.ocfl.files import (
    OPEN_FOLDER_MODE,
    PIECE,
    make_durable,
    open_plain,
    read_small,
    told_of_storage,
    write_file,
)
from archive.ocfl.inventory import (
    DECLARATION,
    INVENTORY,
    LARGEST,
    SIDECAR,
    Inventory,
    parse_inventory,
    sidecar_of,
)

_SMALL = 16 << 20
_SIDECAR_LIMIT = 4096
_PATIENCE = (0.001, 0.02, 0.1, 0)


@dataclass(frozen=True, slots=True)
class StoredObject:
    """An object as its root inventory describes it.

    Attributes:
        path: Its folder.
        inventory: Held against its sidecar.
    """

    path: Path
    inventory: Inventory

    def read(self, logical: str, version: str = "", *, limit: int = _SMALL) -> bytes:
        """Give the bytes of one file.

        Args:
            logical: Logical path.
            version: `v2`; the newest when empty.
            limit: Bytes that the file may have.

        Raises:
            ObjectNotFoundError: That version has no such file.
            ObjectDamagedError: It is missing, too long or not what it was.
        """
        expected, path = self._place(logical, version)
        try:
            data = read_small(path, limit)
        except OSError as error:
            raise self._damaged(logical, error.strerror or str(error)) from error
        if len(data) > limit or hashlib.sha512(data).hexdigest() != expected:
            raise self._damaged(logical, f"{len(data)} bytes")
        return data

    def copy(self, logical: str, target: BinaryIO, version: str = "") -> None:
        """Copy one file to a stream in pieces; the digest is held against at the end.

        Raises:
            ObjectNotFoundError: That version has no such file.
            ObjectDamagedError: It is not what it was; what the stream got is worth nothing.
        """
        target.writelines(self._pieces(logical, version))

    def read_back(self, logical: str) -> None:
        """Read one file of the newest version from its disk, not from what the kernel remembers.

        Raises:
            ObjectDamagedError: It is not what it was.
        """
        for _data in self._pieces(logical, from_disk=True):
            pass

    def _pieces(
        self, logical: str, version: str = "", *, from_disk: bool = False
    ) -> Iterator[bytes]:
        expected, path = self._place(logical, version)
        digest = hashlib.sha512()
        try:
            with open_plain(path) as file:
                if from_disk:
                    os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
                while data := file.read(PIECE):
                    digest.update(data)
                    yield data
        except OSError as error:
            raise self._damaged(logical, error.strerror or str(error)) from error
        if digest.hexdigest() != expected:
            raise self._damaged(logical, "digest")

    def _place(self, logical: str, version: str) -> tuple[str, Path]:
        try:
            state = self.inventory.version(version).state
            return state[logical], self.path / self.inventory.content_path(logical, version)
        except KeyError as error:
            raise ObjectNotFoundError(
                "{object} has no file {file} in version {version}",
                next_step="`{program} archive.show --id {object}`",
                object=self.inventory.id,
                file=logical,
                version=version or self.inventory.head,
            ) from error

    def _damaged(self, logical: str, reason: str) -> ObjectDamagedError:
        return ObjectDamagedError(
            "the file {file} of {object} is damaged",
            why="{reason}",
            data="other copies of the archive were not touched",
            next_step="`{program} archive.repair`",
            object=self.inventory.id,
            file=logical,
            reason=reason,
        )


class StorageRoot:
    """A storage root that exists.

    Args:
        path: Its folder.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def has(self, object_id: str) -> bool:
        """Say whether there is an object of that id, be it damaged."""
        return (self.path / layout.object_path(object_id)).exists()

    def find(self, object_id: str) -> StoredObject:
        """Give an object.

        Raises:
            ObjectNotFoundError: There is none.
            ObjectDamagedError: Its inventory is not what its sidecar says, or of another object.
        """
        path = self.path / layout.object_path(object_id)
        if not path.is_dir():
            raise ObjectNotFoundError(
                "the archive has no object {object}",
                next_step="`{program} archive.search` finds items by their words",
                object=object_id,
            )
        stored = read_object(path)
        if stored.inventory.id != object_id:
            raise _inventory_damaged(path, stored.inventory.id)
        return stored

    def folders(self) -> Iterator[Path]:
        """Give the folder of every object, in order of path, damaged ones too."""
        for first in _folders_of(self.path):
            if len(first.name) == 2:  # noqa: PLR2004 - a tuple of the layout
                for second in _folders_of(first):
                    yield from _folders_of(second)

    def objects(self) -> Iterator[StoredObject]:
        """Give every object in order of path.

        Raises:
            ObjectDamagedError: The inventory of one cannot be used.
        """
        return map(read_object, self.folders())


def create_root(path: Path) -> StorageRoot:
    """Make a storage root in a new or empty folder; one of ours that is there is opened.

    Order: layout and its configuration; made durable; the declaration last, so that only a whole
    root is ever taken for one.

    Raises:
        NotAnArchiveError: The folder holds something else, or a root of another layout.
        ArchiveError: It cannot be written.
    """
    there = {it.name for it in path.iterdir()} if path.exists() else set()
    if layout.ROOT_DECLARATION in there:
        return open_root(path)
    if not there <= {layout.LAYOUT_FILE, "extensions"}:  # what a killed one leaves
        raise NotAnArchiveError(
            "the folder {path} holds something that is not an archive",
            data="nothing was changed",
            next_step="name an empty folder",
            path=path,
        )
    with told_of_storage(path):
        path.mkdir(parents=True, exist_ok=True, mode=OPEN_FOLDER_MODE)
        *parts, (declaration, text) = layout.layout_files().items()
        for name, data in parts:
            place = path / name
            place.parent.mkdir(parents=True, exist_ok=True, mode=OPEN_FOLDER_MODE)
            place.unlink(missing_ok=True)
            write_file(str(place), data)
        draft = path / "extensions" / layout.EXTENSION / declaration
        draft.unlink(missing_ok=True)
        write_file(str(draft), text)
        make_durable(path)
        draft.rename(path / declaration)
        make_durable(path)
    return StorageRoot(path)


def open_root(path: Path) -> StorageRoot:
    """Open a storage root.

    Raises:
        NotAnArchiveError: Nothing there is one, or its layout is not ours.
    """
    try:
        declared = read_small(path / layout.ROOT_DECLARATION, _SIDECAR_LIMIT)
        config = read_small(path / "extensions" / layout.EXTENSION / "config.json", _SIDECAR_LIMIT)
    except OSError as error:
        raise _not_ours(path, error.strerror or str(error)) from error
    if declared != layout.ROOT_DECLARATION_TEXT or not layout.is_our_config(config):
        raise _not_ours(path, layout.LAYOUT_FILE)
    return StorageRoot(path)


def read_object(path: Path) -> StoredObject:
    """Read the object in a folder, its inventory held against the sidecar.

    Raises:
        ObjectDamagedError: It has none that can be used.
    """
    for patience in _PATIENCE:  # a writer may be between an inventory and its sidecar
        try:
            sidecar = read_small(path / SIDECAR, _SIDECAR_LIMIT)
            data = read_small(path / INVENTORY, LARGEST)
        except OSError as error:
            raise _inventory_damaged(path, error.strerror or str(error)) from error
        if len(data) <= LARGEST and sidecar.split() == sidecar_of(data).split():
            break
        time.sleep(patience)
    else:
        raise _inventory_damaged(path, SIDECAR)
    if not (path / DECLARATION).is_file():
        raise _inventory_damaged(path, DECLARATION)
    return StoredObject(path, parse_inventory(data))


def _folders_of(path: Path) -> list[Path]:
    with suppress(FileNotFoundError, NotADirectoryError), os.scandir(path) as entries:
        names = sorted(it.name for it in entries if it.is_dir(follow_symlinks=False))
        return [path / name for name in names]
    return []


def _not_ours(path: Path, reason: str) -> NotAnArchiveError:
    return NotAnArchiveError(
        "{path} is no archive that this version can use",
        why="{reason}",
        data="nothing was changed",
        next_step="look at `[archive] url` in the estate; `{program} archive.capture` makes it",
        path=path,
        reason=reason,
    )


def _inventory_damaged(path: Path, reason: str) -> ObjectDamagedError:
    return ObjectDamagedError(
        "the object at {path} has no inventory that can be trusted",
        why="{reason}",
        data="its files and other copies were not touched",
        next_step="`{program} archive.repair`",
        path=path,
        reason=reason,
    )
