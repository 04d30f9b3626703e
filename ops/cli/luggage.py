"""What goes along with a command to the service: what its flags name, opened as who types may."""

import os
import socket
import stat
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, get_args

from ops.entering import entered, refuse_strange_links
from ops.errors import WrongUseError
from ops.terminal.exchange import Asked
from ops.terminal.task import ONE_FILE, DeclaredFlag, OfCaller, Task

_MOST_PIPED = 64 << 20
_WITHIN = "x"  # a name in a folder, so that the folder itself is entered


@dataclass(slots=True)
class Luggage:
    """What goes along with a command: descriptors, and what they are; and what may come back."""

    values: dict[str, Any]
    descriptors: list[int] = field(default_factory=list)
    files: list[dict[str, object]] = field(default_factory=list)
    folders: dict[str, Path] = field(default_factory=dict)
    asked: dict[str, Asked] = field(default_factory=dict)
    line: socket.socket | None = None
    line_number: int = -1

    def add(self, descriptor: int) -> int:
        """Take a descriptor along; gives its place."""
        self.descriptors.append(descriptor)
        return len(self.descriptors) - 1


def pack(task: Task | None, values: dict[str, Any], held: ExitStack) -> Luggage:
    """Open what the flags name, with this process's rights."""
    luggage = Luggage({name: it for name, it in values.items() if it is not None})
    for flag in task.flags.values() if task else ():
        if flag.shape == "own-folder" and values.get(flag.name):
            luggage.values[flag.name] = str(Path(values[flag.name]).absolute())
            continue
        given = values.get(flag.name) if flag.shape in get_args(OfCaller) else None
        for typed in given if isinstance(given, (list, tuple)) else [given]:
            if typed and (typed != "-" or flag.shape not in {"secret", "proof"}):
                luggage.files.append(_pack_one(flag, typed, luggage, held))
    return luggage


def _pack_one(it: DeclaredFlag, typed: str, luggage: Luggage, held: ExitStack) -> dict[str, Any]:
    path = Path(typed)
    is_file = os.path.isfile(path)  # noqa: PTH113 - no, too, of what a closed folder holds
    shape = "input-file" if it.shape == "input-folder" and is_file else it.shape
    file = {"flag": it.name, "shape": shape, "typed": typed}
    if shape in {"input-file", "secret", "proof"}:
        return {**file, "descriptor": luggage.add(_open_file(path))}
    if luggage.line is None:
        ours, theirs = socket.socketpair()
        luggage.line = held.enter_context(ours)
        luggage.line_number = luggage.add(theirs.detach())
    if shape == "input-folder":
        os.close(_open(path, os.O_RDONLY | os.O_DIRECTORY))
    elif shape in ONE_FILE:
        _refuse_existing(path)
        _refuse_closed(path.parent, is_made=False)
    else:
        _refuse_closed(path)
        _refuse_full(path, it.endings)
    luggage.folders[it.name] = path
    only = path.name if shape in ONE_FILE else ""
    luggage.asked[it.name] = Asked(frozenset(it.endings), only)
    return file


def _open(path: Path, flags: int) -> int:
    try:
        return os.open(path, flags | os.O_CLOEXEC | os.O_NOCTTY)
    except OSError as error:
        raise WrongUseError(
            "{path} cannot be read", why="{reason}", data="nothing was changed",
            next_step="name a file that you may read", path=path, reason=error.strerror,
        ) from error  # fmt: skip


def _open_file(path: Path) -> int:
    """Open a file to read; of a pipe, as `<(…)` is one, take what comes: no act waits for it."""
    opened = _open(path, os.O_RDONLY | os.O_NONBLOCK)
    kind = os.fstat(opened).st_mode
    if stat.S_ISREG(kind):
        return opened
    os.set_blocking(opened, True)
    content = _read_pipe(opened) if stat.S_ISFIFO(kind) else b""
    os.close(opened)
    if not stat.S_ISFIFO(kind) or len(content) > _MOST_PIPED:
        raise WrongUseError(
            "{path} cannot be read", why="it is no file, or a pipe that brings much",
            data="nothing was changed", next_step="name a file that you may read", path=path,
        )  # fmt: skip
    copy = os.memfd_create("piped", os.MFD_CLOEXEC)
    os.fchmod(copy, 0o600)
    with os.fdopen(os.dup(copy), "wb") as file:
        file.write(content)
    os.lseek(copy, 0, os.SEEK_SET)
    return copy


def _read_pipe(pipe: int) -> bytes:
    with os.fdopen(os.dup(pipe), "rb") as file:
        return file.read(_MOST_PIPED + 1)


def _refuse_existing(path: Path) -> None:
    if os.path.lexists(path):
        raise WrongUseError(
            "{path} is there already", why="what exists is not written over",
            data="nothing was changed", next_step="give another name, or remove it", path=path,
        )  # fmt: skip


def _refuse_full(folder: Path, endings: tuple[str, ...]) -> None:
    """Refuse a folder that holds something already, where nobody says which files will come."""
    if not endings and os.path.lexists(folder) and any(folder.iterdir()):
        raise WrongUseError(
            "the folder {target} is not empty", data="nothing was changed",
            next_step="give an empty folder, or one that is not there yet", target=folder,
        )  # fmt: skip


def _refuse_closed(folder: Path, *, is_made: bool = True) -> None:
    """Refuse, before the act tells that it has written there, a folder that cannot be written.

    Args:
        folder: Which.
        is_made: Whether it is made where it is not there.

    Raises:
        StrangeLinkError: A link of others leads there.
        WrongUseError: It is none, or closed.
    """
    refuse_strange_links(folder.absolute() / _WITHIN)
    there = folder
    while is_made and not os.path.lexists(there) and there != there.parent:
        there = there.parent
    if not there.is_dir() or not os.access(there, os.W_OK | os.X_OK):
        raise WrongUseError(
            "{path} cannot be written", why="{there} is no folder that you may write to",
            data="nothing was changed", next_step="name a folder that you may write to",
            path=folder, there=there,
        )  # fmt: skip


def open_to_write(folder: Path, *, is_made: bool) -> int:
    """Open a folder of who types, in which something is written.

    Args:
        folder: Which.
        is_made: Whether it is made where it is not there.

    Raises:
        StrangeLinkError: A link of others leads there.
        OSError: It cannot be.
    """
    if is_made:
        folder.mkdir(parents=True, exist_ok=True)
    with entered(folder.absolute() / _WITHIN) as place:
        return os.dup(place.folder)
