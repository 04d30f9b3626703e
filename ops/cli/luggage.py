"""What goes along with a command to the service: what its flags name, opened as who types may."""

import os
import socket
import stat
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast, get_args

from ops.console.office.order import GivenFile
from ops.entering import entered, refuse_strange_links
from ops.errors import WrongUseError
from ops.secret_files import in_memory
from ops.terminal.exchange import Asked
from ops.terminal.task import ONE_FILE, DeclaredFlag, OfCaller, Task

_MOST_PIPED = 64 << 20
_WITHIN = "x"  # a name in a folder, so that the folder itself is entered


@dataclass(slots=True)
class Luggage:
    """What goes along with a command, and what may come back.

    Attributes:
        values: What was given, by field.
        line: Over which folders go, and what is made comes.
        descriptors: What goes along; `line_number` is the place of the line's other end.
        files: What the flags name.
        sent: The folders among them that are sent.
        asked: Where something is to be written, and what.
    """

    values: dict[str, Any]
    line: socket.socket
    descriptors: list[int] = field(default_factory=list)
    line_number: int = 0
    files: list[GivenFile] = field(default_factory=list)
    sent: list[Path] = field(default_factory=list)
    asked: list[tuple[Path, Asked]] = field(default_factory=list)

    def add(self, descriptor: int) -> int:
        """Take a descriptor along; gives its place."""
        self.descriptors.append(descriptor)
        return len(self.descriptors) - 1


def pack(task: Task | None, values: Mapping[str, Any], held: ExitStack) -> Luggage:
    """Open what the flags name, with this process's rights."""
    ours, theirs = socket.socketpair()
    given = {name: it for name, it in values.items() if it is not None}
    luggage = Luggage(given, held.enter_context(ours), [theirs.detach()])
    for flag in task.flags.values() if task else ():
        value = given.get(flag.name) if flag.shape in get_args(OfCaller) else None
        if flag.shape == "own-folder" and value:
            given[flag.name] = str(Path(value).absolute())
            continue
        for typed in value if isinstance(value, (list, tuple)) else [value]:
            if typed and (typed != "-" or flag.shape not in {"secret", "proof"}):
                luggage.files.append(_pack_one(flag, typed, luggage))
    return luggage


def _pack_one(it: DeclaredFlag, typed: str, luggage: Luggage) -> GivenFile:
    path, shape, descriptor = Path(typed), cast("OfCaller", it.shape), -1
    if shape == "input-folder" and os.path.isfile(path):  # noqa: PTH113 - no, too, of what a closed folder holds
        shape = "input-file"
    if shape in {"input-file", "secret", "proof"}:
        descriptor = luggage.add(_open_file(path))
    elif shape == "input-folder":
        os.close(_open(path, os.O_RDONLY | os.O_DIRECTORY))
        luggage.sent.append(path)
    elif shape in ONE_FILE:
        _refuse_existing(path)
        _refuse_closed(path.parent, is_made=False)
        luggage.asked.append((path, Asked(frozenset(it.endings), path.name)))
    else:
        _refuse_closed(path)
        _refuse_full(path, it.endings)
        luggage.asked.append((path, Asked(frozenset(it.endings))))
    return GivenFile(flag=it.name, shape=shape, typed=typed, descriptor=descriptor)


def _open(path: Path, flags: int) -> int:
    try:
        return os.open(path, flags | os.O_CLOEXEC | os.O_NOCTTY)
    except OSError as error:
        raise WrongUseError(
            "{path} cannot be read",
            why="{reason}",
            next_step="name a file that you may read",
            path=path,
            reason=error.strerror,
        ) from error


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
            "{path} cannot be read",
            why="it is no file, or a pipe that brings much",
            next_step="name a file that you may read",
            path=path,
        )
    return in_memory(content)


def _read_pipe(pipe: int) -> bytes:
    with os.fdopen(os.dup(pipe), "rb") as file:
        return file.read(_MOST_PIPED + 1)


def _refuse_existing(path: Path) -> None:
    if os.path.lexists(path):
        raise WrongUseError(
            "{path} is there already",
            why="what exists is not written over",
            next_step="give another name, or remove it",
            path=path,
        )


def _refuse_full(folder: Path, endings: tuple[str, ...]) -> None:
    """Refuse a folder that holds something already, where nobody says which files will come."""
    if not endings and os.path.lexists(folder) and any(folder.iterdir()):
        raise WrongUseError(
            "the folder {target} is not empty",
            target=folder,
            next_step="give an empty folder, or one that is not there yet",
        )


def _refuse_closed(folder: Path, *, is_made: bool = True) -> None:
    """Refuse, before the act tells that it has written there, a folder that cannot be written.

    Args:
        folder: Which.
        is_made: Whether it is made where it is not there.
    """
    refuse_strange_links(folder.absolute() / _WITHIN)
    there = folder
    while is_made and not os.path.lexists(there) and there != there.parent:
        there = there.parent
    wanted = os.W_OK | os.X_OK | (os.R_OK if there == folder else 0)
    is_folder = os.path.isdir(there)  # noqa: PTH112 - no, too, of one in a closed folder
    if not is_folder or not os.access(there, wanted, effective_ids=True):
        raise WrongUseError(
            "{path} cannot be written",
            why="{there} is no folder that you may list and write to",
            next_step="name a folder that you may write to",
            path=folder,
            there=there,
        )


def open_to_write(folder: Path, *, is_made: bool) -> int:
    """Open a folder of who types, in which something is written.

    Args:
        folder: Which.
        is_made: Whether it is made where it is not there.
    """
    if is_made:
        folder.mkdir(parents=True, exist_ok=True)
    with entered(folder.absolute() / _WITHIN) as place:
        return os.dup(place.folder)
