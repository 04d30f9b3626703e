"""Compares a restored folder with its source: bytes, and everything a Linux tree holds besides."""

import contextlib
import os
import sqlite3
import stat
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple


class Entry(NamedTuple):
    """What must be equal for one path.

    Attributes:
        mode: Type, permissions and special bits (`st_mode`).
        owner: User and group id.
        modified_ns: Modification time in nanoseconds; 0 for folders whose entries left out
            of the comparison change it.
        content: Bytes of a file, target of a symbolic link, empty for the rest.
        attributes: Extended attributes in order of name.
        linked_with: Other paths that are the same file, in order.
    """

    mode: int
    owner: tuple[int, int]
    modified_ns: int
    content: bytes
    attributes: tuple[tuple[str, bytes], ...]
    linked_with: tuple[bytes, ...]


def compare_trees(source: Path, restored: Path, *, leave_out: frozenset[str]) -> list[str]:
    """Compare two folders.

    Args:
        source: The original.
        restored: What came back.
        leave_out: Relative paths that belong to neither, e.g. a live database's files.

    Returns:
        One line for each difference, in order of path; empty when the trees are equal.
    """
    before, after = _read_tree(source, leave_out), _read_tree(restored, leave_out)
    differences = []
    for path in sorted(before.keys() | after.keys()):
        name = os.fsdecode(path)
        if path not in after:
            differences.append(f"{name}: missing")
        elif path not in before:
            differences.append(f"{name}: not in the source")
        else:
            pairs = zip(Entry._fields, before[path], after[path], strict=True)
            differences += [f"{name}: {field} differs" for field, old, new in pairs if old != new]
    return differences


def compare_databases(source: Path, restored: Path) -> list[str]:
    """Compare two SQLite databases row by row; the restored one must also prove sound."""
    with _open_database(restored) as database:
        verdict = database.execute("PRAGMA integrity_check").fetchone()[0]
        after = list(database.iterdump())
    if verdict != "ok":
        return [f"{restored.name}: {verdict}"]
    with _open_database(source) as database:
        before = list(database.iterdump())
    return [] if before == after else [f"{restored.name}: rows differ"]


def count_files(folder: Path, *, leave_out: frozenset[str]) -> tuple[int, int]:
    """Count the regular files of a folder and their bytes."""
    sizes = [
        path.lstat().st_size
        for path in folder.rglob("*")
        if stat.S_ISREG(path.lstat().st_mode) and str(path.relative_to(folder)) not in leave_out
    ]
    return len(sizes), sum(sizes)


@contextlib.contextmanager
def _open_database(path: Path) -> Iterator[sqlite3.Connection]:
    with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as database:
        yield database


def _read_tree(root: Path, leave_out: frozenset[str]) -> dict[bytes, Entry]:
    """Read what must be equal, by path relative to `root`."""
    found: dict[bytes, os.stat_result] = {}
    for path in [root, *root.rglob("*")]:
        if str(path.relative_to(root)) not in leave_out:
            found[os.fsencode(path.relative_to(root))] = path.lstat()
    names: dict[tuple[int, int], list[bytes]] = defaultdict(list)
    for relative, status in found.items():
        if not stat.S_ISDIR(status.st_mode):
            names[status.st_dev, status.st_ino].append(relative)
    touched = {os.fsencode(Path(path).parent) for path in leave_out}
    return {
        relative: Entry(
            mode=status.st_mode,
            owner=(status.st_uid, status.st_gid),
            modified_ns=0 if relative in touched else status.st_mtime_ns,
            content=_read_content(root / os.fsdecode(relative), status),
            attributes=_read_attributes(root / os.fsdecode(relative)),
            linked_with=tuple(sorted(names[status.st_dev, status.st_ino])),
        )
        for relative, status in found.items()
    }


def _read_content(path: Path, status: os.stat_result) -> bytes:
    if stat.S_ISREG(status.st_mode):
        return path.read_bytes()
    if stat.S_ISLNK(status.st_mode):
        return os.fsencode(path.readlink())
    return b""


def _read_attributes(path: Path) -> tuple[tuple[str, bytes], ...]:
    with contextlib.suppress(OSError):  # a file system without attributes has none to lose
        names = sorted(os.listxattr(path, follow_symlinks=False))
        return tuple((name, os.getxattr(path, name, follow_symlinks=False)) for name in names)
    return ()
