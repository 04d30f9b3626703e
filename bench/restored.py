"""Prove that what a peer restored is what was backed up."""

import os
from pathlib import Path

from bench.measure import Command, run


class DifferentError(Exception):
    """The restored tree is not the source."""


def compare_trees(source: Path, restored: Path) -> None:
    """Compare names, sizes, permissions, modification times and every byte.

    Raises:
        DifferentError: Something differs in name, size, permission or time.
        CommandFailedError: A content differs.
    """
    wanted, found = _list_entries(source), _list_entries(restored)
    if wanted != found:
        names = sorted(name for name, _ in set(wanted.items()) ^ set(found.items()))
        raise DifferentError(f"{len(names)} entries differ below {restored}, first {names[:3]}")
    run(Command(("diff", "-r", "--no-dereference", str(source), str(restored))))


def _list_entries(root: Path) -> dict[str, tuple[int, int, int]]:
    """Return mode, size and nanoseconds of modification by path; folders have size 0."""
    entries: dict[str, tuple[int, int, int]] = {}
    for folder, folders, files in os.walk(root):
        for name in (*folders, *files):
            path = os.path.join(folder, name)  # noqa: PTH118 - several times faster than Path
            status = os.lstat(path)
            size = 0 if name in folders else status.st_size
            entries[os.path.relpath(path, root)] = (status.st_mode, size, status.st_mtime_ns)
    return entries
