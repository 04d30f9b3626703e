"""What discovery finds, and the files it reads, here or on a host; no value ever holds a password.

Nothing is executed or written, links stay below the root, and every file is read up to a limit:
what lies on a web server may have been put there by anybody.
"""

import os
import posixpath
import stat
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path

from ops.errors import OpsError
from provisioning.hosts import Completed, Host

Include = Callable[[str], Iterable[str]]
"""Gives the texts of the files that a pattern of a web server's configuration means."""


@dataclass(frozen=True, slots=True)
class VirtualHost:
    """One site of a web server.

    Attributes:
        server: `nginx` or `apache`.
        names: Server names as written, without patterns.
        root: The document root as written; empty where there is none.
        is_secure: Whether it is served encrypted.
    """

    server: str
    names: tuple[str, ...]
    root: str
    is_secure: bool = False


@dataclass(frozen=True, slots=True)
class DatabaseSettings:
    """The database that a content system's configuration names.

    Attributes:
        application: `wordpress`, `mediawiki`, `joomla`, `drupal`, `nukeviet` or `dotenv`; empty
            for a file or a server that no configuration named.
        engine: `mariadb`, `postgresql` or `sqlite`; empty when it is another one.
        database: Its name, or for SQLite the path of its file as written.
        user: Account in the database.
        address: Host; empty for this machine.
        port: Port; None for the usual one.
        socket: Socket; empty for the usual one.
        has_password: Whether the configuration holds a password.
        folders: Whole paths of further folders that the configuration names.
    """

    application: str
    engine: str
    database: str
    user: str = ""
    address: str = ""
    port: int | None = None
    socket: str = ""
    has_password: bool = False
    folders: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Note:
    """Something that was not read, and why.

    Attributes:
        path: The path, the site's names, or the database server.
        reason: `unreadable`, `too_large`, `no_root`, `missing` or `unlisted`.
    """

    path: str
    reason: str


MOST_BYTES = 1 << 20
MOST_ENTRIES = 50_000
MOST_DEPTH = 8
LEFT_OUT_FOLDERS = (".git", "node_modules", "vendor", "cache")
_MOST_LINKS = 40
_WILD = frozenset("*?[")
_SECONDS = 60.0
_ABSENT = 66
_READ = b'[ -f "$1" ] || exit 66; head -c "$2" -- "$1" 2>/dev/null'
_LIST = b'[ -d "$1" ] || exit 66; find "$1/" -mindepth 1 -maxdepth 1 -print0 2>/dev/null'
_RESOLVE = b'readlink -f -- "$1" || printf "%s" "$1"'
_FIND = b'top=$1 most=$2; shift 2; find "$top" "$@" -print0 2>/dev/null | head -c "$most"'
_LONGEST_NAME = 255


class Below:
    """The files below a root, by the paths that a machine booted from there would use.

    Attributes:
        notes: Takes what could not be read.
    """

    def __init__(self, root: Path, notes: list[Note]) -> None:
        self._root = os.path.normpath(root)
        self.notes = notes

    def outer(self, inner: str) -> str:
        """Give where an inner path lies on this machine."""
        return os.path.normpath(f"{self._root}/{inner}")

    def resolve(self, inner: str) -> str | None:
        """Follow every link of a path without leaving the root; None when there is no end."""
        if "\0" in inner:
            return None
        pending, done, links = _steps(inner), list[str](), 0
        while pending:
            step = pending.pop()
            if step == "..":
                del done[-1:]
                continue
            try:
                target = str(Path(self.outer("/".join((*done, step)))).readlink())
            except OSError:
                done.append(step)
                continue
            links += 1
            if links > _MOST_LINKS:
                return None
            if target.startswith("/"):
                done = []
            pending += _steps(target)
        return "/" + "/".join(done)

    def names_in(self, inner: str) -> list[str]:
        """Give the names in a folder, sorted; empty where there is none."""
        resolved = self.resolve(inner)
        try:
            if resolved is None:
                return []
            return sorted(it.name for it in Path(self.outer(resolved)).iterdir())
        except (FileNotFoundError, NotADirectoryError):
            return []
        except OSError:
            self.notes.append(Note(inner, "unreadable"))
            return []

    def is_folder(self, inner: str) -> bool:
        """Tell whether a folder is there."""
        resolved = self.resolve(inner)
        return resolved is not None and Path(self.outer(resolved)).is_dir()

    def read(self, inner: str, limit: int = MOST_BYTES) -> bytes | None:
        """Give a regular file's content; None where there is none, or it cannot be read."""
        resolved = self.resolve(inner)
        if resolved is None:
            return None
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        try:
            descriptor = os.open(self.outer(resolved), flags)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError:
            self.notes.append(Note(inner, "unreadable"))
            return None
        with os.fdopen(descriptor, "rb") as file:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                return None
            return file.read(limit)

    def find(self, top: str, endings: tuple[str, ...]) -> list[str]:
        """Give the files below a folder whose names end so, sorted; gives up somewhere."""
        found: list[str] = []
        waiting, entries = [(top, 0)], 0
        while waiting and entries < MOST_ENTRIES:
            folder, depth = waiting.pop()
            for name in self.names_in(folder):
                entries += 1
                inner = f"{folder}/{name}"
                outer = self.outer(inner)
                if os.path.islink(outer):  # noqa: PTH114 - the path is text already
                    continue
                is_folder = os.path.isdir(outer)  # noqa: PTH112 - the path is text already
                if name.endswith(endings) and not is_folder:
                    found.append(inner)
                elif is_folder and depth < MOST_DEPTH and name not in LEFT_OUT_FOLDERS:
                    waiting.append((inner, depth + 1))
        return sorted(found)


def _steps(path: str) -> list[str]:
    return [step for step in reversed(path.split("/")) if step not in {"", "."}]


class FilesOnHost:
    """The files of a host, as `Below` gives them: with `cat`, `find` and the like, over the seam.

    A path that a host's configuration names goes there as one word and never as a line of shell.
    Raises, in every method, what `provisioning.hosts.Host.run` raises, and `OpsError`.
    """

    def __init__(self, host: Host, notes: list[Note]) -> None:
        self.notes = notes
        self._host = host
        self.names_in = cache(self._names_in)  # each question is a journey
        self.is_folder = cache(self._is_folder)

    def resolve(self, inner: str) -> str | None:
        """See `Below.resolve`."""
        if "\0" in inner:
            return None
        return os.fsdecode(self._ask(_RESOLVE, inner).stdout.removesuffix(b"\n")) or None

    def _names_in(self, inner: str) -> Sequence[str]:
        answer = self._ask(_LIST, inner)
        if answer.status not in {0, _ABSENT}:
            self.notes.append(Note(inner, "unreadable"))
        paths = [os.fsdecode(it) for it in answer.stdout.split(b"\0") if it]
        return sorted(path.rpartition("/")[2] for path in paths)

    def _is_folder(self, inner: str) -> bool:
        return self._ask(b'[ -d "$1" ]', inner).status == 0

    def read(self, inner: str, limit: int = MOST_BYTES) -> bytes | None:
        """See `Below.read`."""
        answer = self._ask(_READ, inner, str(limit))
        if answer.status not in {0, _ABSENT}:
            self.notes.append(Note(inner, "unreadable"))
        return None if answer.status else answer.stdout

    def find(self, top: str, endings: tuple[str, ...]) -> list[str]:
        """See `Below.find`; mounted file systems are left alone."""
        left_out = _any_of(LEFT_OUT_FOLDERS)
        wanted = _any_of([f"*{ending}" for ending in endings])
        words = ["-xdev", "-maxdepth", str(MOST_DEPTH + 1), "(", *left_out, ")", "-prune", "-o",
                 "-type", "f", "(", *wanted, ")"]  # fmt: skip
        answer = self._ask(_FIND, top, str(MOST_ENTRIES * _LONGEST_NAME), *words)
        return sorted(os.fsdecode(it) for it in answer.stdout.split(b"\0")[:-1])

    def _ask(self, script: bytes, *words: str) -> Completed:
        return ask(self._host, script, *words)


def ask(host: Host, script: bytes, *words: str) -> Completed:
    """Run a script of our own with words that may come from anywhere.

    Raises:
        OpsError: The account there runs a few commands only.
    """
    arguments = [os.fsencode(word.replace("\0", "")) for word in words]
    answer = host.run([b"sh", b"-c", script, b"sh", *arguments], timeout=_SECONDS)
    if answer.is_refused_by_gate:
        raise OpsError(
            "the host {host} does not let this account look around",
            why="the account runs the few commands of a backup, and no others",
            data="nothing was read or changed",
            next_step="look with an account that has a shell, or run `{program} estate.discover`"
            " on the host itself",
            host=host.name,
        )
    return answer


def _any_of(names: Sequence[str]) -> list[str]:
    words = [word for name in names for word in ("-o", "-name", name)]
    return words[1:]


Files = Below | FilesOnHost
"""A machine's files, by the paths that the machine itself uses."""


def read_text(files: Files, inner: str) -> str | None:
    """Give a file as text, undecodable bytes replaced; a longer one is noted and left out."""
    content = files.read(inner, MOST_BYTES + 1)
    if content is None:
        return None
    if len(content) > MOST_BYTES:
        files.notes.append(Note(inner, "too_large"))
        return None
    return content.decode("utf-8", "replace")


def expand(files: Files, pattern: str) -> Iterator[str]:
    """Yield the paths that a pattern with `*`, `?` or `[...]` means, sorted, as glob does."""
    found = ["/"]
    for step in [step for step in pattern.split("/") if step not in {"", "."}]:
        if not _WILD & set(step):
            found = [posixpath.join(place, step) for place in found]
            continue
        found = [
            posixpath.join(place, name)
            for place in found
            for name in files.names_in(place)
            if fnmatchcase(name, step) and name.startswith(".") == step.startswith(".")
        ]
    yield from found
