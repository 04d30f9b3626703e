"""Wipe the rows that `drill.extract` handed over: somebody's personal data, as a rule.

Each file is opened by its name in the open folder, follows no link, is overwritten and durable
before it goes. On disks that keep old blocks (copies on write, flash) that is all a program can do.
"""

import os
import stat
from contextlib import ExitStack
from io import FileIO
from pathlib import Path
from typing import Literal

import msgspec

from backup.progress import SILENT, Progress
from ops.access.session import at_bench
from ops.drills.tasks import Wipe
from ops.entering import entered
from ops.errors import WrongUseError
from ops.estate.load.load import load_estate
from ops.journal import journal
from ops.language.text import N_, _
from ops.sandbox.rows import CSV, STATEMENTS
from ops.terminal.elsewhere import is_elsewhere
from ops.terminal.output import write_line
from ops.terminal.there import do_there

_WRITE = os.O_WRONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_PIECE = 1 << 20
_Wiped = list[Literal["rows.csv", "rows.sql"]]


def wipe_rows(wish: Wipe) -> int:
    """Overwrite and remove them; gives the exit code.

    Raises:
        WrongUseError: There are none, or one is not a plain file of ours.
        StrangeLinkError: A link of others is on the way.
    """
    with at_bench(load_estate(), dry_run=wish.dry_run) as bench:
        if is_elsewhere():
            wiped: list[str] = [*do_there(b"", [], SILENT, _Wiped)]
        else:
            wiped = _wipe(wish)
        names, folder = ", ".join(wiped), Path(wish.target).absolute()
        if wish.dry_run:
            write_line(_("would wipe in {folder}: {names}").format(folder=folder, names=names))
            return 0
        details = {"folder": wish.target, "files": wiped}
        with bench.catalog.writing() as session:
            journal.append(session, bench.origin, [journal.Entry("drill.wipe", "", details)])
    write_line(_("wiped in {folder}: {names}").format(folder=folder, names=names))
    return 0


def wipe_here(wish: Wipe, _order: bytes, _ends: list[int], _progress: Progress) -> bytes:
    """Do it in the process of who typed it; see `ops.terminal.there.Work`."""
    return msgspec.json.encode(_wipe(wish))


def _wipe(wish: Wipe) -> list[str]:
    folder = Path(wish.target).absolute()
    with ExitStack() as stack:
        try:
            place = stack.enter_context(entered(folder / CSV))
        except OSError as error:
            raise _refuse(folder, error.strerror or type(error).__name__) from error
        there = {
            name: stack.enter_context(file)
            for name in (CSV, STATEMENTS)
            if (file := _open(place.folder, folder / name))
        }
        if not there:
            raise _refuse(folder / CSV, N_("it is not there"))
        if not wish.dry_run:
            for name, file in there.items():
                _overwrite(file)
                os.unlink(name, dir_fd=place.folder)
            os.fsync(place.folder)
        return [*there]


def _open(folder: int, path: Path) -> FileIO | None:
    try:
        file = os.fdopen(os.open(path.name, _WRITE, dir_fd=folder), "wb", buffering=0)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise _refuse(path, N_("it is no plain file of ours")) from error
    found = os.fstat(file.fileno())
    if not stat.S_ISREG(found.st_mode) or found.st_nlink != 1 or found.st_uid != os.geteuid():
        file.close()
        raise _refuse(path, N_("it is no plain file of ours"))
    return file


def _overwrite(file: FileIO) -> None:
    left = os.fstat(file.fileno()).st_size
    while left > 0:
        left -= file.write(bytes(min(left, _PIECE))) or 0
    os.fsync(file.fileno())


def _refuse(path: Path, why: str) -> WrongUseError:
    return WrongUseError(
        "{path} is not wiped",
        why=why,
        next_step="name the folder that `{program} drill.extract` was given",
        path=path,
    )
