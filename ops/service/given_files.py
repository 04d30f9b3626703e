"""Files of who types at a terminal elsewhere, for the act that is done for that person.

The service opens no path that a person has typed: a file comes as a descriptor that was opened with
that person's rights, a folder as a stream; what the act makes lies in a folder of its own until it
is sent back, and the person's own process writes it. So much of the disk is for each of them, and a
reserve for all: what the service itself needs to go on, its catalog above all, lies there too.
"""

import os
import socket
import stat
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

from invoke.exceptions import Exit

from ops.console.office.order import AtTerminal, GivenFile
from ops.errors import SecretError, WrongUseError
from ops.language.text import name_as_typed
from ops.secret_files import open_secret
from ops.terminal.exchange import (
    MOST_BYTES,
    ExchangeError,
    broken_off,
    receive_tree,
    send_tree,
    too_much,
)
from ops.terminal.task import ONE_FILE

_MOST_SECRET = 64 * 1024
_CHUNK, _SILENT_SECONDS = 1 << 20, 600.0
_OVERHEAD = 1_024
"""What is counted for each piece beside its bytes: an empty file takes room, too."""

_GIB = 1 << 30
_STEP = 128 << 20
_SHARE, _BLOCK = 4, 512  # a block as stat(2) counts them
_GIVEN, _OUT = "given", "out"


@contextmanager
def placed_files(
    terminal: AtTerminal, values: Mapping[str, Any], descriptors: list[int]
) -> Iterator[dict[str, Any]]:
    """Give the task's values with what each file has become here; sends back what was made.

    Args:
        terminal: Where it was typed.
        values: By field.
        descriptors: The act's.
    """
    placed, named = dict(values), dict[str, str]()
    with ExitStack() as held:
        for number, it in enumerate(terminal.files):
            place = _place(it, number, Path(terminal.folder), descriptors, terminal.line, held)
            named[place], given = it.typed, placed[it.flag]
            placed[it.flag] = (
                [place if typed == it.typed else typed for typed in given]
                if isinstance(given, list)
                else place
            )
        name_as_typed(named)  # also in the error that ends the act
        try:
            yield placed
        finally:
            _send_back(terminal, descriptors)


def _place(
    given: GivenFile, number: int, folder: Path, descriptors: list[int], line: int, held: ExitStack
) -> str:
    if given.shape in {"secret", "proof"}:
        return f"/dev/fd/{held.enter_context(open_secret(_read_secret(given, descriptors)))}"
    is_made = given.shape.startswith("output")
    place = folder / (_OUT if is_made else _GIVEN) / (given.flag if is_made else str(number))
    place.mkdir(parents=True, mode=0o700)
    if is_made and given.shape not in ONE_FILE:
        return str(place)
    name = Path(given.typed).name
    place /= given.flag if name in {"", ".."} else name
    if given.shape == "input-file":
        _copy(_regular(given, descriptors), place, Room(folder))
    elif given.shape == "input-folder":
        place.mkdir(mode=0o700)
        opened = os.open(place, os.O_RDONLY | os.O_DIRECTORY)
        held.callback(os.close, opened)
        with _Weighed(folder, descriptors[line]) as stream:
            receive_tree(stream, opened)
    return str(place)


def _regular(given: GivenFile, descriptors: list[int]) -> int:
    """Give the descriptor of a file; reading one could otherwise wait, or never end."""
    if not 0 <= given.descriptor < len(descriptors) or not stat.S_ISREG(
        os.fstat(descriptors[given.descriptor]).st_mode
    ):
        raise WrongUseError(
            "{path} is no file",
            next_step="name a file",
            path=given.typed,
        )
    return descriptors[given.descriptor]


class Room:
    """The room that one act may take; the others of the same person take it, too."""

    def __init__(self, folder: Path) -> None:
        """Take the act's folder, called `WHOSE-WHATEVER`, beside those of other acts."""
        self._folder = folder
        self._left = 0

    def take(self, size: int) -> None:
        """Take room for what is written next.

        Raises:
            ExchangeError: There is none: a person may hold a quarter of the disk, and no more than
                goes through the line at once; a gigabyte, or a quarter, stays free.
        """
        self._left -= size
        if self._left >= 0:
            return
        room = os.statvfs(self._folder)
        total, free = room.f_blocks * room.f_frsize, room.f_bavail * room.f_frsize
        may = min(
            min(MOST_BYTES, total // _SHARE) - self._held(), free - min(_GIB, total // _SHARE)
        )
        if size > may:
            raise ExchangeError(
                "there is no room for these files",
                why="{free} bytes are free; some stay so, and all that you send at a time counts",
                data="nothing that was there is changed",
                next_step="take less at a time, or wait until what you have begun has ended",
                free=free,
            )
        self._left = min(_STEP, may) - size

    def _held(self) -> int:
        """Give the bytes that this person's acts hold now."""
        whose = self._folder.name.partition("-")[0]
        held = 0
        for folder in self._folder.parent.glob(f"{whose}-*"):
            for place, folders, files in os.walk(folder):
                for name in (*folders, *files):
                    with suppress(OSError):  # sent and gone
                        held += Path(place, name).lstat().st_blocks * _BLOCK + _OVERHEAD
        return held


class _Weighed(socket.socket):
    """The line, of which no more is taken than there is room for."""

    def __init__(self, folder: Path, descriptor: int) -> None:
        super().__init__(fileno=os.dup(descriptor))
        self._room = Room(folder)

    def recv(self, size: int, flags: int = 0, /) -> bytes:
        """Receive, and count it."""
        piece = super().recv(size, flags)
        self._room.take(len(piece) + _OVERHEAD)
        return piece


def _read_secret(given: GivenFile, descriptors: list[int]) -> str:
    with os.fdopen(os.dup(_regular(given, descriptors)), "rb") as file:
        if os.fstat(file.fileno()).st_mode & 0o077:
            raise SecretError(
                "others may read the password file {path}",
                data="nothing was changed",
                next_step="type `chmod 600 {path}`, and take another password",
                path=given.typed,
            )
        return file.read(_MOST_SECRET).decode("utf-8", "surrogateescape")


def _copy(source: int, target: Path, room: Room) -> None:
    if os.fstat(source).st_size > MOST_BYTES:  # a hole of terabytes is read for hours
        raise too_much()
    with os.fdopen(os.dup(source), "rb", buffering=0) as read, target.open("xb") as written:
        while piece := read.read(_CHUNK):
            room.take(len(piece))
            written.write(piece)


def _send_back(terminal: AtTerminal, descriptors: list[int]) -> None:
    for it in terminal.files:
        if it.shape.startswith("output"):
            place = Path(terminal.folder) / _OUT / it.flag
            with socket.socket(fileno=os.dup(descriptors[terminal.line])) as stream:
                stream.settimeout(_SILENT_SECONDS)
                try:
                    send_tree(stream, place, forget=True)
                except TimeoutError as error:
                    raise broken_off() from error
                except ConnectionError as error:  # who types could not write it, and says why
                    raise Exit(code=1) from error
