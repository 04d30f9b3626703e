"""Enter a folder name by name, where others may swap a name for a link at any time.

A link is followed where root or who runs this made it, in a folder that they alone may write. What
was entered is held by its descriptor: nobody leads it elsewhere afterwards.
"""

import errno
import os
import pwd
import stat
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from ops.errors import OpsError
from ops.language.text import N_

_FOLDER = os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_MOST_LINKS = 40  # as the kernel
LINK_WHY = N_(
    "{missing} is a link, and others than root could have put it there: what is written through"
    " it would go where they want"
)
LINK_NEXT = N_(
    "look at it and who made it: `ls -ld {missing}`; then put there what belongs there, or its own"
    " path into the estate; root's own link in a folder that root alone writes is followed"
)


class SharedFolderError(OpsError):
    """Others could read what is written into a folder, or lead it elsewhere."""


class StrangeLinkError(OpsError):
    """A path leads over a link that somebody may have put there to lead us elsewhere."""


@dataclass(frozen=True, slots=True)
class Entered:
    """A name in a folder that was entered.

    Attributes:
        folder: Its descriptor, for reading.
        name: No link when it was looked at; what it names need not be there.
        is_steady: Whether nobody but root and who runs this could swap a name on the whole way.
        keeps_ours: Whether nobody else could swap what one of the two has put there, as in /tmp.
    """

    folder: int
    name: str
    is_steady: bool
    keeps_ours: bool = False

    @property
    def path(self) -> Path:
        """Where it lies, without links."""
        return Path(f"/proc/self/fd/{self.folder}").readlink() / self.name

    def look(self) -> os.stat_result | None:
        """Look at what has the name now; None where nothing has."""
        with suppress(FileNotFoundError):
            return os.stat(self.name, dir_fd=self.folder, follow_symlinks=False)
        return None


@contextmanager
def entered(path: Path) -> Iterator[Entered]:
    """Enter the folder of a path.

    Args:
        path: Absolute.

    Raises:
        StrangeLinkError: It leads over a link that others could have put there.
        OSError: A folder on the way is missing, or may not be entered.
    """
    here, is_steady = os.open("/", _FOLDER | os.O_PATH), True
    rest, links = list(reversed(path.parts[1:])), 0
    try:
        while True:
            name = rest.pop() if rest else "."
            place = Entered(here, name, is_steady)
            found = place.look()
            if found and stat.S_ISLNK(found.st_mode):
                links += 1
                if links > _MOST_LINKS or not _is_ours(found, os.fstat(here)):
                    raise _strange(path, place)
                below = _begin_link(place, rest)
            elif rest:
                below = _open_below(path, place)
                is_steady = is_steady and _is_steady(os.fstat(here))
            else:
                break
            os.close(here)
            here = below
        folder = os.open(".", _FOLDER | os.O_RDONLY, dir_fd=here)
    finally:
        os.close(here)
    try:
        found = os.fstat(folder)
        yield Entered(folder, name, is_steady and _is_alone(found), is_steady and _is_steady(found))
    finally:
        os.close(folder)


def read_entered(place: Entered, most: int) -> tuple[bytes, os.stat_result]:
    """Give what the file of a name that was entered holds, and what it is.

    Raises:
        OSError: It is a link or no file, may not be read, or is larger than `most` bytes.
    """
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    with os.fdopen(os.open(place.name, flags, dir_fd=place.folder), "rb") as file:
        found = os.fstat(file.fileno())
        if not stat.S_ISREG(found.st_mode):
            raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))
        content = file.read(most + 1)
    if len(content) > most:
        raise OSError(errno.EFBIG, os.strerror(errno.EFBIG))
    return content, found


def refuse_strange_links(path: Path) -> None:
    """Refuse a path that leads over a link of others; one that may not be looked at passes.

    Raises:
        StrangeLinkError: It does.
    """
    with suppress(OSError), entered(path):
        pass


def take_folder(path: Path, *, dry_run: bool = False) -> None:
    """Make a folder for us alone, 0700; one that is there has to be ours or root's alone.

    So a name in a shared folder, such as /var/tmp, that somebody else was first to take is refused.

    Args:
        path: Absolute; what is missing above it is made in the same way.
        dry_run: Make nothing.

    Raises:
        SharedFolderError: Somebody else made it, may write in it, or could swap it.
        StrangeLinkError: The path leads over a link that others could have put there.
        OSError: It cannot be made.
    """
    if not os.path.lexists(path.parent):
        take_folder(path.parent, dry_run=dry_run)
        if dry_run:
            return
    with entered(path) as place:
        if place.keeps_ours and not dry_run:
            with suppress(FileExistsError):
                os.mkdir(place.name, 0o700, dir_fd=place.folder)
        found = place.look()
        is_alone = found is None or (stat.S_ISDIR(found.st_mode) and _is_alone(found))
        if not place.keeps_ours or not is_alone:
            raise _shared(place.path)


def find_around(folder: Path, places: Iterable[Path]) -> Path | None:
    """Give the first place that a folder is, or lies in, links followed; None where it is free."""
    real = folder.resolve()
    return next((place for place in places if real.is_relative_to(place.resolve())), None)


def name_of(user: int) -> str:
    """Give a user's name; the number where there is none."""
    try:
        return pwd.getpwuid(user).pw_name
    except KeyError:
        return str(user)


def _shared(path: Path) -> SharedFolderError:
    return SharedFolderError(
        "{path} is not taken",
        why="somebody else made it, may write in it, or could put another folder in its place:"
        " whoever that is would get what is written there",
        data="nothing was changed",
        next_step="name a folder that is not there yet, in one that root or {user} alone writes:"
        " `sudo install -d -m 700 -o {user} FOLDER` makes one",
        path=path,
        user=name_of(os.geteuid()),
    )


def _begin_link(place: Entered, rest: list[str]) -> int:
    """Put what a link names before the rest of the way; gives the folder that it begins in."""
    there = Path(os.readlink(place.name, dir_fd=place.folder))
    rest += reversed(there.parts[1:] if there.is_absolute() else there.parts)
    return os.open("/" if there.is_absolute() else ".", _FOLDER | os.O_PATH, dir_fd=place.folder)


def _open_below(path: Path, place: Entered) -> int:
    try:
        return os.open(place.name, _FOLDER | os.O_PATH, dir_fd=place.folder)
    except OSError as error:
        found = place.look()
        if error.errno in {errno.ENOTDIR, errno.ELOOP} and found and stat.S_ISLNK(found.st_mode):
            raise _strange(path, place) from error
        raise


def _is_ours(link: os.stat_result, folder: os.stat_result) -> bool:
    return link.st_uid in {0, os.geteuid()} and _is_alone(folder)


def _is_alone(folder: os.stat_result) -> bool:
    return folder.st_uid in {0, os.geteuid()} and not folder.st_mode & 0o022


def _is_steady(folder: os.stat_result) -> bool:
    """Tell whether others may at most add names, as in /tmp."""
    is_sticky = folder.st_mode & stat.S_ISVTX and folder.st_uid in {0, os.geteuid()}
    return bool(is_sticky) or _is_alone(folder)


def _strange(path: Path, place: Entered) -> StrangeLinkError:
    return StrangeLinkError(
        "{path} cannot be written safely",
        why=LINK_WHY,
        data="nothing was changed",
        next_step=LINK_NEXT,
        path=path,
        missing=place.path,
    )
