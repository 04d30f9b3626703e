"""The folder that a medium is mounted at: is it one, is it the right one, what does it say?

While it is written it is held by an open descriptor, and every path goes through that: whatever
becomes of the mount, nothing is ever written to the folder below it.
"""

import errno
import os
import stat
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from backup.errors import BackupError
from backup.stores.base import Buffer
from backup.stores.folder import FolderStore
from ops.backups.media.label import NAME, Label, LabelError, decode_label, encode_label
from ops.durable_files import put_anew
from ops.errors import OpsError, WrongUseError

_MODE = 0o644
_LARGEST = 128 << 20  # bytes; 200 repositories of 1000 snapshots have 26 MB


def check_place(to: str, *, allow_folder: bool) -> Path:
    """Give the folder that was named.

    Args:
        to: As typed.
        allow_folder: Whether a folder will do that no medium is mounted at.

    Raises:
        WrongUseError: It is no folder, or no medium is mounted there.
    """
    folder = Path(to).absolute()
    if not to or not folder.is_dir():
        raise WrongUseError(
            'there is no folder "{folder}"',
            data="nothing was written",
            next_step="mount the medium, and name the folder it is mounted at",
            folder=to,
        )
    folder = folder.resolve()
    if not allow_folder and not os.path.ismount(folder):
        raise WrongUseError(
            "no medium is mounted at {folder}",
            why="it is a folder of another disk, which would be filled in the medium's place",
            data="nothing was written",
            next_step="mount the medium there: `findmnt {folder}`; or add `--allow-folder`",
            folder=folder,
        )
    return folder


class MediumGoneError(OpsError):
    """The medium is not where it was when writing began."""


@dataclass(frozen=True, slots=True)
class HeldMedium:
    """A medium that is being written.

    Attributes:
        folder: Where it was mounted, for people.
        descriptor: Its root, open.
        failed: Names of the sites whose files it did not take or give up.
    """

    folder: Path
    descriptor: int
    failed: set[str] = field(default_factory=set)

    @property
    def root(self) -> Path:
        """Its root by descriptor: where every file is read and written."""
        return Path(f"/proc/self/fd/{self.descriptor}")

    def ensure_there(self) -> None:
        """Look whether what is mounted at the folder is still this medium.

        Raises:
            MediumGoneError: It was unmounted, or another is mounted there.
        """
        mine = os.fstat(self.descriptor)
        try:
            there = self.folder.stat()
        except OSError:
            there = None
        is_same = there is not None and (there.st_dev, there.st_ino) == (mine.st_dev, mine.st_ino)
        if not is_same or self.root.readlink() != self.folder:  # no link was put on the way
            raise MediumGoneError(
                "the medium is not at {folder} any more",
                why="it was unmounted or taken out while it was being written",
                data="nothing was written below the mount point; the medium does not count as"
                " written, and the stores are untouched",
                next_step="mount it again, then run the same command: it goes on from there",
                folder=self.folder,
            )


@contextmanager
def hold_medium(folder: Path, *, allow_folder: bool) -> Iterator[HeldMedium]:
    """Hold a medium by its root; while that is open, it is not unmounted by accident.

    Raises:
        WrongUseError, MediumGoneError: It was unmounted since it was looked at.
    """
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        medium = HeldMedium(check_place(str(folder), allow_folder=allow_folder), descriptor)
        medium.ensure_there()
        yield medium
    finally:
        os.close(descriptor)


class MediumStore(FolderStore):
    """A medium, or a site's repository on it; looked at again before each file."""

    def __init__(self, medium: HeldMedium, site: str = "") -> None:
        """Take the site's folder; without a site the medium's root."""
        super().__init__(repository_on(medium.root, site) if site else medium.root)
        self._medium, self._site = medium, site
        self._shown = str(medium.folder / site)

    @property
    def location(self) -> str:
        """The folder as people know it."""
        return self._shown

    def write(self, key: str, data: Buffer) -> None:
        """See `Store.write`."""
        with self._noting():
            super().write(key, data)

    def delete(self, key: str) -> None:
        """See `Store.delete`."""
        with self._noting():
            super().delete(key)

    @contextmanager
    def _noting(self) -> Iterator[None]:
        """Look whether the medium is there, and note that what lies on it is no more as it was."""
        try:
            self._medium.ensure_there()
            yield
        except (BackupError, OpsError):
            self._medium.failed.add(self._site)
            raise


def read_label(folder: Path) -> Label | None:
    """Read a medium's label; None where there is none.

    Raises:
        LabelError: It cannot be read.
    """
    path = folder / NAME
    try:
        data = _read(path)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise LabelError(
            "the label {place} cannot be read",
            why="{reason}",
            data="nothing was changed",
            next_step="look at the medium: `ls -la {folder}`",
            place=path,
            folder=folder,
            reason=error.strerror or type(error).__name__,
        ) from error
    return decode_label(data, path)


def _read(path: Path) -> bytes:
    """Read a regular file of a foreign medium, to what a label can have."""
    with os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), "rb") as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))
        return file.read(_LARGEST)


def repository_on(folder: Path, site: str) -> Path:
    """Give where a site's repository lies on a medium: below it, and nowhere else.

    Args:
        folder: Where the medium is mounted.
        site: A name.

    Raises:
        LabelError: A folder there is a link, which may lead anywhere.
    """
    place = folder / site
    for it in (place, *place.glob("*"), *place.glob("data/*")):
        if it.is_symlink():
            raise LabelError(
                "{place} is a link, and not of this service",
                why="what is written to the medium or read from it would lie elsewhere",
                data="nothing was changed",
                next_step="look where it leads: `ls -l {place}`; then remove it",
                place=it,
            )
    return place


def write_label(folder: Path, label: Label) -> None:
    """Write a medium's label; readers see the old one or the new one, whole.

    Raises:
        LabelError: The medium cannot be written.
    """
    write_file(folder / NAME, encode_label(label))


def write_file(path: Path, data: bytes) -> None:
    """Write a file of the medium's root, readable by everybody.

    Raises:
        LabelError: The medium cannot be written.
    """
    try:
        put_anew(path, data, _MODE)
    except OSError as error:
        folder = Path(os.path.realpath(path.parent))  # as people know it
        raise LabelError(
            "{place} cannot be written",
            why="{reason}",
            data="what lay on the medium before is still there",
            next_step="look whether it is full, or mounted read-only: `findmnt {folder}`",
            place=folder / path.name,
            folder=folder,
            reason=error.strerror or type(error).__name__,
        ) from error


def check_code(
    label: Label | None, code: str, known: Collection[str], in_use: Collection[str], folder: Path
) -> None:
    """Refuse a medium that is another one than was named.

    Args:
        label: What is on it.
        code: The code that was named.
        known: Codes of the media that were written before.
        in_use: Those of them that were not taken out of use.
        folder: Where it is mounted.

    Raises:
        WrongUseError: It has another code, it has none and another medium has this one, or it was
            taken out of use.
    """
    if code in known and code not in in_use:
        raise WrongUseError(
            "the medium {code} was taken out of use",
            why="a code names one medium for life, also after it was replaced",
            data="nothing was written",
            next_step="use another medium with a new code",
            code=code,
        )
    if label is not None and label.code != code:
        raise WrongUseError(
            "the medium at {folder} is {found}, not {code}",
            data="nothing was written",
            next_step="mount the medium {code}, or name this one: `--code {found}`",
            folder=folder,
            found=label.code,
            code=code,
        )
    if label is None and code in known:
        raise WrongUseError(
            "the medium at {folder} has no label, and another medium has the code {code}",
            why="a code names one medium for life, also after it was replaced",
            data="nothing was written",
            next_step="mount the medium {code}, or give this one a new code",
            folder=folder,
            code=code,
        )
