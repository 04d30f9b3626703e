"""The local scan cache: which folder contents have which tree.

For each folder that a finished or checkpointed run met, it maps a digest over the folder's lstat
rows (and its subfolders' tree ids) to the tree's id, so that an unchanged folder needs neither its
old tree nor any JSON. It is only a memory of what is in the repository: losing it costs time.

A cache counts only for the very repository, source, excludes and options it was made for, and only
while every index file of then is still there. Otherwise blobs may be gone, and every content id is
looked up in the index again.

File: magic, a BLAKE2b-256 of the rest; then JSON with the key and the index files' ids, its length
in front (uint32); then 16 + 32 bytes a folder.

The digest of a folder's contents as lstat tells them: the key of the scan cache.
"""

import hashlib
import json
import marshal
import os
import struct
from collections.abc import Iterable
from contextlib import suppress
from operator import attrgetter
from pathlib import Path

from backup.archiver.request import BackupRequest
from backup.archiver.walk_state import Folder, FolderHead
from backup.format.tree import Node
from backup.sources.remote.open import RemoteSource
from backup.sources.source import FolderSource

_MAGIC = b"giucong scan cache 2\n"
_SUM = 32
_LENGTH = struct.Struct("<I")
DIGEST = 16
_ROW = DIGEST + 32


class ScanCache:
    """Digest to tree id, for one source of one repository.

    Attributes:
        entries: Digest (16 bytes) to tree id.
        tree_ids: All tree ids in it; these are in the repository.
    """

    def __init__(self, path: Path | None, key: str) -> None:
        """Set up an empty one.

        Args:
            path: Its file; None for one that is never stored.
            key: Everything but the folders' contents that decides about trees.
        """
        self._path = path
        self._key = key
        self.entries: dict[bytes, bytes] = {}
        self.tree_ids: frozenset[bytes] = frozenset()

    @classmethod
    def load(cls, folder: Path | None, key: str, index_files: Iterable[str]) -> "ScanCache":
        """Read the cache; an empty one where there is none, or it does not count any more."""
        name = hashlib.sha256(key.encode("utf-8", "surrogateescape")).hexdigest()[:32]
        cache = cls(None if folder is None else folder / f"scan-{name}", key)
        if cache._path is not None:
            with suppress(OSError, ValueError, KeyError, struct.error):
                cache._parse(cache._path.read_bytes(), frozenset(index_files))
        return cache

    def _parse(self, raw: bytes, index_files: frozenset[str]) -> None:
        start = len(_MAGIC) + _SUM
        body = memoryview(raw)[start:]
        if raw[:start] != _MAGIC + hashlib.blake2b(body, digest_size=_SUM).digest():
            return
        (length,) = _LENGTH.unpack_from(body)
        rows = bytes(body[_LENGTH.size + length :])
        head = json.loads(bytes(body[_LENGTH.size : _LENGTH.size + length]))
        if head["key"] != self._key or not index_files.issuperset(head["index"]):
            return
        self.entries = {
            rows[at : at + DIGEST]: rows[at + DIGEST : at + _ROW]
            for at in range(0, len(rows), _ROW)
        }
        self.tree_ids = frozenset(self.entries.values())

    def store(self, entries: dict[bytes, bytes], index_files: Iterable[str]) -> None:
        """Replace the cache's file as a whole; a failure is no matter, it is only a cache."""
        if self._path is None:
            return
        head = json.dumps({"key": self._key, "index": sorted(index_files)}).encode()
        rows = b"".join([digest + tree_id for digest, tree_id in entries.items()])
        body = _LENGTH.pack(len(head)) + head + rows
        total = hashlib.blake2b(body, digest_size=_SUM).digest()
        temporary = self._path.with_name(f"{self._path.name}.{os.getpid()}.tmp")
        with suppress(OSError):
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            temporary.write_bytes(_MAGIC + total + body)
            temporary.replace(self._path)


_MARSHAL_VERSION = 2  # later ones write the same value in different ways
_DECIDING = attrgetter(
    "st_mode", "st_ino", "st_nlink", "st_uid", "st_gid", "st_size", "st_mtime_ns", "st_ctime_ns"
)


def digest_folder(folder: Folder) -> bytes:
    """Hash everything of a folder that decides about its tree; its subfolders' trees are known.

    Names, types, modes, owners, sizes, inodes, link counts, modification and change times; other
    attributes cannot change without the change time. st_dev is left out, since it changes when a
    file system is mounted again; the cache's own key has that of the source.
    """
    subtrees = [
        outcome if isinstance(outcome, bytes) else outcome.subtree
        for outcome in folder.outcomes
        if isinstance(outcome, bytes | Node | FolderHead)
    ]
    # No pairs of name and status: that would be one more tuple for each file there is.
    rows = (folder.names, list(map(_DECIDING, folder.stats)), subtrees)
    return hashlib.blake2b(marshal.dumps(rows, _MARSHAL_VERSION), digest_size=DIGEST).digest()


def cache_key(request: BackupRequest) -> str:
    """Everything but the files themselves that decides about trees."""
    parts: list[object] = [request.hostname, request.paths]
    for mount in request.mounts:
        source = mount.source
        if isinstance(source, FolderSource):
            with suppress(OSError):
                parts.append(os.lstat(source.path).st_dev)
            parts += [mount.at, source.path, source.one_file_system, source.with_atime]
            parts += [sorted(source.also_enter), source.is_mount_point]
            parts.append(source.options_key)
        elif isinstance(source, RemoteSource):
            parts += [mount.at, source.host, source.folder.path]
            parts += [source.folder.one_file_system, source.folder.options_key]
    for names in ("/etc/passwd", "/etc/group"):
        with suppress(OSError):
            parts.append(os.stat(names).st_mtime_ns)
    return repr(parts)
