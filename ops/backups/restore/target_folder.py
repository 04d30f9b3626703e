"""The folder that a restore writes into: made, or taken where nobody else has a hand in it."""

import shutil
from collections.abc import Iterable
from pathlib import Path

from ops.entering import find_around, take_folder
from ops.errors import OpsError, WrongUseError
from ops.language.formats import format_size

_KEPT_FREE = 256 * 1024 * 1024


class NoRoomError(OpsError):
    """The disk has too little room for what is to be restored."""


def refuse_around(target: Path, closed: Iterable[Path]) -> None:
    """Refuse a folder that lies in one of others, links followed.

    Raises:
        WrongUseError: It does.
    """
    place = find_around(target, closed)
    if place is not None:
        raise WrongUseError(
            "{folder} lies in {place}, which the service keeps or a site shows to its visitors",
            next_step="name a folder of its own: `--target FOLDER`; or put the site back with"
            " `--in-place`",
            folder=target,
            place=place,
        )


def take_target(target: Path, *, dry_run: bool) -> None:
    """Make the folder that gets restored files, or take it where nobody else has a hand in it.

    Raises:
        SharedFolderError, StrangeLinkError: Somebody else has.
        OpsError: It cannot be made.
    """
    try:
        take_folder(target, dry_run=dry_run)
    except OSError as error:
        raise OpsError(
            "cannot restore into {folder}",
            why=error.strerror or "",
            data="nothing was changed",
            next_step="choose a folder that can be written",
            folder=target,
        ) from error


def refuse_full(target: Path, needed: int, *, beside: int) -> None:
    """Refuse a restore that its disk has no room for, before anything is written.

    Where the catalog lies on that disk, room is left for it to go on.

    Args:
        target: Folder that gets the content; need not be there yet.
        needed: Bytes that are to be written.
        beside: Device that the catalog lies on.

    Raises:
        NoRoomError: There is too little.
    """
    there = next(it for it in (target, *target.parents) if it.exists())
    is_shared = there.stat().st_dev == beside
    room = shutil.disk_usage(there)
    free = room.free - (_KEPT_FREE if is_shared else 0)
    if room.total and needed > max(free, 0):  # some file systems do not tell their size
        raise NoRoomError(
            "there is no room for {needed}: {free} may be written at {folder}",
            data="nothing was changed; the repository was only read",
            next_step="ask for less with --include, or name a folder on another disk with --target",
            needed=format_size(needed),
            free=format_size(max(free, 0)),
            folder=there,
        )
