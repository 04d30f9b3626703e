"""Look at a machine's files, or at those below another root: what is served from where.

Nothing is executed or written, links stay below the root, and every file is read up to a limit:
what lies on a web server may have been put there by anybody.
"""

import os
import posixpath
import stat
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from ops.estate.discovery.apache import parse_apache
from ops.estate.discovery.applications import PARSERS
from ops.estate.discovery.findings import DatabaseSettings, VirtualHost
from ops.estate.discovery.nginx import parse_nginx

_SERVERS = (
    ("/etc/nginx/sites-enabled", "", parse_nginx),
    ("/etc/nginx/conf.d", ".conf", parse_nginx),
    ("/etc/apache2/sites-enabled", "", parse_apache),
    ("/etc/httpd/conf.d", ".conf", parse_apache),
)
_PUBLIC_FOLDERS = ("public", "web", "html", "public_html", "htdocs", "www")
_LEFT_OUT_FOLDERS = {".git", "node_modules", "vendor", "cache"}
_SQLITE_ENDINGS = (".sqlite", ".sqlite3", ".db", ".db3")
_SQLITE_MAGIC = b"SQLite format 3\x00"  # sqlite.org/fileformat.html, 1.3
_MOST_BYTES = 1 << 20
_MOST_LINKS = 40
_MOST_ENTRIES = 50_000
_MOST_DEPTH = 8


@dataclass(frozen=True, slots=True)
class Note:
    """Something that was not read, and why: `unreadable`, `too_large`, `no_root`, `missing`."""

    path: str
    reason: str


@dataclass(frozen=True, slots=True)
class FoundSite:
    """One folder that is served.

    Attributes:
        names: Server names, without duplicates, in the order they were met.
        server: `nginx` or `apache`.
        server_folder: The web server's configuration folder.
        path: The folder to save: the document root, or the one above it where the content
            system's configuration lies.
        databases: What configurations and files tell of databases; paths are absolute.
    """

    names: tuple[str, ...]
    server: str
    server_folder: str
    path: str
    databases: tuple[DatabaseSettings, ...]


@dataclass(slots=True)
class Looked:
    """What was found, and what could not be read."""

    sites: list[FoundSite] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)


class Below:
    """The files below a root, by the paths that a machine booted from there would use."""

    def __init__(self, root: Path, notes: list[Note]) -> None:
        self._root = os.path.normpath(root)
        self._notes = notes

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

    def list(self, inner: str) -> list[str]:
        """Give the names in a folder, sorted; empty where there is none."""
        resolved = self.resolve(inner)
        try:
            if resolved is None:
                return []
            return sorted(it.name for it in Path(self.outer(resolved)).iterdir())
        except (FileNotFoundError, NotADirectoryError):
            return []
        except OSError:
            self._notes.append(Note(inner, "unreadable"))
            return []

    def is_folder(self, inner: str) -> bool:
        """Tell whether a folder is there."""
        resolved = self.resolve(inner)
        return resolved is not None and Path(self.outer(resolved)).is_dir()

    def read(self, inner: str, limit: int = _MOST_BYTES) -> bytes | None:
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
            self._notes.append(Note(inner, "unreadable"))
            return None
        with os.fdopen(descriptor, "rb") as file:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                return None
            return file.read(limit)

    def read_text(self, inner: str) -> str | None:
        """Give a file as text, undecodable bytes replaced; a longer one is noted and left out."""
        content = self.read(inner, _MOST_BYTES + 1)
        if content is None:
            return None
        if len(content) > _MOST_BYTES:
            self._notes.append(Note(inner, "too_large"))
            return None
        return content.decode("utf-8", "replace")


def _steps(path: str) -> list[str]:
    return [step for step in reversed(path.split("/")) if step not in {"", "."}]


def look_around(root: Path) -> Looked:
    """Find what the web servers of a machine serve.

    Args:
        root: Where the machine's files lie; `/` for this machine.
    """
    looked = Looked()
    below = Below(root, looked.notes)
    found: dict[str, FoundSite] = {}
    for host, folder in _virtual_hosts(below):
        served = below.resolve(host.root) if host.root.startswith("/") else None
        if served in {None, "/"} or "$" in host.root:
            looked.notes.append(Note(" ".join(host.names) or folder, "no_root"))
        elif not below.is_folder(served or ""):
            looked.notes.append(Note(served or "", "missing"))
        else:
            _take(below, found, served or "", host, folder)
    looked.sites.extend(found.values())
    return looked


def _virtual_hosts(below: Below) -> Iterator[tuple[VirtualHost, str]]:
    seen: set[str | None] = set()
    for folder, ending, parse in _SERVERS:
        for name in below.list(folder):
            file = below.resolve(f"{folder}/{name}")
            if not name.endswith(ending) or name.startswith(".") or file in seen:
                continue
            seen.add(file)
            text = below.read_text(f"{folder}/{name}")
            for host in parse(text) if text is not None else ():
                yield host, posixpath.dirname(folder)


def _take(
    below: Below, found: dict[str, FoundSite], served: str, host: VirtualHost, folder: str
) -> None:
    known = found.get(served)
    if known is not None:
        names = tuple(dict.fromkeys((*known.names, *host.names)))
        found[served] = replace(known, names=names)
        return
    path, named = _find_settings(below, served)
    files = [] if any(it.engine == "sqlite" for it in named) else _find_sqlite(below, path)
    stored = [DatabaseSettings("", "sqlite", file) for file in files]
    names = tuple(dict.fromkeys(host.names))
    found[served] = FoundSite(names, host.server, folder, path, (*named, *stored))


def _find_settings(below: Below, served: str) -> tuple[str, list[DatabaseSettings]]:
    """Give the folder to save and what the configuration in it, or just above it, names."""
    above, base = posixpath.split(served)
    places = [served, above] if base in _PUBLIC_FOLDERS and above != "/" else [served]
    for place in places:
        for name, parse in PARSERS.items():
            text = below.read_text(f"{place}/{name}")
            settings = parse(text) if text is not None else None
            if settings is not None:
                return place, [_with_absolute_file(settings, place)]
    return served, []


def _with_absolute_file(settings: DatabaseSettings, place: str) -> DatabaseSettings:
    if settings.engine != "sqlite":
        return settings
    return replace(settings, database=posixpath.normpath(posixpath.join(place, settings.database)))


def _find_sqlite(below: Below, top: str) -> list[str]:
    """Find SQLite files by their first bytes; gives up beyond a number of entries."""
    found: list[str] = []
    waiting, entries = [(top, 0)], 0
    while waiting and entries < _MOST_ENTRIES:
        folder, depth = waiting.pop()
        for name in below.list(folder):
            entries += 1
            inner = f"{folder}/{name}"
            outer = below.outer(inner)
            if os.path.islink(outer):  # noqa: PTH114 - the path is text already
                continue
            if name.endswith(_SQLITE_ENDINGS) and below.read(inner, 16) == _SQLITE_MAGIC:
                found.append(inner)
            elif depth < _MOST_DEPTH and name not in _LEFT_OUT_FOLDERS and os.path.isdir(outer):  # noqa: PTH112 - the path is text already
                waiting.append((inner, depth + 1))
    return sorted(found)
