"""A folder of a machine without Python, read by GNU find, stat and tar.

``find`` prints every entry, NUL-separated, and its own exit status as the last thing: without that
trailer the listing is not whole. Contents come as one ``tar`` of what is wanted; a second look with
``stat`` tells what changed meanwhile.
"""

import errno
import os
import re
import stat
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from backup.sources.host_errors import translated
from backup.sources.local.owners import NamedOwners
from backup.sources.remote.bounds import MOST_LISTING_BYTES, Holes
from backup.sources.remote.command_stream import Line, failed
from backup.sources.remote.gnu_rows import (
    FIND_FORMAT,
    STAT_FORMAT,
    Found,
    make_device,
    parse_find,
    parse_stat,
)
from backup.sources.remote.python_tree import ensure_names, not_there
from backup.sources.remote.tar_stream import Member, read_tar
from backup.sources.remote.tree import (
    Extra,
    Listed,
    ListedFolder,
    Root,
    Take,
    Unlisted,
    Wanted,
)
from provisioning.hosts import Command, Host

_FIND = b"""LC_ALL=C TZ=UTC0; export LC_ALL TZ
find "$1" $2 -type d '(' ! -readable -o ! -executable ')' -printf ! , -printf "$3"
printf 'end %s' $?"""
_STAT = b'LC_ALL=C TZ=UTC0; export LC_ALL TZ; cd "$1" && exec xargs -0 -r stat --printf "$2" --'
_RDEV = b'cd "$1" && exec xargs -0 -r stat --printf "%t %T\\n" --'
_TAR = b"""LC_ALL=C; export LC_ALL
exec tar --create --file=- --directory="$1" --format=posix --no-recursion --hard-dereference \\
--sparse --acls --xattrs '--xattrs-include=*' --null --verbatim-files-from --files-from=-"""
_COMPLAINT = re.compile(rb"^\w+: '?(.*?)'?: ([^:]*)$")
_SMALL_TIMEOUT = 120.0
# 1: a file changed; 2, or 123 through xargs: one could not be read
_TAR_STATUSES = (0, 1, 2, 123)


@contextmanager
def open_tool_tree(
    host: Host, path: bytes, *, one_file_system: bool, timeout: float | None = None
) -> Iterator["ToolTree"]:
    """Open a folder by the tools that are there; see `open_python_tree` for the arguments."""
    yield ToolTree(host, path, one_file_system=one_file_system, timeout=timeout)


class ToolTree:
    """See `RemoteTree`."""

    lost: tuple[str, ...] = ()

    def __init__(
        self, host: Host, path: bytes, *, one_file_system: bool, timeout: float | None
    ) -> None:
        """List everything at once.

        Raises:
            SourceError: The path is not there, or the listing is not whole.
        """
        self._host = host
        self._timeout = timeout
        self.owners = NamedOwners()
        self._holes = Holes()
        real, self.clock_offset = self._look_at(path)
        self._path = real
        self._refusals: dict[bytes, str] = {}
        self._complaints: list[tuple[bytes, str]] = []
        self._found = self._list(one_file_system)
        if b"" not in self._found:
            reason = self._complaints[0][1] if self._complaints else ""
            raise not_there(host.name, path, OSError(0, reason))
        self._add_devices()
        self._add_attributes()
        top = self._found[b""]
        self.root = Root(real, top.status, top.extra)

    # Listing -----------------------------------------------------------------------------------

    def _look_at(self, path: bytes) -> tuple[bytes, int]:
        script = b'readlink -f -- "$1" && printf %s. "$(date +%s)"'
        before = time.time_ns()
        with translated():
            done = self._host.run([b"sh", b"-c", script, b"sh", path], timeout=_SMALL_TIMEOUT)
        real, _, seconds = done.stdout.rpartition(b"\n")
        if done.status or not real or not re.fullmatch(rb"\d{1,12}\.", seconds):
            raise not_there(self._host.name, path, None)
        return real, int(seconds[:-1]) * 1_000_000_000 - before

    def _list(self, one_file_system: bool) -> dict[bytes, Found]:
        flag = b"-xdev" if one_file_system else b"-noleaf"
        output, words = self._collect(_FIND, self._path, flag, FIND_FORMAT)
        *records, trailer = output.split(b"\0")
        status = self._read_trailer(trailer, words)
        found = parse_find(records, self.owners)
        self._note_complaints(words, found, is_bad=status != 0)
        return found

    def _read_trailer(self, trailer: bytes, words: bytes) -> int:
        word, _, status = trailer.partition(b" ")
        if word != b"end" or not status.isdigit():
            raise failed(self._host.name, words or b"the listing has no end", None)
        return int(status)

    def _note_complaints(self, words: bytes, found: dict[bytes, Found], *, is_bad: bool) -> None:
        """Match what find complains of with what it lists; the rest is told of the root."""
        explained = any(it.is_closed for it in found.values())
        for line in words.splitlines():
            match = _COMPLAINT.match(line)
            reason = (match[2] if match else line).decode("utf-8", "backslashreplace").strip()
            explained = explained or reason == os.strerror(errno.ENOENT)
            place = match[1].removeprefix(self._path).strip(b"/") if match else None
            entry = None if place is None else found.get(place)
            if entry is not None and stat.S_ISDIR(entry.status.st_mode):
                entry.is_closed, entry.reason, explained = True, reason, True
            elif reason != os.strerror(errno.ENOENT):
                self._complaints.append((place or b"", reason))
        if is_bad and not explained and not self._complaints:
            self._complaints.append((b"", "find failed without a word"))

    def _collect(self, script: bytes, *arguments: bytes, stdin: bytes = b"") -> tuple[bytes, bytes]:
        """Run a script to its end; gives what it printed and said."""
        words: Command = [b"sh", b"-c", script, b"sh", *arguments]
        with translated():
            done = self._host.run(
                words,
                stdin=stdin,
                timeout=self._timeout or 86_400,
                most_bytes=MOST_LISTING_BYTES,
            )
        return done.stdout, done.stderr

    def _add_devices(self) -> None:
        kinds = (stat.S_IFBLK, stat.S_IFCHR)
        devices = [it for it in self._found.items() if stat.S_IFMT(it[1].status.st_mode) in kinds]
        names = b"".join(b"./%s\0" % path for path, _ in devices)
        if not names:
            return
        output, words = self._collect(_RDEV, self._path, stdin=names)
        rows = output.splitlines()
        if len(rows) != len(devices):
            raise failed(self._host.name, words or b"a device has gone", None)
        for (_, entry), row in zip(devices, rows, strict=True):
            entry.set_device(make_device(*row.partition(b" ")[::2]))

    def _add_attributes(self) -> None:
        """Learn the attributes of all but files, with whose contents they come."""
        kinds = (stat.S_IFREG, stat.S_IFSOCK)
        asked = [
            path
            for path, entry in self._found.items()
            if stat.S_IFMT(entry.status.st_mode) not in kinds and not entry.is_closed
        ]
        missing = set(asked)
        for member in self._read_tar(asked):
            if member.path in missing:
                missing.discard(member.path)
                entry = self._found[member.path]
                entry.extra = Extra(entry.extra.target, member.xattrs, member.refusal)
        for path in missing:
            reason = self._refusals.get(path, "its attributes cannot be read")
            self._found[path].extra = Extra(error=OSError(0, reason))

    def list_all(self) -> Iterator[Listed]:
        """See `RemoteTree`."""
        below: dict[bytes, list[bytes]] = {}
        for path in self._found:
            if path:
                below.setdefault(path.rpartition(b"/")[0], []).append(path)
        waiting = [b""] if stat.S_ISDIR(self.root.status.st_mode) else []
        while waiting:
            path = waiting.pop()
            entry = self._found[path]
            if entry.is_closed:
                yield Unlisted(path, OSError(errno.EACCES, entry.reason))
                continue
            paths = sorted(below.pop(path, ()), key=_last)
            yield self._make_folder(path, paths)
            folders = [it for it in paths if stat.S_ISDIR(self._found[it].status.st_mode)]
            waiting += reversed(folders)

    def _make_folder(self, path: bytes, paths: list[bytes]) -> ListedFolder:
        names = [_last(it) for it in paths]
        ensure_names(names, len(paths))
        entries = [self._found[it] for it in paths]
        folder = ListedFolder(path, names, [it.status for it in entries])
        folder.extras.update(
            (name, it.extra)
            for name, it in zip(names, entries, strict=True)
            if not stat.S_ISREG(it.status.st_mode)
        )
        if not path:
            folder.errors.extend((place, OSError(0, why)) for place, why in self._complaints)
        return folder

    # Contents ----------------------------------------------------------------------------------

    def _tar_script(self) -> bytes:
        return _TAR

    def _tar_names(self, paths: Sequence[bytes]) -> bytes:
        return b"".join(b"./%s\0" % path for path in paths)

    def _read_tar(self, paths: Sequence[bytes]) -> Iterator[Member]:
        """Yield what arrives, in order; what is missing there is no error here."""
        if not paths:
            return
        command: Command = [b"sh", b"-c", self._tar_script(), b"sh", self._folder]
        with (
            translated(),
            self._host.start(command, timeout=self._timeout) as process,
        ):
            line = Line(self._host.name, process)
            line.write_apart(self._tar_names(paths))
            yield from read_tar(line, self._holes)
            self._end_tar(line)

    def _end_tar(self, line: Line) -> None:
        status, words = line.end()
        if status not in _TAR_STATUSES:
            raise failed(self._host.name, words or b"tar failed", status)
        for row in words.splitlines():
            match = _COMPLAINT.match(row)
            if match:
                name, _, _ = match[1].partition(b": Cannot")
                self._refusals[name.removeprefix(b"./")] = match[2].decode("utf-8", "replace")

    @property
    def _folder(self) -> bytes:
        is_folder = stat.S_ISDIR(self._found[b""].status.st_mode)
        return self._path if is_folder else os.path.dirname(self._path)

    def fetch(self, wanted: Sequence[Wanted], take: Take) -> list[os.stat_result | OSError]:
        """See `RemoteTree`."""
        self._refusals = {}
        places = {self._name_of(it.path): number for number, it in enumerate(wanted)}
        arrived = set()
        for member in self._read_tar(list(places)):
            number = places.get(member.path)
            if number is None or not member.is_file or number in arrived:
                continue
            if member.refusal is not None:
                self._refusals[member.path] = member.refusal.strerror or ""
                continue
            arrived.add(number)
            take(number, _Arriving(wanted[number].status, member))
        looked = self._look_again(list(places))
        return [
            self._ending(path, looked.get(path), has_arrived=number in arrived)
            for path, number in places.items()
        ]

    def _name_of(self, path: bytes) -> bytes:
        return path or os.path.basename(self._path)

    def _ending(
        self, path: bytes, status: os.stat_result | None, *, has_arrived: bool
    ) -> os.stat_result | OSError:
        if status is None:
            return OSError(errno.ENOENT, os.strerror(errno.ENOENT))
        if not has_arrived:
            return OSError(0, self._refusals.get(path, "tar did not send it"))
        return status

    def _look_again(self, paths: Sequence[bytes]) -> dict[bytes, os.stat_result]:
        names = b"".join(b"./%s\0" % path for path in paths)
        output, _ = self._collect(_STAT, self._folder, STAT_FORMAT, stdin=names)
        return parse_stat(output)

    def finish(self) -> None:
        """Each command has told its own end already."""


class _Arriving:
    """See `Arriving`."""

    def __init__(self, before: os.stat_result, member: Member) -> None:
        self.before = before
        self.xattrs = member.xattrs
        self.readinto = member.content.readinto


def _last(path: bytes) -> bytes:
    return path.rpartition(b"/")[2]
