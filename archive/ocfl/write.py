"""Write objects and versions of objects, many at a time, so that each is whole or not there.

Order of a batch:

1. Stage: every object, or version of one, is written below `extensions/giucong-staging/` of the
   same root, with an intent that says where it belongs.
2. Make the stage durable.
3. Rename: a new object to its place; a new version into its object.
4. Make that durable, and only then let the root inventories of changed objects, and their sidecars,
   take the place of the old ones; make that durable too.
5. Remove the stage. Receipts are given now and not before.

Killed after 1 or 2, the stage is undone at the next start; after 3, what is in place is finished
(`recover`). Readers see an old version or the new one, whole, except between an inventory and its
sidecar, which `recover` mends. One writer at a time: the root's folder is locked.
"""

import fcntl
import hashlib
import json
import os
import re
import secrets
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from archive.errors import ArchiveBusyError, ArchiveError, ItemRefusedError
from archive.ocfl import layout
from archive.ocfl.files import (
    FOLDER_MODE,
    OPEN_FOLDER_MODE,
    copy_file,
    digest_of,
    make_durable,
    remove_tree,
    told_of_storage,
    write_file,
)
from archive.ocfl.inventory import (
    CONTENT,
    DECLARATION,
    DECLARATION_TEXT,
    INVENTORY,
    SIDECAR,
    Inventory,
    NewFile,
    Version,
    add_version,
    sidecar_of,
)
from archive.ocfl.root import StorageRoot, StoredObject

STAGING = "extensions/giucong-staging"
_INTENT, _OBJECT, _VERSION = "intent.json", "object", "version"
_LOGICAL = re.compile(r"[a-z0-9][a-z0-9._-]*(/[a-z0-9][a-z0-9._-]*)*")
_LONGEST_LOGICAL = 200


@dataclass(frozen=True, slots=True)
class Author:
    """Who makes a version: a name, and a URI or nothing."""

    name: str
    address: str = ""


@dataclass(frozen=True, slots=True)
class Receipt:
    """What is durable.

    Attributes:
        object_id: Its id.
        version: `v2`.
        inventory: SHA-512 of the root inventory.
        is_new: Whether a version was made; False where the head has exactly these files.
    """

    object_id: str
    version: str
    inventory: str
    is_new: bool = True


@dataclass(frozen=True, slots=True)
class _Staged:
    folder: Path
    target: Path
    version: str
    receipt: Receipt


class Batch:
    """Objects that become durable together. Made by `writing`."""

    def __init__(self, root: StorageRoot) -> None:
        self._root = root
        self._staging = root.path / STAGING
        self._staged: list[_Staged] = []
        self._unchanged: list[Receipt] = []
        self._ids: set[str] = set()

    def __len__(self) -> int:
        return len(self._staged)

    def put(
        self,
        object_id: str,
        files: Mapping[str, bytes | Path],
        *,
        message: str,
        author: Author,
        created: datetime,
        kept: Collection[str] = (),
    ) -> None:
        """Stage an object, or its next version.

        Args:
            object_id: A URI; one version of an object a batch.
            files: Logical path (lower-case ASCII, made by us) → bytes, or a file that is copied.
            message: Why there is this version.
            author: Who makes it.
            created: Aware.
            kept: Logical paths that the new version takes over from the head as they are.

        Raises:
            ItemRefusedError: A logical path is not of that form, or is given twice.
            ObjectDamagedError: The object that is there has no usable inventory.
            ArchiveError: It cannot be staged; nothing of it stays.
        """
        if object_id in self._ids:
            raise ValueError(f"{object_id} twice in one batch")
        for path in (*files, *kept):
            if not _LOGICAL.fullmatch(path) or len(path) > _LONGEST_LOGICAL:
                raise ItemRefusedError('"{path}" is no path inside an object', path=path)
        before = self._root.find(object_id) if self._root.has(object_id) else None
        folder = self._staging / secrets.token_hex(8)
        with told_of_storage(self._root.path):
            try:
                self._stage(folder, before, object_id, files, kept, (message, author, created))
            except BaseException:
                remove_tree(folder)
                raise
        self._ids.add(object_id)

    def _stage(
        self,
        folder: Path,
        before: StoredObject | None,
        object_id: str,
        files: Mapping[str, bytes | Path],
        kept: Collection[str],
        words: tuple[str, Author, datetime],
    ) -> None:
        message, author, created = words
        inventory = before.inventory if before else None
        number = len(inventory.versions) + 1 if inventory else 1
        version_folder = _folder_of(folder, number)
        state = {path: inventory.version().state[path] for path in kept} if inventory else {}
        new = _write_content(version_folder, number, files, inventory, state)
        if inventory and state == inventory.version().state:
            remove_tree(folder)
            data = (before.path / INVENTORY).read_bytes() if before else b""
            self._unchanged.append(_receipt(inventory, data, is_new=False))
            return
        version = Version(created, message, author.name, author.address, state)
        after = add_version(inventory, object_id, version, new)
        data = after.as_json()
        places = [folder] if before else [folder / _OBJECT]
        for place in (version_folder, *places):
            write_file(str(place / INVENTORY), data)
            write_file(str(place / SIDECAR), sidecar_of(data))
        if not before:
            write_file(str(folder / _OBJECT / DECLARATION), DECLARATION_TEXT)
        target = layout.object_path(object_id)
        intent = {"object": target, "version": after.head, "is_new": before is None}
        write_file(str(folder / _INTENT), json.dumps(intent).encode())
        _close_folders(version_folder)
        receipt = _receipt(after, data)
        self._staged.append(_Staged(folder, self._root.path / target, after.head, receipt))

    def commit(self) -> list[Receipt]:
        """Make everything staged durable, in its place; gives the receipts in order of `put`.

        Raises:
            ArchiveError: The file system refuses; the next `writing` finishes or undoes.
        """
        staged, self._staged = self._staged, []
        unchanged, self._unchanged = self._unchanged, []
        self._ids.clear()
        if staged:
            with told_of_storage(self._root.path):
                make_durable(self._staging)
                changed = [it for it in staged if not _move_in(it.folder, it.target, it.version)]
                if changed:
                    make_durable(self._staging)
                    for it in changed:
                        _switch(it.folder, it.target)
                make_durable(self._staging)
                for it in staged:
                    remove_tree(it.folder)
        return [*(it.receipt for it in staged), *unchanged]

    def discard(self) -> None:
        """Remove what is staged and was not committed."""
        for it in self._staged:
            remove_tree(it.folder)
        self._staged, self._unchanged = [], []
        self._ids.clear()


@contextmanager
def writing(root: StorageRoot) -> Iterator[Batch]:
    """Hold the root for writing, after finishing or undoing what a killed writer left.

    What was staged and not committed when the block is left is removed.

    Raises:
        ArchiveBusyError: Another process writes there.
        ArchiveError: What was left cannot be recovered from.
    """
    handle = os.open(root.path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise ArchiveBusyError(
                "another process is writing to the archive at {path}",
                data="nothing was changed",
                next_step="wait until it ends: `{program} service.status`",
                path=root.path,
            ) from error
        recover(root)
        with told_of_storage(root.path):
            (root.path / STAGING).mkdir(exist_ok=True, parents=True)
        batch = Batch(root)
        try:
            yield batch
        finally:
            batch.discard()
            with suppress(OSError):  # somebody's leftover is looked at by the next one
                (root.path / STAGING).rmdir()
    finally:
        os.close(handle)


def recover(root: StorageRoot) -> list[str]:
    """Finish or undo what a killed writer left; the caller holds the root.

    Returns:
        Paths below the root of the objects that were finished: durable, but nobody was told.

    Raises:
        ArchiveError: The file system refuses.
    """
    staging = root.path / STAGING
    if not staging.is_dir():
        return []
    finished = []
    with told_of_storage(root.path):
        for folder in sorted(staging.iterdir()):
            intent = _read_intent(folder)
            if intent is not None:
                target = root.path / intent["object"]
                if (target / intent["version"]).is_dir():
                    if not intent["is_new"]:
                        _switch(folder, target)
                    finished.append(intent["object"])
                else:
                    _remove_empty(target.parent, root.path)
            make_durable(staging)
            remove_tree(folder)
    return finished


def _folder_of(folder: Path, number: int) -> Path:
    """Make and give the stage of a version: inside a new object, or alone."""
    place = folder / _OBJECT / "v1" if number == 1 else folder / _VERSION
    place.mkdir(parents=True, mode=OPEN_FOLDER_MODE)
    return place


def _write_content(
    folder: Path,
    number: int,
    files: Mapping[str, bytes | Path],
    inventory: Inventory | None,
    state: dict[str, str],
) -> list[NewFile]:
    """Write what no version has yet; adds to `state`, gives the new files."""
    known = set(inventory.manifest) if inventory else set()
    new = []
    for logical in sorted(files):
        if logical in state:
            raise ItemRefusedError('"{path}" is given twice', path=logical)
        source = files[logical]
        place = folder / CONTENT / logical
        if isinstance(source, bytes):
            digests = digest_of(source)
            if digests.sha512 not in known:
                place.parent.mkdir(parents=True, exist_ok=True, mode=OPEN_FOLDER_MODE)
                write_file(str(place), source)
        else:
            place.parent.mkdir(parents=True, exist_ok=True, mode=OPEN_FOLDER_MODE)
            with source.open("rb") as file:
                digests = copy_file(file, str(place))
            if digests.sha512 in known:
                place.unlink()
                _remove_empty(place.parent, folder)
        state[logical] = digests.sha512
        if digests.sha512 not in known:
            known.add(digests.sha512)
            path = f"v{number}/{CONTENT}/{logical}"
            new.append(NewFile(path, digests.sha512, digests.sha256))
    return new


def _close_folders(folder: Path) -> None:
    """Make the folders below one read-only; the folder itself is moved first, and closed after."""
    for place, folders, _files in os.walk(folder):
        for name in folders:
            os.chmod(os.path.join(place, name), FOLDER_MODE)  # noqa: PTH101, PTH118 - many


def _move_in(folder: Path, target: Path, version: str) -> bool:
    """Move a staged object or version to its place; says whether that was all."""
    if (folder / _OBJECT).is_dir():
        target.parent.mkdir(parents=True, exist_ok=True, mode=OPEN_FOLDER_MODE)
        (folder / _OBJECT).rename(target)
        (target / version).chmod(FOLDER_MODE)
        target.chmod(FOLDER_MODE)
        return True
    target.chmod(OPEN_FOLDER_MODE)
    (folder / _VERSION).rename(target / version)
    (target / version).chmod(FOLDER_MODE)
    return False


def _switch(folder: Path, target: Path) -> None:
    """Let the staged root inventory and its sidecar take the place of the old ones."""
    target.chmod(OPEN_FOLDER_MODE)
    for name in (INVENTORY, SIDECAR):
        with suppress(FileNotFoundError):  # done before somebody was killed
            (folder / name).rename(target / name)
    target.chmod(FOLDER_MODE)


def _read_intent(folder: Path) -> dict[str, str] | None:
    try:
        intent = json.loads((folder / _INTENT).read_bytes())
        path, version = str(intent["object"]), str(intent["version"])
    except (OSError, ValueError, TypeError, KeyError):
        return None
    if ".." in path.split("/") or path.startswith("/") or not re.fullmatch(r"v\d+", version):
        raise ArchiveError(
            "{folder} asks for a write outside the archive",
            data="nothing was changed",
            next_step="look at that folder: nobody but the archive writes there",
            folder=folder,
        )
    return {"object": path, "version": version, "is_new": "yes" if intent["is_new"] else ""}


def _remove_empty(folder: Path, root: Path) -> None:
    """Remove empty folders from one upwards, the root excluded."""
    while folder != root:
        try:
            folder.rmdir()
        except OSError:
            return
        folder = folder.parent


def _receipt(inventory: Inventory, data: bytes, *, is_new: bool = True) -> Receipt:
    return Receipt(inventory.id, inventory.head, hashlib.sha512(data).hexdigest(), is_new)
