"""Open what is handed in with the eyes of the person who hands it in.

Who acts by `sudo` with the service's rights could otherwise have the service read what only the
service may: its keys, other people's files. So each folder on the way and the file itself are
asked whether that person may, on the open file, and no link is followed: what was swapped since it
was listed is refused. Where an access control list stands on a file, only its owner is believed;
what the list says is not read.
"""

import errno
import os
import pwd
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from io import FileIO
from pathlib import Path

_READ, _SEARCH = 4, 1
_ON_THE_WAY = os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_LAST = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_ACCESS_LIST = "system.posix_acl_access"


@dataclass(frozen=True, slots=True)
class Reader:
    """A person who may read some files and not others.

    Attributes:
        uid: Of the account; None: whoever runs this, whom the system itself bounds.
        groups: All groups of it.
    """

    uid: int | None = None
    groups: frozenset[int] = frozenset()

    @classmethod
    def of(cls, uid: int) -> "Reader":
        """Give the person that an account is, with all its groups; without any where it is gone."""
        with suppress(KeyError):
            account = pwd.getpwuid(uid)
            return cls(uid, frozenset(os.getgrouplist(account.pw_name, account.pw_gid)))
        return cls(uid)

    def open(self, path: Path) -> FileIO:
        """Open a plain file.

        Args:
            path: Absolute, without links on the way.

        Raises:
            PermissionError: The person may not read it.
            OSError: There is none, a link is on the way, or it is no plain file.
        """
        handle = self._open(path, _LAST)
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            os.close(handle)
            raise OSError(errno.EINVAL, "not a plain file", str(path))
        return os.fdopen(handle, "rb", buffering=0)

    @contextmanager
    def scan(self, path: Path) -> Iterator[list[os.DirEntry[str]]]:
        """List a folder, by name; the entries can be asked until the block ends.

        Args:
            path: Absolute, without links on the way.

        Raises:
            PermissionError: The person may not read it.
            OSError: There is none, or a link is on the way.
        """
        handle = self._open(path, _LAST | os.O_DIRECTORY)
        try:
            with os.scandir(handle) as entries:
                yield sorted(entries, key=lambda it: it.name)
        finally:
            os.close(handle)

    def may(self, found: os.stat_result, wanted: int = _READ, *, has_list: bool = False) -> bool:
        """Say whether the person may do something, by the mode of a file or folder."""
        if self.uid is None:
            return True
        if found.st_uid == self.uid:
            return bool(found.st_mode >> 6 & wanted)
        if has_list:
            return False
        is_of_group = found.st_gid in self.groups
        return bool((found.st_mode >> 3 if is_of_group else found.st_mode) & wanted)

    def _open(self, path: Path, flags: int) -> int:
        handle = os.open(path.anchor, _ON_THE_WAY)
        try:
            for name in path.parts[1:-1]:
                self._ensure(handle, _SEARCH, path)
                below = os.open(name, _ON_THE_WAY, dir_fd=handle)
                os.close(handle)
                handle = below
            self._ensure(handle, _SEARCH, path)
            last = os.open(path.name or ".", flags, dir_fd=handle)
        finally:
            os.close(handle)
        try:
            self._ensure(last, _READ, path)
        except OSError:
            os.close(last)
            raise
        return last

    def _ensure(self, handle: int, wanted: int, path: Path) -> None:
        if self.uid is None:
            return
        has_list = False
        with suppress(OSError):  # there is none, or the file system has no such lists
            has_list = bool(os.getxattr(f"/proc/self/fd/{handle}", _ACCESS_LIST))
        if not self.may(os.fstat(handle), wanted, has_list=has_list):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))


MYSELF = Reader()
"""Whoever runs this."""
