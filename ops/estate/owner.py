"""Whose the catalog's folder is, with whose rights somebody acts, and which files are believed."""

import errno
import os
import pwd
import stat
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Literal

from ops.entering import name_of
from ops.errors import OpsError
from ops.language.text import N_
from ops.toml import read_toml

Step = Literal["stay", "become", "refuse"]


BY_ROOT = "GIUCONG_BY_ROOT"
"""Set where root's task goes on as the service's user; `sudo` hands nobody's variables on."""


def is_borrowed() -> bool:
    """Tell whether somebody acts here with the rights of another user, neither of them root.

    `sudo`, `pkexec` and `doas` say by whom they were called, and their caller cannot keep them from
    that.
    """
    callers = _callers()
    return any(callers) and os.geteuid() not in {0, *callers}


def callers_of_lent_rights() -> frozenset[int]:
    """Give the accounts, root left out, that rights were lent to; none where nothing is lent.

    More than one where the environment names several: nobody can say which of them is true.
    """
    return frozenset(_callers()) - {0} if is_borrowed() else frozenset()


def _callers() -> list[int]:
    callers = [
        int(it)
        for name in ("SUDO_UID", "PKEXEC_UID")
        if (it := os.environ.get(name, "")).isdecimal()
    ]
    with suppress(KeyError):
        callers.append(pwd.getpwnam(os.environ["DOAS_USER"]).pw_uid)
    return callers


def is_services_user(installed: Path) -> bool:
    """Tell whether this user owns the state of the installed service, and is not root."""
    folder = find_state_folder(installed)
    return folder is not None and folder.stat().st_uid == os.geteuid() != 0


def decide_step(folder_owner: int, me: int) -> Step:
    """Decide from two user ids; root becomes the owner, anybody else must be the owner."""
    if folder_owner == me:
        return "stay"
    return "become" if me == 0 else "refuse"


def find_state_folder(path: Path) -> Path | None:
    """Give the existing state folder that an estate file names; None when there is none yet.

    Reads no more than it needs and reports no mistake: the task that loads the estate will.
    """
    try:
        data = read_toml(path)
        folder = path.parent / str(data.get("service", {}).get("state", "var"))
    except (OSError, ValueError, AttributeError):
        return None
    return folder if folder.is_dir() else None


_MOST_LINKS = 40  # as the kernel


class EstateStrangeError(OpsError):
    """An estate's file was written by others, or they may write it or swap it."""


def refuse_strange(
    files: Iterable[Path], folders: Iterable[Path] = (), *, me: int | None = None
) -> None:
    """Refuse files that others than root and one user could have put there.

    As sshd looks at its own files (`StrictModes`), and further: on the whole way there, nobody but
    root and who runs this may have made a name, or may put something else in its place. What was
    looked at may therefore be opened by its path afterwards.

    Args:
        files: Absolute.
        folders: Where more files could come to be read; absolute as well.
        me: The user; None for who runs this.

    Raises:
        EstateStrangeError: They could; the error names the first such place.
    """
    user = os.geteuid() if me is None else me
    for path in files:
        _refuse_way(path, user)
    for folder in folders:
        _refuse_shared(_refuse_way(folder, user))


def is_believed(file_owner: int, me: int) -> bool:
    """Decide from two user ids whether an estate file may say what is done; pure.

    Root believes root alone: a stranger's file may lie wherever root types something.
    """
    return file_owner in {0, me}


def is_open(mode: int, group: int, mine: int) -> bool:
    """Decide whether others may write a file, or put another one in a folder; pure.

    Args:
        mode: Of the file or folder; what is sticky keeps its files for their owners.
        group: Its group; root's own, and `mine`, count as nobody else's.
        mine: The group of this process.
    """
    if mode & stat.S_ISVTX:
        return False
    return bool(mode & stat.S_IWOTH or (mode & stat.S_IWGRP and group not in {0, mine}))


def _refuse_way(path: Path, me: int) -> Path:
    """Look at each name of a way; gives where it leads, without links.

    What is no folder may lie in none like /tmp: anybody may move a file of root's there.
    """
    place = path
    try:
        for place, found in _follow(path):
            if not is_believed(found.st_uid, me):
                why = N_('it belongs to "{owner}", and the task runs as "{me}"')
                raise _strange(place, why, found.st_uid)
            is_link = stat.S_ISLNK(found.st_mode)
            if not is_link and is_open(found.st_mode, found.st_gid, os.getegid()):
                raise _strange(place, N_("others may write it"), found.st_uid)
            if not stat.S_ISDIR(found.st_mode):
                _refuse_shared(place.parent)
    except OSError as error:
        raise _strange(path, "{reason}", me, reason=error.strerror) from error
    return place


def _refuse_shared(folder: Path) -> None:
    found = folder.lstat()
    if is_open(found.st_mode & ~stat.S_ISVTX, found.st_gid, os.getegid()):
        raise _strange(folder, N_("others may write it"), found.st_uid)


def _follow(path: Path) -> Iterator[tuple[Path, os.stat_result]]:
    """Yield each name on a way, links and what they lead to among them, the outermost first.

    Raises:
        OSError: A name is missing, may not be looked at, or links lead round in a circle.
    """
    here, rest, links = Path("/"), [*reversed(path.parts[1:])], 0
    yield here, here.lstat()
    while rest:
        name = rest.pop()
        if name == "..":
            here = here.parent  # no link is in it
            continue
        place = here / name
        found = place.lstat()
        yield place, found
        if not stat.S_ISLNK(found.st_mode):
            here = place
            continue
        links += 1
        if links > _MOST_LINKS:
            raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))
        there = place.readlink()
        here = Path("/") if there.is_absolute() else here
        rest += reversed(there.parts[1:] if there.is_absolute() else there.parts)


def _strange(place: Path, why: str, owner: int, **more: object) -> EstateStrangeError:
    return EstateStrangeError(
        "the estate file {path} is not believed",
        why=why,
        data="nothing was changed",
        next_step="go where no estate.toml lies: `cd /`; if this one is yours, move it where root"
        " and you alone write, read it again, then `chown root {path}`, `chmod go-w {path}`",
        path=place,
        owner=name_of(owner),
        me=name_of(os.geteuid()),
        **more,
    )
