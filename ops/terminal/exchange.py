"""Send files between who types and who acts for that person: streams of names and bytes, no paths.

A stream holds entries. Each begins with its length as four bytes, big-endian, then JSON: `at`, the
names from the folder down; `mode`, its permissions; `mtime`, in nanoseconds; of a symbolic link
`link`, where it leads; of a file `size`, and so many bytes follow. An entry without `at` ends the
stream. Whoever receives decides where it goes, and what may come at all; what is there already
stays as it is, and no link is followed.
"""

import json
import os
import socket
import stat
import struct
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import msgspec

from ops.errors import OpsError

MOST_BYTES = 10 << 30
"""What goes through the line in one stream; more takes a place that the estate names."""

MOST_ENTRIES = 1_000_000
_LONGEST_HEAD, _MOST_NAMES, _CHUNK = 64 * 1024, 128, 1 << 20
_LONGEST_LINK, _LATEST = 4_096, 1 << 62
_HEAD = struct.Struct(">I")
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_MODE = 0o777
_PLAIN = 0o666


class ExchangeError(OpsError):
    """Files do not come through."""


class BrokenOffError(ExchangeError):
    """The line ended before all of it came."""


class _Head(msgspec.Struct, frozen=True, kw_only=True):
    """An entry, see above; a folder has neither size nor link."""

    at: Annotated[list[str], msgspec.Meta(min_length=1, max_length=_MOST_NAMES)]
    mode: int
    mtime: int | None = None
    size: Annotated[int, msgspec.Meta(ge=0)] | None = None
    link: Annotated[str, msgspec.Meta(min_length=1, max_length=_LONGEST_LINK)] | None = None


@dataclass(slots=True)
class Received:
    """What came.

    Attributes:
        files: How many were written.
        kept: Names that were there already, and stay as they were.
    """

    files: int
    kept: list[str]


@dataclass(frozen=True, slots=True)
class Asked:
    """What a person has asked an act to make; whatever else comes is refused.

    Plain files that nobody runs: no link; none that a program would read unasked, as those whose
    names begin with a dot.

    Attributes:
        endings: How names may end, in small letters; of a single file, those beside it. Without
            any everything plain may come, into a folder that held nothing.
        only: Of a single file, its name; others differ in their ending.
    """

    endings: frozenset[str] = frozenset()
    only: str = ""

    def place(self, head: _Head) -> list[str]:
        """Give where an entry goes, from the folder down.

        Raises:
            ExchangeError: Nobody has asked for it.
        """
        names, is_file = head.at, head.size is not None
        ending = Path(names[-1]).suffix
        own = Path(self.only).suffix
        if self.only:
            is_asked = is_file and (ending == own or ending.lower() in self.endings)
            names = [self.only if ending == own else Path(self.only).with_suffix(ending).name]
        elif self.endings:
            is_asked = is_file and len(names) == 1 and ending.lower() in self.endings
        else:
            is_asked = head.link is None
        if not is_asked or (names[0].startswith(".") and names[0] != self.only):
            raise ExchangeError(
                "the service sent what you have not asked for: {name}",
                why="a command of this name makes no such file",
                data="what was there is as it was; what came before that is written",
                next_step="do not use what was written; tell root: somebody may rule the service",
                name="/".join(names),
            )
        return names


def send_tree(line: socket.socket, top: Path, *, forget: bool = False) -> None:
    """Send a file, or what a folder holds; what is no file, folder or symbolic link is left out.

    Args:
        line: To who receives it.
        top: The file or folder.
        forget: Whether each file goes as soon as it is sent.

    Raises:
        ExchangeError: It is more than goes through the line.
        OSError: It cannot be read, or the other side has gone.
    """
    sent = entries = 0
    for names, path, status in _walk(top):
        is_file = stat.S_ISREG(status.st_mode)
        sent, entries = sent + (status.st_size if is_file else 0), entries + 1
        if sent > MOST_BYTES or entries > MOST_ENTRIES:
            _send_head(line, {"error": "size"})
            raise too_much()
        head = {"at": names, "mode": status.st_mode & _MODE, "mtime": status.st_mtime_ns}
        if stat.S_ISLNK(status.st_mode):
            head["link"] = str(path.readlink())
        if not is_file:
            _send_head(line, head)
            continue
        with path.open("rb", buffering=0) as file:
            _send_head(line, {**head, "size": status.st_size})
            left = status.st_size
            while left:
                piece = file.read(min(left, _CHUNK))
                if not piece:  # the other side hears the line end in it, and keeps no half
                    raise ExchangeError(
                        "{path} became shorter while it was read",
                        data="nothing was changed",
                        next_step="wait until nobody writes it, then type it again",
                        path=path,
                    )
                line.sendall(piece)
                left -= len(piece)
        if forget:
            path.unlink()
    _send_head(line, {})


def receive_tree(line: socket.socket, folder: int, asked: Asked | None = None) -> Received:
    """Write what comes below an open folder.

    Args:
        line: Where it comes from; whatever it says is not believed.
        folder: Descriptor of the folder.
        asked: What may come; None for whatever a person sends.

    Raises:
        ExchangeError: It breaks off, is too much, or is no stream of files.
        OSError: It cannot be written.
    """
    received, came = Received(0, []), 0
    folders = set[tuple[str, ...]]()
    for number, head in enumerate(_heads(line)):
        came += head.size or 0
        if came > MOST_BYTES or number >= MOST_ENTRIES:
            raise too_much()
        names = head.at if asked is None else asked.place(head)
        if asked is not None:
            folders |= {tuple(names[:depth]) for depth in range(len(names))}
        if head.size is not None:
            mode = head.mode & (_MODE if asked is None else _PLAIN)
            _receive_file(line, folder, names, head, mode, received)
        elif head.link is not None:
            _receive_link(folder, names, head.link, received)
        else:
            with _entered(folder, names):
                pass
    for names in map(list, folders):  # of what a person keeps the names are durable, too
        with _entered(folder, names) as place:
            os.fsync(place)
    return received


def _receive_file(
    line: socket.socket, folder: int, names: list[str], head: _Head, mode: int, received: Received
) -> None:
    pieces = _pieces(line, head.size or 0)
    with _entered(folder, names[:-1]) as place:
        try:
            opened = os.open(names[-1], _NEW, mode, dir_fd=place)
        except FileExistsError:
            received.kept.append("/".join(names))
            for _piece in pieces:
                pass
            return
        try:
            with os.fdopen(opened, "wb") as file:
                file.writelines(pieces)
                file.flush()
                if head.mtime is not None and 0 <= head.mtime < _LATEST:
                    os.utime(opened, ns=(head.mtime, head.mtime))
                os.fsync(opened)  # a key on a medium is told to be there
        except BaseException:
            os.unlink(names[-1], dir_fd=place)  # no half of a file
            raise
        received.files += 1


def _pieces(line: socket.socket, size: int) -> Iterator[bytes]:
    while size:
        piece = line.recv(min(size, _CHUNK))
        if not piece:
            raise broken_off()
        yield piece
        size -= len(piece)


def _receive_link(folder: int, names: list[str], leads_to: str, received: Received) -> None:
    if "\0" in leads_to:
        raise _unreadable()
    with _entered(folder, names[:-1]) as place:
        try:
            os.symlink(leads_to, names[-1], dir_fd=place)
        except FileExistsError:
            received.kept.append("/".join(names))
        else:
            received.files += 1


@contextmanager
def _entered(folder: int, names: list[str]) -> Iterator[int]:
    """Enter a folder name by name, made where it is not there; no link is followed."""
    place = os.dup(folder)
    try:
        for name in names:
            with suppress(FileExistsError):
                os.mkdir(name, 0o777, dir_fd=place)
            inner = os.open(name, _FOLDER, dir_fd=place)
            os.close(place)
            place = inner
        yield place
    finally:
        os.close(place)


def _walk(top: Path) -> Iterable[tuple[list[str], Path, os.stat_result]]:
    status = top.lstat()
    if stat.S_ISREG(status.st_mode):
        yield [top.name], top, status
        return
    stack: list[tuple[list[str], Path]] = [([], top)]
    while stack:
        names, folder = stack.pop()
        with closing(os.scandir(folder)) as entries:
            for it in sorted(entries, key=lambda entry: entry.name):
                status = it.stat(follow_symlinks=False)
                if stat.S_ISDIR(status.st_mode):
                    stack.append(([*names, it.name], Path(it.path)))
                elif not (stat.S_ISREG(status.st_mode) or stat.S_ISLNK(status.st_mode)):
                    continue
                yield [*names, it.name], Path(it.path), status


def _send_head(line: socket.socket, head: Mapping[str, object]) -> None:
    body = json.dumps(head).encode()
    line.sendall(_HEAD.pack(len(body)) + body)


def _heads(line: socket.socket) -> Iterator[_Head]:
    while True:
        (length,) = _HEAD.unpack(b"".join(_pieces(line, _HEAD.size)))
        if length > _LONGEST_HEAD:
            raise _unreadable()
        try:
            said = json.loads(b"".join(_pieces(line, length)))
            if said == {}:
                return
            if said == {"error": "size"}:
                raise too_much()
            head = msgspec.convert(said, _Head)
        except (msgspec.MsgspecError, ValueError, RecursionError) as error:
            raise _unreadable() from error
        for name in head.at:
            if name in {"", ".", ".."} or set(name) & {"/", "\0"}:
                raise _unreadable()
        yield head


def too_much() -> ExchangeError:
    """Give the error of more than goes through the line."""
    return ExchangeError(
        "these files are more than goes through the line: {most} bytes, {entries} entries",
        data="nothing that was there is changed",
        next_step="take less at a time",
        most=MOST_BYTES,
        entries=MOST_ENTRIES,
    )


def broken_off() -> BrokenOffError:
    """Give the error of a line that ends too early."""
    return BrokenOffError(
        "the line to the service broke off",
        data="nothing that was there is changed",
        next_step="`{program} service.status`",
    )


def _unreadable() -> ExchangeError:
    return ExchangeError(
        "what came over the line is no stream of files",
        data="nothing that was there is changed",
        next_step="`{program} --version` here, and `{program} service.status`: do both fit?",
    )
