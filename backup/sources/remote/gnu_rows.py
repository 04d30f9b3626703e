"""What find and stat print of an entry, taken apart."""

import os
import stat
from collections.abc import Sequence
from dataclasses import dataclass, field

from backup.errors import SourceError
from backup.sources.local.owners import NamedOwners
from backup.sources.remote.bounds import ensure_target, senseless
from backup.sources.remote.frames import check_row, make_status
from backup.sources.remote.tree import NOTHING, Extra

# kind, mode, inode, device, links, owner, group, size, three times, names; path; target
FIND_FORMAT = rb"%y %m %i %D %n %U %G %s %A@ %T@ %C@ %u %g\0%P\0%l\0"
STAT_FORMAT = rb"%f %i %d %h %u %g %s %.9X %.9Y %.9Z %n\0"
_KINDS = {
    b"f": stat.S_IFREG,
    b"d": stat.S_IFDIR,
    b"l": stat.S_IFLNK,
    b"p": stat.S_IFIFO,
    b"s": stat.S_IFSOCK,
    b"b": stat.S_IFBLK,
    b"c": stat.S_IFCHR,
}
_PARTS = 3
_SECOND = 1_000_000_000


@dataclass(slots=True)
class Found:
    """One entry.

    Attributes:
        status: Its lstat.
        extra: What that does not say.
        is_closed: Whether it is a folder that cannot be looked into.
        reason: Why that is so.
    """

    status: os.stat_result
    extra: Extra = field(default=NOTHING)
    is_closed: bool = False
    reason: str = "Permission denied"

    def set_device(self, number: int) -> None:
        """Say which device it stands for."""
        it = self.status
        self.status = make_status(
            (
                it.st_mode, it.st_uid, it.st_gid, it.st_nlink, it.st_ino, it.st_dev, number,
                it.st_size, it.st_atime_ns, it.st_mtime_ns, it.st_ctime_ns,
            )
        )  # fmt: skip


def parse_find(records: Sequence[bytes], owners: NamedOwners) -> dict[bytes, Found]:
    """Parse what `FIND_FORMAT` prints; a ``!`` in front marks a folder that is closed to us.

    Args:
        records: Three an entry.
        owners: Takes in the names that are met.

    Raises:
        SourceError: It makes no sense.
    """
    found = {}
    if len(records) % _PARTS:
        raise no_sense()
    try:
        for at in range(0, len(records), _PARTS):
            facts, path, target = records[at : at + _PARTS]
            entry = _parse_entry(facts.lstrip(b"!"), owners)
            entry.is_closed = facts.startswith(b"!")
            if target:
                entry.extra = Extra(ensure_target(target))
            found[path] = entry
    except ValueError as error:
        raise no_sense() from error
    return found


def _parse_entry(facts: bytes, owners: NamedOwners) -> Found:
    kind, mode, *numbers, atime, mtime, ctime, user, group = facts.split(b" ")
    inode, device, links, uid, gid, size = map(int, numbers)
    note_owner(owners.users, uid, user)
    note_owner(owners.groups, gid, group)
    times = (from_floor(atime), from_floor(mtime), from_floor(ctime))
    return Found(
        check_row(
            (_KINDS.get(kind, 0) | int(mode, 8), uid, gid, links, inode, device, 0, size, *times)
        )
    )


def note_owner(names: dict[int, str], number: int, name: bytes) -> None:
    """Note a name; where there is none, the tools print the number or UNKNOWN."""
    is_name = name not in {b"%d" % number, b"UNKNOWN"}
    names[number] = name.decode("utf-8", "replace") if is_name else ""


def parse_stat(output: bytes) -> dict[bytes, os.stat_result]:
    """Parse what `STAT_FORMAT` prints: path to lstat.

    Raises:
        SourceError: It makes no sense.
    """
    found = {}
    try:
        for record in output.split(b"\0")[:-1]:
            mode, *numbers, atime, mtime, ctime, path = record.split(b" ", 10)
            inode, device, links, uid, gid, size = map(int, numbers)
            times = (from_decimal(atime), from_decimal(mtime), from_decimal(ctime))
            found[path.removeprefix(b"./")] = check_row(
                (int(mode, 16), uid, gid, links, inode, device, 0, size, *times)
            )
    except ValueError as error:
        raise no_sense() from error
    return found


def make_device(major: bytes, minor: bytes) -> int:
    """Read a device's two numbers, in hexadecimal.

    Raises:
        SourceError: They are no such numbers.
    """
    try:
        return os.makedev(int(major, 16), int(minor, 16))
    except (ValueError, OverflowError) as error:
        raise senseless() from error


def from_floor(text: bytes) -> int:
    """Read find's seconds: whole ones rounded down, even before 1970, then what is over."""
    seconds, _, rest = text.partition(b".")
    return int(seconds) * _SECOND + int(rest[:9].ljust(9, b"0") or b"0")


def from_decimal(text: bytes) -> int:
    """Read stat's seconds, a decimal number."""
    seconds, _, rest = text.partition(b".")
    nanoseconds = abs(int(seconds)) * _SECOND + int(rest[:9].ljust(9, b"0"))
    return -nanoseconds if text.startswith(b"-") else nanoseconds


def no_sense() -> SourceError:
    """Say that a listing cannot be understood."""
    return SourceError(
        "a listing of files makes no sense",
        data="no snapshot was made; earlier ones are untouched",
        next_step="install python3 on the host, which makes this easier",
    )
