"""A folder of a machine that has BusyBox and little else: routers, appliances, rescue systems.

Its tools know neither NUL-separated output nor extended attributes. A random token that no name
holds stands in front of each record. What cannot be kept is told: see `BusyboxTree.lost`.
"""

import os
import secrets
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime

from backup.sources.local.owners import NamedOwners
from backup.sources.remote.bounds import ensure_target
from backup.sources.remote.command_stream import failed
from backup.sources.remote.frames import check_row
from backup.sources.remote.gnu_rows import Found, make_device, no_sense, note_owner
from backup.sources.remote.gnu_tree import ToolTree
from backup.sources.remote.tree import Extra
from provisioning.hosts import Host

ATTRIBUTES = "extended attributes and access lists"

_FORMAT = b"|%f|%i|%d|%h|%u|%g|%s|%t|%T|%U|%G|%x|%y|%z|%n"
_FIND = b"""LC_ALL=C TZ=UTC0; export LC_ALL TZ
find "$1" $2 -exec stat -c "$3" {} +
printf '%send %s' "$4" $?"""
_LINKS = b"""LC_ALL=C; export LC_ALL
find "$1" $2 -type l -exec sh -c 't=$1; shift
for link; do printf %s "$t$link$t"; readlink -n "$link"; done' sh "$3" {} +
printf '%send %s' "$3" $?"""
_STAT = b'LC_ALL=C TZ=UTC0; export LC_ALL TZ; cd "$1" && exec xargs -0 -r stat -c "$2"'
# Its tar takes no list of names: xargs runs it as often as needed, one archive behind another.
_TAR = b'LC_ALL=C; export LC_ALL; cd "$1" && exec xargs -0 -r tar -c -f -'
_FIELDS = 14
_SECOND = 1_000_000_000


@contextmanager
def open_busybox_tree(
    host: Host, path: bytes, *, one_file_system: bool, timeout: float | None = None
) -> Iterator["BusyboxTree"]:
    """Open a folder by BusyBox; see `open_python_tree` for the arguments."""
    yield BusyboxTree(host, path, one_file_system=one_file_system, timeout=timeout)


class BusyboxTree(ToolTree):
    """See `RemoteTree`."""

    lost: tuple[str, ...] = (ATTRIBUTES,)

    def _list(self, one_file_system: bool) -> dict[bytes, Found]:
        token = secrets.token_hex(16).encode()
        arguments = [self._path, b"-xdev" if one_file_system else b"-depth"]
        output, complaints = self._collect(_FIND, *arguments, token + _FORMAT, token)
        *records, trailer = output.split(token)
        status = self._read_trailer(trailer, complaints)
        entries = parse_records(records[1:], self.owners)
        found = {self._relative(path): entry for path, entry in entries.items()}
        links, words = self._collect(_LINKS, *arguments, token)
        *pieces, trailer = links.split(token)
        self._read_trailer(trailer, words)
        if len(pieces) % 2 == 0:
            raise failed(self._host.name, words or b"a link has gone", None)
        for path, target in zip(pieces[1::2], pieces[2::2], strict=True):
            if (entry := found.get(self._relative(path))) is not None:
                entry.extra = Extra(ensure_target(target))
        if any(stat.S_ISLNK(it.status.st_mode) and not it.extra.target for it in found.values()):
            raise failed(self._host.name, words or b"a link has gone", None)
        self._note_complaints(complaints, found, is_bad=status != 0)
        return found

    def _relative(self, path: bytes) -> bytes:
        return path.removeprefix(self._path).lstrip(b"/")

    def _add_devices(self) -> None:
        """They came with the listing."""

    def _add_attributes(self) -> None:
        """There is no way to learn them."""

    def _tar_script(self) -> bytes:
        return _TAR

    def _look_again(self, paths: Sequence[bytes]) -> dict[bytes, os.stat_result]:
        token = secrets.token_hex(16).encode()
        names = b"".join(b"./%s\0" % path for path in paths)
        output, _ = self._collect(_STAT, self._folder, token + _FORMAT, stdin=names)
        entries = parse_records(output.split(token)[1:], self.owners)
        return {path.removeprefix(b"./"): entry.status for path, entry in entries.items()}


def parse_records(records: Sequence[bytes], owners: NamedOwners) -> dict[bytes, Found]:
    """Parse what `_FORMAT` prints, the token in front taken away: path as printed to entry.

    Args:
        records: One an entry, with the line break that BusyBox puts at its end.
        owners: Takes in the names that are met.

    Raises:
        SourceError: It makes no sense.
    """
    found = {}
    try:
        for record in records:
            _, mode, *facts, path = record.split(b"|", _FIELDS + 1)
            *numbers, major, minor, user, group, atime, mtime, ctime = facts
            inode, device, links, uid, gid, size = map(int, numbers)
            note_owner(owners.users, uid, user)
            note_owner(owners.groups, gid, group)
            rdev = make_device(major, minor)
            times = (parse_time(atime), parse_time(mtime), parse_time(ctime))
            row = (int(mode, 16), uid, gid, links, inode, device, rdev, size, *times)
            found[path.removesuffix(b"\n")] = Found(check_row(row))
    except ValueError as error:
        raise no_sense() from error
    return found


def parse_time(text: bytes) -> int:
    """Read a date and time in UTC, to the nanosecond where the host says so."""
    whole, _, rest = text.partition(b".")
    moment = datetime.fromisoformat(whole[:19].decode()).replace(tzinfo=UTC)
    nanoseconds = rest.partition(b" ")[0][:9].ljust(9, b"0")
    return int(moment.timestamp()) * _SECOND + int(nanoseconds)
