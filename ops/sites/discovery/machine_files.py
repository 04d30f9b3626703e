"""The files of a machine as discovery reads them: below a root on this machine.

Nothing is executed or written, links stay below the root, and every file is read up to a limit:
what lies on a web server may have been put there by anybody. `host_files` reads another machine's.
"""

import os
import posixpath
import stat
from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Protocol

from ops.sites.discovery.findings import Note

MOST_BYTES = 1 << 20
MOST_ENTRIES = 50_000
MOST_DEPTH = 8
LEFT_OUT_FOLDERS = (".git", "node_modules", "vendor", "cache")
_MOST_LINKS = 40
_WILD = frozenset("*?[")


class Files(Protocol):
    """A machine's files, by the paths that the machine itself uses.

    Attributes:
        notes: Takes what could not be read.
    """

    notes: list[Note]

    def resolve(self, inner: str) -> str | None:
        """Follow every link of a path; None when there is no end."""
        ...

    def names_in(self, inner: str) -> Sequence[str]:
        """Give the names in a folder, sorted; empty where there is none."""
        ...

    def is_folder(self, inner: str) -> bool:
        """Tell whether a folder is there."""
        ...

    def read(self, inner: str, limit: int = MOST_BYTES) -> bytes | None:
        """Give a regular file's content; None where there is none, or it cannot be read."""
        ...

    def find(self, top: str, endings: tuple[str, ...]) -> Sequence[str]:
        """Give the files below a folder whose names end so, sorted; gives up somewhere."""
        ...


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


class Below:
    """The files below a root, by the paths that a machine booted from there would use."""

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
        """See `Files.find`."""
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
