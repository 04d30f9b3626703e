"""Bring a second root up to date, and take single objects over: verified, and never deleting.

A copy is a plain storage root like the first. Whole objects and new versions are staged there as
`archive.ocfl.write` stages what is new; every byte is held against its inventory while it is read,
and again when it is read back from the copy's disk; only then is it moved to its place.

What is damaged at its source is told of and left out. So is an object that both roots have, but not
with the same past: one of them was changed behind our back, and a person must look.
"""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from archive.errors import ObjectDamagedError
from archive.ocfl import layout
from archive.ocfl.files import (
    OPEN_FOLDER_MODE,
    copy_file,
    forget_pages,
    make_durable,
    open_plain,
    read_small,
    told_of_storage,
    write_file,
)
from archive.ocfl.findings import shown
from archive.ocfl.inventory import (
    DECLARATION,
    DECLARATION_TEXT,
    INVENTORY,
    LARGEST,
    SIDECAR,
    Inventory,
    continues,
    parse_inventory,
    sidecar_of,
)
from archive.ocfl.root import StorageRoot, StoredObject, read_object
from archive.ocfl.staging import STAGING, Stage, write_inventory
from archive.ocfl.validate import validate_object
from archive.ocfl.write import Batch, writing

MOST_AT_ONCE = 500
LARGEST_AT_ONCE = 256 << 20
"""Objects and bytes that become durable together."""

_MOST_TROUBLES = 1000
_SIDECAR_LIMIT = 4096


@dataclass(frozen=True, slots=True)
class Trouble:
    """An object that was left out.

    Attributes:
        path: Of the object below the roots.
        where: Whose fault: `source`, `copy`, or `both` where their pasts differ.
        reason: For people who look closer.
    """

    path: str
    where: str
    reason: str


@dataclass(slots=True)
class CopyReport:
    """What an update of a copy did.

    Attributes:
        objects: Of the source that were looked at.
        versions: Brought over, those of whole objects included.
        size: Bytes that were brought over.
        troubles: What was left out, so many at most.
        left_out: How many were left out.
        only_there: Objects that only the copy has; they stay.
    """

    objects: int = 0
    versions: int = 0
    size: int = 0
    left_out: int = 0
    only_there: int = 0
    troubles: tuple[Trouble, ...] = ()

    @property
    def is_complete(self) -> bool:
        """Whether the copy has all that the source has; a source without objects is none."""
        return self.objects > 0 and not self.left_out


def update_copy(
    source: StorageRoot, copy: StorageRoot, *, say: Callable[[CopyReport], None] | None = None
) -> CopyReport:
    """Bring over what a copy lacks.

    Args:
        source: Is read only; it may be written to meanwhile.
        copy: Is held for writing.
        say: Is told now and then how far it is.

    Raises:
        ArchiveBusyError: Another process writes to the copy.
        StorageFullError: The copy is full; what was brought over before stays.
        ArchiveError: Another failure of the copy.
    """
    with writing(copy) as batch:
        return _Update(source, copy, batch, say).run()


class _Update:
    def __init__(
        self,
        source: StorageRoot,
        copy: StorageRoot,
        batch: Batch,
        say: Callable[[CopyReport], None] | None,
    ) -> None:
        self._source, self._copy, self._batch, self._say = source, copy, batch, say
        self._report = CopyReport()
        self._waiting: list[tuple[Stage, StoredObject]] = []
        self._size = 0

    def run(self) -> CopyReport:
        for folder in self._source.folders():
            self._report.objects += 1
            self._bring(folder)
            if len(self._waiting) >= MOST_AT_ONCE or self._size >= LARGEST_AT_ONCE:
                self._commit()
        self._commit()
        self._report.only_there = sum(
            not (self._source.path / _path_of(it)).exists() for it in self._copy.folders()
        )
        return self._report

    def _bring(self, folder: Path) -> None:
        """Stage what the copy lacks of one object."""
        path = _path_of(folder)
        try:
            stored = self._newer(folder, self._copy.path / path)
            if stored is None:
                return
            _ensure_place(stored, path)
            stage = stage_next(self._batch, stored, self._copy.path / path)
        except ObjectDamagedError as error:
            self._leave_out(path, "source", _words_of(error))
            return
        self._waiting.append((stage, stored))
        self._size += sum(it.stat().st_size for it in stage.place.rglob("*") if it.is_file())

    def _newer(self, folder: Path, target: Path) -> StoredObject | None:
        """Give the object where the copy lacks something of it.

        Raises:
            ObjectDamagedError: It cannot be used at the source.
        """
        if target.exists() and _has_same_sidecar(folder, target):
            return None
        stored = read_object(folder)
        if target.exists():
            try:
                there = read_object(target).inventory
            except ObjectDamagedError as error:
                self._leave_out(_path_of(folder), "copy", _words_of(error))
                return None
            if there == stored.inventory:
                return None
            if not continues(there, stored.inventory):
                self._leave_out(_path_of(folder), "both", "they have not the same past")
                return None
        return stored

    def _commit(self) -> None:
        """Read back what is staged, move it in; then what has more versions to come."""
        while self._waiting:
            with told_of_storage(self._copy.path):
                make_durable(self._copy.path / STAGING)
            sound = [it for it in self._waiting if self._reads_back(*it)]
            self._batch.commit()
            self._report.versions += sum(
                int(stage.version[1:]) if stage.is_new else 1 for stage, _stored in sound
            )
            self._report.size += self._size
            self._waiting, self._size = [], 0
            if self._say:
                self._say(self._report)
            for stage, stored in sound:
                if stage.version != stored.inventory.head:
                    self._bring(stored.path)

    def _reads_back(self, stage: Stage, stored: StoredObject) -> bool:
        reason = verify_stage(stage, stored)
        if reason:
            self._batch.drop(stage)
            self._leave_out(_path_of(stage.target), "copy", reason)
        return not reason

    def _leave_out(self, path: str, where: str, reason: str) -> None:
        self._report.left_out += 1
        if len(self._report.troubles) < _MOST_TROUBLES:
            self._report.troubles += (Trouble(path, where, shown(reason)),)


def stage_next(
    batch: Batch, stored: StoredObject, target: Path, *, replaces: bool = False
) -> Stage:
    """Stage an object of another root whole, or its next version where the object is there.

    Every byte is held against the inventory while it is read. The caller makes the stage durable
    and calls `verify_stage` before it commits.

    Raises:
        ObjectDamagedError: It is not what its inventory says.
        ArchiveError: It cannot be staged.
    """
    inventory = stored.inventory
    if replaces or not target.exists():

        def fill_object(place: Path) -> bytes:
            for number in range(1, len(inventory.versions) + 1):
                data = _copy_version(stored, f"v{number}", place / f"v{number}")
            write_inventory(f"{place}/", data)
            write_file(str(place / DECLARATION), DECLARATION_TEXT)
            return data

        return batch.stage_copy(
            inventory.id, inventory.head, fill_object, is_new=True, replaces=replaces
        )
    version = f"v{len(read_object(target).inventory.versions) + 1}"
    return batch.stage_copy(
        inventory.id,
        version,
        lambda place: _copy_version(stored, version, place),
        is_new=False,
    )


def verify_stage(stage: Stage, stored: StoredObject) -> str:
    """Read back from the disk what was staged; gives what is wrong, nothing if it is whole."""
    forget_pages(stage.place)
    if stage.is_new:
        verdict = validate_object(stage.place)
        wrong = [f"{it.code} {it.path}" for it in verdict.errors]
        return ", ".join(wrong[:3])
    for path, digest in _content_of(stored.inventory, stage.version):
        inner = path.partition("/")[2]
        with (stage.place / inner).open("rb") as file:
            if hashlib.file_digest(file, "sha512").hexdigest() != digest:
                return path
    data = read_small(stage.place / INVENTORY, LARGEST)
    return "" if read_small(stage.place / SIDECAR, 200) == sidecar_of(data) else SIDECAR


def _copy_version(stored: StoredObject, version: str, place: Path) -> bytes:
    """Copy the folder of one version, and give its inventory.

    Raises:
        ObjectDamagedError: Something of it is missing, or not what it was.
    """
    data = _inventory_of(stored, version)
    place.mkdir(exist_ok=True, mode=OPEN_FOLDER_MODE)
    write_inventory(f"{place}/", data)
    for path, digest in _content_of(stored.inventory, version):
        target = place / path.partition("/")[2]
        target.parent.mkdir(parents=True, exist_ok=True, mode=OPEN_FOLDER_MODE)
        try:
            file = open_plain(stored.path / path)
        except OSError as error:
            raise _damaged(stored, path, error.strerror or "") from error
        with file:
            if copy_file(file, str(target)).sha512 != digest:
                raise _damaged(stored, path, "digest")
    return data


def _inventory_of(stored: StoredObject, version: str) -> bytes:
    """Give the inventory of a version, held against its sidecar and against that of the object."""
    is_head = version == stored.inventory.head
    folder = stored.path if is_head else stored.path / version
    try:
        data = read_small(folder / INVENTORY, LARGEST)
        sidecar = read_small(folder / SIDECAR, _SIDECAR_LIMIT)
    except OSError as error:
        raise _damaged(stored, f"{version}/{INVENTORY}", error.strerror or "") from error
    if sidecar.split() != sidecar_of(data).split():
        raise _damaged(stored, f"{version}/{INVENTORY}", "digest")
    inventory = parse_inventory(data)
    is_right = inventory == stored.inventory if is_head else continues(inventory, stored.inventory)
    if inventory.head != version or not is_right:
        raise _damaged(stored, f"{version}/{INVENTORY}", inventory.head)
    return data


def _content_of(inventory: Inventory, version: str) -> Iterator[tuple[str, str]]:
    """Give (content path, digest) of what a version brought."""
    for digest, paths in inventory.manifest.items():
        for path in paths:
            if path.startswith(f"{version}/"):
                yield path, digest


def _has_same_sidecar(folder: Path, target: Path) -> bool:
    try:
        here, there = (read_small(it / SIDECAR, _SIDECAR_LIMIT) for it in (folder, target))
    except OSError:
        return False
    return here == there


def _path_of(folder: Path) -> str:
    return "/".join(folder.parts[-3:])


def _words_of(error: ObjectDamagedError) -> str:
    return error.why.format(**error.params) or str(error)


def _ensure_place(stored: StoredObject, path: str) -> None:
    if layout.object_path(stored.inventory.id) != path:
        raise _damaged(stored, path, "not its place")


def _damaged(stored: StoredObject, path: str, reason: str) -> ObjectDamagedError:
    return ObjectDamagedError(
        "the file {file} of {object} is damaged",
        why="{file}: {reason}",
        data="nothing of it was copied",
        next_step="`{program} archive.repair`",
        object=stored.inventory.id,
        file=path,
        reason=reason,
    )
