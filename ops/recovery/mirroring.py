"""Give a mirror the objects of a repository that it lacks, byte for byte."""

from contextlib import suppress

from backup.errors import ObjectExistsError
from backup.stores.base import Store

_MIRRORED = ("keys", "data", "index", "snapshots", "config")
"""In the order in which restic writes them: what is pointed to comes first."""


def copy_objects(source: Store, target: Store) -> int:
    """Copy a repository's objects as they are, those first that others point to.

    Returns:
        How many the target lacked.
    """
    there = {info.key for info in target.list("")}
    lacking = [info.key for info in source.list("") if _rank(info.key) is not None]
    lacking = sorted(set(lacking) - there, key=lambda key: (_rank(key), key))
    for key in lacking:
        with suppress(ObjectExistsError):
            target.write(key, source.read(key))
    return len(lacking)


def _rank(key: str) -> int | None:
    folder = key.partition("/")[0]
    return _MIRRORED.index(folder) if folder in _MIRRORED else None
