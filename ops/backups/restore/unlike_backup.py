"""What lies in a site's folders and is not as in the backup that is put back there.

Files that are newer than the backup are told before it is put over them. What the snapshot does not
have is left where it is: somebody's new uploads lie there, and so does what an attacker has
planted; a person has to tell the two apart, so each is named. What backups leave out is passed
over.
"""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from backup.format.tree import Node
from backup.restorer.request import PathFilter
from backup.snapshots.walk import PathNotFoundError, TreeReader, find_entry
from ops.backups.sources.site import compile_excludes, find_live_files
from ops.estate.model.sites import FilesPart, Site
from ops.language.formats import format_number
from ops.language.text import _, ngettext, show_path
from ops.terminal.output import write_line
from provisioning.hosts import Host

_SECONDS = 900.0
_MOST_BYTES = 1 << 20
_MOST_SHOWN = 10

# GNU find; what another one answers is told. The rows are cut off: a host in bad hands has many.
_LOOK = b"""
cd "$1" 2>/dev/null || exit 0
find . -xdev -type f -newermt "$2" -printf '%T@ %P\\0' | head -c "$3"
"""


@dataclass(frozen=True, slots=True)
class NewerFiles:
    """What was written after the backup, paths below the folder.

    Attributes:
        overwritten: The backup has an older one.
        staying: The backup has none, so they are left where they are.
        is_all: Whether all were looked at.
    """

    overwritten: tuple[bytes, ...]
    staying: tuple[bytes, ...]
    is_all: bool


@dataclass(frozen=True, slots=True)
class Search:
    """Where to look, and what for.

    Attributes:
        reader: Of the repository.
        tree: The snapshot's.
        folder: Path of the part in the snapshot, with a slash in front.
        top: The folder where it lies.
        since: When the backup began; aware.
        is_left_out: Whether backups leave a path out, which begins with a slash.
    """

    reader: TreeReader
    tree: bytes
    folder: bytes
    top: bytes
    since: datetime
    is_left_out: Callable[[bytes], bool]


def find_newer(look: Search, host: Host) -> NewerFiles | None:
    """Look for files that changed since a moment; None where the host cannot tell.

    Args:
        look: Where and what for.
        host: Has the files.

    Raises:
        ProvisioningError: The host cannot be entered.
    """
    moment = look.since.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC").encode()
    words = (b"sh", b"-c", _LOOK, b"sh", look.top, moment, b"%d" % _MOST_BYTES)
    ended = host.run(words, timeout=_SECONDS, most_bytes=2 * _MOST_BYTES)
    if ended.status != 0 or (ended.stderr.strip() and not ended.stdout):
        return None
    overwritten, staying = [], []
    rows = ended.stdout.split(b"\0")
    for written_at, path in _read_rows(rows[:-1]):
        if look.is_left_out(b"/" + path):
            continue
        node = _find_node(look.reader, look.tree, b"%b/%b" % (look.folder, path))
        if node is None:
            staying.append(path)
        elif node.mtime != written_at:
            overwritten.append(path)
    return NewerFiles(tuple(overwritten), tuple(staying), len(ended.stdout) < _MOST_BYTES)


def _read_rows(rows: list[bytes]) -> Iterator[tuple[int, bytes]]:
    """Yield nanoseconds and path of each row that is one."""
    for row in rows:
        told, _blank, path = row.partition(b" ")
        seconds, _dot, fraction = told.partition(b".")
        if path and seconds.isdigit() and fraction.isdigit():
            yield int(seconds) * 1_000_000_000 + int(fraction[:9].ljust(9, b"0")), path


def _find_node(reader: TreeReader, tree: bytes, path: bytes) -> Node | None:
    try:
        entry = find_entry(reader, tree, path)
    except PathNotFoundError:
        return None
    return entry.node if entry else None


def tell_newer(newer: NewerFiles | None, place: str) -> None:
    """Say on the terminal what is newer than the backup."""
    if newer is None:
        text = _("  {place}: nobody could say which files are newer than the backup")
        write_line(text, place=place)
        return
    for paths, text in (
        (newer.overwritten, _("  {place}: newer than the backup, and overwritten: {count}")),
        (newer.staying, _("  {place}: newer than the backup, not in it, left alone: {count}")),
    ):
        if paths:
            count = format_number(len(paths)) + ("" if newer.is_all else "+")
            write_line(text, place=place, count=count)
        for path in paths[:_MOST_SHOWN]:
            write_line(f"    {show_path(path)}")
        if len(paths) > _MOST_SHOWN:
            write_line("    …")
    if not newer.overwritten and not newer.staying:
        write_line(_("  {place}: no file is newer than the backup"), place=place)


MOST_NAMED = 20


@dataclass(slots=True)
class LeftThere:
    """Entries that the snapshot does not have; a folder counts once, with all that it holds.

    Attributes:
        count: How many.
        newest: The last changed of them, newest first: time in nanoseconds, path below the part.
    """

    count: int = 0
    newest: list[tuple[int, bytes]] = field(default_factory=list)

    def add(self, changed: int, path: bytes) -> None:
        """Take one in."""
        self.count += 1
        self.newest.append((changed, path))
        if len(self.newest) > 2 * MOST_NAMED:
            self._cut()

    def _cut(self) -> None:
        self.newest.sort(reverse=True)
        del self.newest[MOST_NAMED:]

    def paths(self) -> list[str]:
        """Give the names that are told."""
        self._cut()
        return [show_path(path) for _changed, path in self.newest]


def find_left_there(
    reader: TreeReader, tree: bytes, top: Path, is_wanted: PathFilter | None, passed: "Passed"
) -> LeftThere:
    """Look what lies below a folder and not in its tree.

    Args:
        reader: Of the repository.
        tree: The folder's, in the snapshot.
        top: The folder.
        is_wanted: What was restored of it; None for everything.
        passed: What backups leave out.

    Raises:
        DamagedError: A tree cannot be read.
    """
    found = LeftThere()
    pending: list[tuple[bytes, bytes]] = [(b"", tree)]
    while pending:
        below, subtree = pending.pop()
        nodes = {node.name: node for node in reader.load(subtree)}
        for entry in _entries(os.fsencode(top) + below):
            path = below + b"/" + entry.name
            node = nodes.get(entry.name)
            if node is not None and _is_folder_in_both(entry, node):
                pending.append((path, node.subtree or b""))
            elif node is None and not passed.has(path) and _chooses(is_wanted, path):
                found.add(_changed(entry), path)
    return found


def _is_folder_in_both(entry: "os.DirEntry[bytes]", node: Node) -> bool:
    return node.subtree is not None and entry.is_dir(follow_symlinks=False)


def _changed(entry: "os.DirEntry[bytes]") -> int:
    try:
        return entry.stat(follow_symlinks=False).st_mtime_ns
    except OSError:  # it went meanwhile
        return 0


def _chooses(is_wanted: PathFilter | None, path: bytes) -> bool:
    return is_wanted is None or is_wanted.match(path)


def _entries(folder: bytes) -> Iterator["os.DirEntry[bytes]"]:
    try:
        with os.scandir(folder) as entries:
            yield from entries
    except OSError:  # it went meanwhile, or nobody may look
        return


@dataclass(frozen=True, slots=True)
class Passed:
    """What backups of a folder leave out: patterns, and the files of live databases."""

    patterns: PathFilter
    live: frozenset[bytes]

    @classmethod
    def of(cls, site: Site, part: FilesPart, top: Path) -> "Passed":
        """Give what is left out of a part that lies at `top`, links followed."""
        place = os.fsencode(top)
        live = frozenset(it[len(place) :] for it in find_live_files(site, place))
        texts = (*site.exclude, *part.exclude)
        return cls(compile_excludes(texts, os.fsencode(part.path)), live)

    def has(self, path: bytes) -> bool:
        """Say whether a path below the folder is left out."""
        return path in self.live or self.patterns.match(path)


def write_left_there(found: LeftThere, top: Path) -> None:
    """Name what stays; nothing where there is none."""
    if not found.count:
        return
    text = ngettext(
        "  not in the backup, so it stays: {count} entry in {top}; the last changed:",
        "  not in the backup, so they stay: {count} entries in {top}; the last changed:",
        found.count,
    )
    write_line(text, count=found.count, top=top)
    for path in found.paths():
        write_line(f"    {path}")
    write_line(_("  look at them before the site starts again: after an attack one may be planted"))
