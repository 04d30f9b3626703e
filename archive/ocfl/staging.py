"""Stages: what is being written, below `extensions/giucong-staging/` of the same root.

A batch is a folder there. It holds numbered stages and, written last, `intents.json`, which says
where each belongs. A stage is one of

- `7/`: a new object. It is renamed to its place.
- `7/` beside `7.inventory.json` and its sidecar: the next version of an object. It is renamed into
  the object; made durable; then inventory and sidecar take the place of the old ones.
- `7/` with an intent that replaces: it changes places with the damaged object there, in one step
  where the file system can, else by way of `7.aside/`. What was set aside goes with the batch.

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
from archive.ocfl.inventory import INVENTORY, SIDECAR, is_version, sidecar_of
from archive.ocfl.root import StorageRoot

STAGING = "extensions/giucong-staging"
_INTENTS, _ASIDE = "intents.json", "aside"
_LONGEST_INTENTS = 64 << 20


class _Intent(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a stage is for: its number, and as `Stage`; `object` is a path below the root."""

    stage: int
    object: str
    version: str
    is_new: bool
    replaces: bool = False


_decoder = msgspec.json.Decoder(list[_Intent])


@dataclass(frozen=True, slots=True)
class Stage:
    """What is staged and may be moved to its place.

    Attributes:
        place: The staged object, or version; its name is a number.
        target: Where the object belongs.
        version: The version that it brings.
        is_new: Whether the whole object is staged.
        replaces: Whether a damaged object makes room for it.
    """

    place: Path
    target: Path
    version: str
    is_new: bool
    replaces: bool = False

    def beside(self, name: str) -> Path:
        """Give the path of what lies beside it."""
        return self.place.with_name(f"{self.place.name}.{name}")

    def remove(self) -> None:
        """Remove it, finished or not."""
        for path in (self.place, self.beside(INVENTORY), self.beside(SIDECAR)):
            remove_tree(path)


def write_inventory(prefix: str, data: bytes) -> None:
    """Write an inventory and its sidecar; the prefix is a folder with `/`, or a stage with `.`."""
    write_file(f"{prefix}{INVENTORY}", data)
    write_file(f"{prefix}{SIDECAR}", sidecar_of(data))


def close_below(folder: str) -> None:
    """Make the folders below one read-only."""
    with os.scandir(folder) as entries:
        inside = [it.path for it in entries if it.is_dir(follow_symlinks=False)]
    for path in inside:
        close_below(path)
        os.chmod(path, FOLDER_MODE)  # noqa: PTH101 - many


def move_in(stages: Sequence[Stage], batch: Path, root: Path) -> None:
    """Make the stages of a batch durable, move them in, make that durable, and remove the batch.

    Raises:
        OSError: The file system refuses; `recover` finishes or undoes.
    """
    intents = [
        _Intent(
            int(it.place.name), it.target.relative_to(root).as_posix(), it.version, it.is_new,
            it.replaces,
        )
        for it in stages
    ]  # fmt: skip
    write_file(str(batch / _INTENTS), msgspec.json.encode(intents))
    make_durable(batch)
    for it in stages:
        _move(it)
    versions = [it for it in stages if not it.is_new]
    if versions:
        make_durable(batch)
        for it in versions:
            _switch(it)
            _close(it)
    make_durable(batch)
    remove_tree(batch)


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
    finished: list[Path] = []
    with told_of_storage(root.path):
        make_durable(staging)  # what is in place may be so in memory only
        for batch in sorted(staging.iterdir()):
            stages = _read_stages(batch, root.path)
            finished += [it.target for it in stages if _finish_or_undo(it, root.path)]
            make_durable(staging)
            remove_tree(batch)
    return [it.relative_to(root.path).as_posix() for it in finished]


def _finish_or_undo(stage: Stage, root: Path) -> bool:
    """Says whether it is in its place."""
    if stage.replaces:  # where both changed places, the stage has the damaged one, and goes
        is_done = stage.beside(_ASIDE).is_dir()
        if is_done and stage.place.is_dir():
            stage.place.rename(stage.target)
    else:
        is_done = (stage.target / stage.version).is_dir()
        if not is_done:
            remove_empty(stage.target.parent, root)
        elif not stage.is_new:
            _switch(stage)
    _close(stage)
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
            stage.target.rename(stage.beside(_ASIDE))
        stage.place.rename(stage.target)
    _close(stage)


def _close(stage: Stage) -> None:
    """Make an object and its newest version read-only, as far as they are there."""
    for place in (stage.target / stage.version, stage.target):
        with suppress(FileNotFoundError):
            place.chmod(FOLDER_MODE)


def _switch(stage: Stage) -> None:
    """Let the staged root inventory and its sidecar take the place of the old ones."""
    stage.target.chmod(OPEN_FOLDER_MODE)
    for name in (INVENTORY, SIDECAR):
        with suppress(FileNotFoundError):  # done before somebody was killed
            stage.beside(name).rename(stage.target / name)


def _read_stages(batch: Path, root: Path) -> list[Stage]:
    """Give the stages of a batch; none when it was not finished.

    Raises:
        ArchiveError: One asks for a write at a place where no object can be.
    """
    if batch.is_symlink():
        return []
    try:
        intents = _decoder.decode(read_small(batch / _INTENTS, _LONGEST_INTENTS))
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError):
        return []
    return [_checked(it, batch, root) for it in intents]


def _checked(intent: _Intent, batch: Path, root: Path) -> Stage:
    target, place = root / intent.object, batch / str(intent.stage)
    if (
        not layout.is_object_path(intent.object)
        or not is_version(intent.version)
        or target.parent.resolve() != (root.resolve() / intent.object).parent
        or any(it.is_symlink() for it in (target, target / intent.version, place))
    ):
        raise _outside(batch)
    return Stage(place, target, intent.version, intent.is_new, intent.replaces)


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
