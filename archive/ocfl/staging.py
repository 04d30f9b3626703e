"""Stages: what is being written, below `extensions/giucong-staging/` of the same root.

A stage is a folder with an intent, `intent.json`, that is written last and says where it belongs,
and one of

- `object/`: a new object. It is renamed to its place.
- `version/` beside a root inventory and its sidecar: the next version of an object. The version is
  renamed into the object; made durable; then inventory and sidecar take the place of the old ones.
- `object/` with an intent that replaces: it changes places with the damaged one there, in one step
  where the file system can, else by way of `aside/`. What was set aside goes with the stage.

Folders of ours are read-only for others and for us. Renaming a folder to another parent needs leave
to write in it, so that the outermost one is closed after it was moved.
"""

import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import msgspec

from archive.errors import ArchiveError
from archive.ocfl import layout
from archive.ocfl.files import (
    FOLDER_MODE,
    OPEN_FOLDER_MODE,
    exchange,
    make_durable,
    read_small,
    remove_tree,
    told_of_storage,
    write_file,
)
from archive.ocfl.inventory import INVENTORY, SIDECAR, is_version
from archive.ocfl.root import StorageRoot

STAGING = "extensions/giucong-staging"
OBJECT, VERSION = "object", "version"
_INTENT, _ASIDE = "intent.json", "aside"
_LONGEST_INTENT = 4096


class _Intent(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a stage is for.

    Attributes:
        object: Path of the object below the root.
        version: Which version is there when the stage is done.
        is_new: Whether the whole object is staged.
        replaces: Whether a damaged object makes room for it.
    """

    object: str
    version: str
    is_new: bool
    replaces: bool = False


_decoder = msgspec.json.Decoder(_Intent)


@dataclass(frozen=True, slots=True)
class Stage:
    """What is staged and may be moved to its place.

    Attributes:
        folder: The stage.
        target: Where the object belongs.
        version: The version that it brings.
        is_new: Whether the whole object is staged.
        replaces: Whether a damaged object makes room for it.
    """

    folder: Path
    target: Path
    version: str
    is_new: bool
    replaces: bool = False

    @property
    def place(self) -> Path:
        """The staged object, or version."""
        return self.folder / (OBJECT if self.is_new else VERSION)


def finish_stage(stage: Stage, root: Path) -> None:
    """Close the folders below what is staged, and write down where it belongs."""
    for place, folders, _files in os.walk(stage.place):
        for name in folders:
            os.chmod(f"{place}/{name}", FOLDER_MODE)  # noqa: PTH101 - many
    intent = _Intent(
        stage.target.relative_to(root).as_posix(), stage.version, stage.is_new, stage.replaces
    )
    write_file(str(stage.folder / _INTENT), msgspec.json.encode(intent))


def move_in(stages: Sequence[Stage], staging: Path) -> None:
    """Make stages durable, move them to their places, make that durable, and remove them.

    Raises:
        OSError: The file system refuses; `recover` finishes or undoes.
    """
    make_durable(staging)
    for it in stages:
        _move(it)
    versions = [it for it in stages if not it.is_new]
    if versions:
        make_durable(staging)
        for it in versions:
            _switch(it.folder, it.target)
            _close(it.target, it.version)
    make_durable(staging)
    for it in stages:
        remove_tree(it.folder)


def recover(root: StorageRoot) -> list[str]:
    """Finish or undo what a killed writer left; the caller holds the root.

    Returns:
        Paths below the root of the objects that were finished: durable, but nobody was told.

    Raises:
        ArchiveError: The file system refuses, or a stage asks for a write outside the archive.
    """
    staging = root.path / STAGING
    if not os.path.lexists(staging):
        return []
    if staging.resolve() != root.path.resolve() / STAGING:
        raise _outside(staging)
    finished = []
    with told_of_storage(root.path):
        make_durable(staging)  # what is in place may be so in memory only
        for folder in sorted(staging.iterdir()):
            intent = _read_intent(folder, root.path)
            if intent and _finish_or_undo(folder, intent, root.path):
                finished.append(intent.object)
            make_durable(staging)
            remove_tree(folder)
    return finished


def _finish_or_undo(folder: Path, intent: _Intent, root: Path) -> bool:
    """Says whether it is in its place."""
    target = root / intent.object
    if intent.replaces:  # where both changed places, the stage has the damaged one, and goes
        is_done = (folder / _ASIDE).is_dir()
        if is_done and (folder / OBJECT).is_dir():
            (folder / OBJECT).rename(target)
    else:
        is_done = (target / intent.version).is_dir()
        if not is_done:
            remove_empty(target.parent, root)
        elif not intent.is_new:
            _switch(folder, target)
    _close(target, intent.version)
    return is_done


def _move(stage: Stage) -> None:
    if not stage.is_new:
        stage.target.chmod(OPEN_FOLDER_MODE)
        stage.place.rename(stage.target / stage.version)
        return
    stage.target.parent.mkdir(parents=True, exist_ok=True, mode=OPEN_FOLDER_MODE)
    if stage.replaces:
        stage.target.chmod(OPEN_FOLDER_MODE)
    if not stage.replaces or not exchange(stage.place, stage.target):
        if stage.replaces:
            stage.target.rename(stage.folder / _ASIDE)
        stage.place.rename(stage.target)
    _close(stage.target, stage.version)


def _close(target: Path, version: str) -> None:
    """Make an object and its newest version read-only, as far as they are there."""
    for place in (target / version, target):
        with suppress(FileNotFoundError):
            place.chmod(FOLDER_MODE)


def _switch(folder: Path, target: Path) -> None:
    """Let the staged root inventory and its sidecar take the place of the old ones."""
    target.chmod(OPEN_FOLDER_MODE)
    for name in (INVENTORY, SIDECAR):
        with suppress(FileNotFoundError):  # done before somebody was killed
            (folder / name).rename(target / name)


def _read_intent(folder: Path, root: Path) -> _Intent | None:
    """Give what a stage was for; None when it was not finished.

    Raises:
        ArchiveError: It asks for a write at a place where no object can be.
    """
    if folder.is_symlink():
        return None
    try:
        intent = _decoder.decode(read_small(folder / _INTENT, _LONGEST_INTENT))
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError):
        return None
    target = root / intent.object
    if (
        not layout.is_object_path(intent.object)
        or not is_version(intent.version)
        or target.parent.resolve() != (root.resolve() / intent.object).parent
        or any(it.is_symlink() for it in (target, target / intent.version, folder / OBJECT))
    ):
        raise _outside(folder)
    return intent


def _outside(folder: Path) -> ArchiveError:
    return ArchiveError(
        "{folder} asks for a write outside the archive",
        data="nothing was changed",
        next_step="look at that folder: nobody but the archive writes there",
        folder=folder,
    )


def remove_empty(folder: Path, top: Path) -> None:
    """Remove empty folders from one upwards, the top excluded."""
    while folder != top:
        try:
            folder.rmdir()
        except FileNotFoundError:
            pass  # killed before it was made
        except OSError:
            return
        folder = folder.parent
