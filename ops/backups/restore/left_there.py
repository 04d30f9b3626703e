"""What a restore in place leaves where it is because the snapshot does not have it.

Somebody's new uploads lie there, and so does what an attacker has planted; a person has to tell the
two apart, so each is named. What backups leave out by pattern is passed over.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from backup.format.tree import Node
from backup.restorer.request import PathFilter
from backup.snapshots.walk import TreeReader
from ops.backups.sources.site import compile_excludes, find_live_files
from ops.estate.model.sites import FilesPart, Site
from ops.language.formats import format_number
from ops.language.text import _, ngettext, show_path
from ops.terminal.output import write_line

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
    write_line(text.format(count=format_number(found.count), top=top))
    for path in found.paths():
        write_line(f"    {path}")
    write_line(_("  look at them before the site starts again: after an attack one may be planted"))
