"""Write objects and versions of objects, many at a time, so that each is whole or not there.

Order of a batch:

1. Stage: every object, or version of one, is written below `extensions/giucong-staging/` of the
   same root; then one file that says where each belongs.
2. Make the stages durable.
3. Rename: a new object to its place; a new version into its object.
4. Make that durable, and only then let the root inventories of changed objects, and their sidecars,
   take the place of the old ones; make that durable too.
5. Remove the stages. Receipts are given now and not before.

Killed after 1 or 2, the stages are undone at the next start; after 3, what is in place is finished
(`recover`). Readers see an old version or the new one, whole, except between an inventory and its
sidecar, which `recover` mends. One writer at a time: the root's folder is locked.
"""

import fcntl
import hashlib
import os
import re
import secrets
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from archive.errors import ArchiveBusyError, ItemRefusedError
from archive.ocfl import layout
from archive.ocfl.files import (
    OPEN_FOLDER_MODE,
    copy_file,
    digest_of,
    remove_tree,
    told_of_storage,
    write_file,
)
from archive.ocfl.inventory import (
    CONTENT,
    DECLARATION,
    DECLARATION_TEXT,
    INVENTORY,
    LARGEST,
    Inventory,
    NewFile,
    Version,
    add_version,
)
from archive.ocfl.root import StorageRoot, StoredObject
from archive.ocfl.staging import (
    STAGING,
    Stage,
    close_below,
    move_in,
    recover,
    remove_empty,
    write_inventory,
)

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


class Batch:
    """Objects that become durable together. Made by `writing`.

    Attributes:
        finished: Paths below the root of objects that a killed writer left almost done and that are
            whole now, though nobody was given a receipt.
    """

    def __init__(self, root: StorageRoot, finished: Sequence[str] = ()) -> None:
        self.finished = tuple(finished)
        self._root = root
        self._folder = self._new_folder()
        self._staged: list[Stage] = []
        self._receipts: list[Receipt] = []
        self._ids: set[str] = set()

    def __len__(self) -> int:
        return len(self._staged)

    def _new_folder(self) -> Path:
        self._number = 0
        return self._root.path / STAGING / secrets.token_hex(8)

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
        _ensure_paths((*files, *kept))
        before = self._root.find(object_id) if self._root.has(object_id) else None
        inventory = before.inventory if before else None
        head = inventory.version().state if inventory else {}
        version = f"v{len(inventory.versions) + 1}" if inventory else "v1"
        with self._staging(object_id, version, is_new=before is None) as stage:
            state = {path: head[path] for path in kept}
            new = _write_content(stage, files, inventory, state)
            if before and state == head:
                stage.remove()
                self._receipts.append(receipt_of(before))
                return
            said = Version(created, message, author.name, author.address, state)
            data = add_version(inventory, object_id, said, new).as_json()
            if len(data) > LARGEST:
                raise ItemRefusedError("{id} has too many files or versions", id=object_id)
            _write_inventories(stage, data)
            self._stage_done(object_id, stage, data)

    def stage_copy(
        self,
        object_id: str,
        version: str,
        fill: Callable[[Path], bytes],
        *,
        is_new: bool,
        replaces: bool = False,
    ) -> Stage:
        """Stage what another root has; the caller verifies it before `commit`, or drops it.

        Args:
            object_id: Its id; one version of an object a batch.
            version: The version that it brings.
            fill: Writes the whole object, or that version's folder, to the new folder that it is
                given; gives the root inventory.
            is_new: Whether the whole object is written.
            replaces: Whether a damaged object makes room for it.

        Raises:
            ArchiveError: It cannot be staged; nothing of it stays.
        """
        with self._staging(object_id, version, is_new=is_new, replaces=replaces) as stage:
            stage.place.mkdir(mode=OPEN_FOLDER_MODE)
            data = fill(stage.place)
            if not is_new:
                write_inventory(f"{stage.place}.", data)
            self._stage_done(object_id, stage, data)
        return stage

    def drop(self, stage: Stage) -> None:
        """Remove one stage again."""
        at = self._staged.index(stage)
        del self._staged[at], self._receipts[at]
        stage.remove()

    def _stage_done(self, object_id: str, stage: Stage, data: bytes) -> None:
        close_below(str(stage.place))
        self._staged.append(stage)
        self._ids.add(object_id)
        digest = hashlib.sha512(data).hexdigest()
        self._receipts.append(Receipt(object_id, stage.version, digest))

    @contextmanager
    def _staging(
        self, object_id: str, version: str, *, is_new: bool, replaces: bool = False
    ) -> Iterator[Stage]:
        """Give the next stage; it is removed when what is staged there fails."""
        if object_id in self._ids:
            raise ValueError(f"{object_id} twice in one batch")
        self._number += 1
        target = self._root.path / layout.object_path(object_id)
        stage = Stage(self._folder / str(self._number), target, version, is_new, replaces)
        with told_of_storage(self._root.path):
            try:
                self._folder.mkdir(exist_ok=True, mode=OPEN_FOLDER_MODE)
                yield stage
            except BaseException:
                stage.remove()
                raise

    def commit(self) -> list[Receipt]:
        """Make everything staged durable, in its place; gives the receipts in order of `put`.

        Raises:
            ArchiveError: The file system refuses; the next `writing` finishes or undoes.
        """
        staged, self._staged = self._staged, []
        receipts, self._receipts = self._receipts, []
        folder, self._folder = self._folder, self._new_folder()
        self._ids.clear()
        if staged:
            with told_of_storage(self._root.path):
                move_in(staged, folder, self._root.path)
        return receipts

    def discard(self) -> None:
        """Remove what is staged and was not committed."""
        remove_tree(self._folder)  # not that of a commit that failed
        self._staged, self._receipts = [], []
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
        finished = recover(root)
        with told_of_storage(root.path):
            (root.path / STAGING).mkdir(exist_ok=True, parents=True)
        batch = Batch(root, finished)
        try:
            yield batch
        finally:
            batch.discard()
            with suppress(OSError):  # somebody's leftover is looked at by the next one
                (root.path / STAGING).rmdir()
    finally:
        os.close(handle)


def _ensure_paths(paths: Collection[str]) -> None:
    """Refuse logical paths that are not ours to write, or of which one is a folder of another."""
    given = set(paths)
    for path in paths:
        if not _LOGICAL.fullmatch(path) or len(path) > _LONGEST_LOGICAL:
            raise ItemRefusedError('"{path}" is no path inside an object', path=path)
        parts = path.split("/")
        if any("/".join(parts[:count]) in given for count in range(1, len(parts))):
            raise ItemRefusedError('"{path}" lies below another file', path=path)


def _write_content(
    stage: Stage,
    files: Mapping[str, bytes | Path],
    inventory: Inventory | None,
    state: dict[str, str],
) -> list[NewFile]:
    """Write what no version has yet; adds to `state`, gives the new files.

    Files of the first version have the names of their logical paths, for whoever looks without a
    program. Every later inventory repeats every name, so that those of later versions are numbers.
    """
    folder = f"{stage.place}/v1" if stage.is_new else str(stage.place)
    Path(folder).mkdir(parents=True, mode=OPEN_FOLDER_MODE)
    made: set[str] = set()
    known = set(inventory.manifest) if inventory else set()
    new: list[NewFile] = []
    content = inventory.content if inventory else CONTENT
    for logical in sorted(files):
        if logical in state:
            raise ItemRefusedError('"{path}" is given twice', path=logical)
        source, path = files[logical], f"{content}/{logical if stage.is_new else len(new)}"
        if isinstance(source, bytes):
            digests = digest_of(source)
            if digests.sha512 not in known:
                write_file(_in_folder(f"{folder}/{path}", made), source)
        else:
            place = Path(_in_folder(f"{folder}/{path}", made))
            with source.open("rb") as file:
                digests = copy_file(file, str(place))
            if digests.sha512 in known:
                place.unlink()
                remove_empty(place.parent, Path(folder))
                made.clear()
        state[logical] = digests.sha512
        if digests.sha512 not in known:
            known.add(digests.sha512)
            new.append(NewFile(f"{stage.version}/{path}", digests.sha512, digests.sha256))
    return new


def _in_folder(path: str, made: set[str]) -> str:
    """Make the folder of a file, unless that is done."""
    folder = path.rpartition("/")[0]
    if folder not in made:
        Path(folder).mkdir(parents=True, exist_ok=True, mode=OPEN_FOLDER_MODE)
        made.add(folder)
    return path


def _write_inventories(stage: Stage, data: bytes) -> None:
    """Write those of the version and of the object; a new one gets its declaration, too."""
    if stage.is_new:
        write_inventory(f"{stage.place}/v1/", data)
        write_file(f"{stage.place}/{DECLARATION}", DECLARATION_TEXT)
    else:
        write_inventory(f"{stage.place}.", data)
    write_inventory(f"{stage.place}/", data)


def receipt_of(stored: StoredObject) -> Receipt:
    """Give the receipt of the newest version of what is stored already."""
    digest = hashlib.sha512((stored.path / INVENTORY).read_bytes()).hexdigest()
    return Receipt(stored.inventory.id, stored.inventory.head, digest, is_new=False)
