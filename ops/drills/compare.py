"""Compare a restored folder with the snapshot's tree: every name, every byte, all metadata.

The content of each file is hashed blob by blob and held against the ids in the tree, which are
SHA-256 of what was read from the source; so equal means: equal to the original. Meanwhile a list is
made as `sha256sum` writes it. It is what this line prints, in the restored folder, and its own
SHA-256 is the evidence that is kept:

    find SITE -type f -print0 | LC_ALL=C sort -z | xargs -0 sha256sum

Names that are no UTF-8 or hold a line feed are escaped there as sha256sum does.
"""

import hashlib
import os
import stat
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from backup.errors import DamagedError
from backup.format.tree import NODE_TYPES, Node, unix_permissions
from backup.snapshots.walk import Entry, TreeReader, walk
from ops.backups.malware.scan import show_path

MOST_NAMED = 50
"""Differences that are named; of more only the number is given."""

_PIECE = 1 << 20
_READ_FLAGS = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_ANYBODYS = ("user.", "system.posix_acl_")
_ROOTS = (*_ANYBODYS, "trusted.", "security.capability")
"""Attributes that a restore sets, by who restores; others belong to the machine."""


Tree = tuple[bytes, Callable[[bytes], bool]]
"""Id of a snapshot's root tree; whether an entry is to be there by its path."""


@dataclass(frozen=True, slots=True)
class EntryDifference:
    """One thing that is not as the snapshot has it.

    Attributes:
        path: In the snapshot, on one line.
        what: `missing`, `extra`, `type`, `content`, `unreadable`, `mode`, `owner`, `mtime`,
            `attributes`, `target`, `device` or `links`; of a folder in the repository `tree`.
    """

    path: str
    what: str


@dataclass(frozen=True, slots=True)
class Newest:
    """Which files tell how new a copy is.

    Attributes:
        below: Only those below this path: dumps and the manifest are as new as the backup itself.
        until_ns: Only those that do not claim to be younger than the backup, in nanoseconds.
    """

    below: bytes
    until_ns: int

    def counts(self, entry: Entry) -> bool:
        """Tell whether a file counts."""
        return entry.node.mtime <= self.until_ns and entry.path.startswith(self.below)


@dataclass(slots=True)
class Comparison:
    """What a comparison has found.

    Attributes:
        entries: Entries of the tree, of every type.
        files, folders, links: Of these, how many are files, folders, symbolic links.
        size_bytes: Content of all files.
        equal_files: Files whose every byte is as it was saved.
        equal_entries: Entries that are as they were in everything that was compared.
        owners_compared: Whether owners were: only root can give files away.
        attributes_compared: Whether extended attributes were: some file systems keep none.
        differences: The first of them, in the order of the tree.
        difference_count: How many there are.
        hash_list: SHA-256 of the list of hashes, in hexadecimal.
        newest_file_ns: Modification time of the newest file, in nanoseconds; 0 without one.
    """

    entries: int = 0
    files: int = 0
    folders: int = 0
    links: int = 0
    size_bytes: int = 0
    equal_files: int = 0
    equal_entries: int = 0
    owners_compared: bool = False
    attributes_compared: bool = False
    differences: list[EntryDifference] = field(default_factory=list)
    difference_count: int = 0
    hash_list: str = ""
    newest_file_ns: int = 0

    def differ(self, path: bytes, what: str) -> None:
        """Take note of a difference."""
        self.difference_count += 1
        if len(self.differences) < MOST_NAMED:
            self.differences.append(EntryDifference(show_path(path), what))

    def as_values(self) -> dict[str, Any]:
        """Give JSON values."""
        named = [{"path": it.path, "what": it.what} for it in self.differences]
        values = {name: getattr(self, name) for name in self.__slots__}
        return {**values, "differences": named}


def compare_folder(
    reader: TreeReader, trees: Sequence[Tree], folder: bytes, newest: Newest
) -> Comparison:
    """Compare what lies in a folder with snapshots; nothing is changed.

    Args:
        reader: Reads the trees.
        trees: Root tree of each snapshot, and what was restored of it.
        folder: Where they were restored to.
        newest: Which files tell how new the copy is.
    """
    return _Comparing(reader, folder, newest).run(trees)


def compare_entry(reader: TreeReader, entry: Entry, folder: bytes, newest: Newest) -> Comparison:
    """Compare one file that was restored with its entry in the snapshot."""
    comparing = _Comparing(reader, folder, newest)
    comparing.take(entry)
    return comparing.end()


class _Comparing:
    def __init__(self, reader: TreeReader, folder: bytes, newest: Newest) -> None:
        self._reader = reader
        self._newest = newest
        self._folder = folder
        is_root = os.geteuid() == 0
        self._found = Comparison(
            owners_compared=is_root, attributes_compared=_keeps_attributes(folder)
        )
        self._kept = _ROOTS if is_root else _ANYBODYS
        # Nobody but root gives a file away, and none is made setuid or setgid under another owner.
        self._permissions = 0o7777 if is_root else 0o7777 & ~(stat.S_ISUID | stat.S_ISGID)
        self._hashes: list[tuple[bytes, str]] = []
        self._inodes: dict[tuple[int, int], tuple[int, int]] = {}

    def run(self, trees: Sequence[Tree]) -> Comparison:
        known = set[bytes]()
        for tree, is_taken in trees:
            for entry in walk(self._reader, tree, enters=self._can_enter):
                if is_taken(entry.path):
                    self.take(entry)
                    known.add(entry.path)
        self._find_extra(known)
        return self.end()

    def end(self) -> Comparison:
        listed = hashlib.sha256()
        for path, digest in sorted(self._hashes):
            listed.update(_list_line(path.lstrip(b"/"), digest))
        self._found.hash_list = listed.hexdigest()
        return self._found

    def take(self, entry: Entry) -> None:
        """Compare one entry."""
        found, node = self._found, entry.node
        found.entries += 1
        found.files += node.type == "file"
        found.folders += node.type == "dir"
        found.links += node.type == "symlink"
        try:
            differing = list(self._compare(entry))
        except FileNotFoundError:  # a socket is nothing without its server: restic leaves it out
            differing = [] if node.type == "socket" else ["missing"]
        except OSError:
            differing = ["unreadable"]
        for what in differing:
            found.differ(entry.path, what)
        found.equal_entries += not differing

    def _can_enter(self, folder: Entry) -> bool:
        """Tell whether a folder's tree can be read; of one that cannot, the folder is named."""
        try:
            self._reader.load(folder.node.subtree or b"")
        except DamagedError:
            self._found.differ(folder.path, "tree")
            return False
        return True

    def _compare(self, entry: Entry) -> Iterator[str]:
        node, path = entry.node, self._folder + entry.path
        status = os.lstat(path)
        if NODE_TYPES.get(stat.S_IFMT(status.st_mode)) != node.type:
            yield "type"
            return
        if node.type == "file":
            yield from self._compare_content(entry, path)
            if self._newest.counts(entry):
                self._found.newest_file_ns = max(self._found.newest_file_ns, node.mtime)
        yield from self._compare_metadata(node, path, status)
        if node.links > 1 and node.type != "dir" and not self._is_same_inode(node, status):
            yield "links"

    def _compare_content(self, entry: Entry, path: bytes) -> Iterator[str]:
        self._found.size_bytes += entry.node.size
        digest = self._hash(entry.node, path)
        if digest is None:
            yield "content"
            return
        self._found.equal_files += 1
        self._hashes.append((entry.path, digest))

    def _hash(self, node: Node, path: bytes) -> str | None:
        """Give the SHA-256 of a file; None where its content is not what the tree says."""
        whole = hashlib.sha256()
        descriptor = os.open(path, _READ_FLAGS)
        try:
            for blob_id in node.content_ids():
                content = _read(descriptor, self._length_of(blob_id))
                if hashlib.sha256(content).digest() != blob_id:
                    return None
                whole.update(content)
            return None if os.read(descriptor, 1) else whole.hexdigest()
        finally:
            os.close(descriptor)

    def _length_of(self, blob_id: bytes) -> int:
        """Give the length of a blob's content; 0 where the index does not know it."""
        place = self._reader.index.find(blob_id)
        return 0 if place is None else place.blob.plaintext_length

    def _compare_metadata(self, node: Node, path: bytes, status: os.stat_result) -> Iterator[str]:
        if node.type == "symlink":
            if os.readlink(path) != node.linktarget:  # noqa: PTH115 - bytes
                yield "target"
        elif (status.st_mode ^ unix_permissions(node.mode)) & self._permissions:
            yield "mode"
        if node.type in {"dev", "chardev"} and status.st_rdev != node.device:
            yield "device"
        if self._found.owners_compared and (status.st_uid, status.st_gid) != (node.uid, node.gid):
            yield "owner"
        if status.st_mtime_ns != node.mtime:
            yield "mtime"
        if not self._has_attributes_of(node, path):
            yield "attributes"

    def _has_attributes_of(self, node: Node, path: bytes) -> bool:
        if not self._found.attributes_compared or node.type == "symlink":
            return True
        wanted = {name: value for name, value in node.xattrs if name.startswith(self._kept)}
        return _read_attributes(path, self._kept) == wanted

    def _is_same_inode(self, node: Node, status: os.stat_result) -> bool:
        here = status.st_dev, status.st_ino
        return self._inodes.setdefault((node.device_id, node.inode), here) == here

    def _find_extra(self, known: set[bytes]) -> None:
        for folder, folders, files in os.walk(self._folder):
            for name in (*folders, *files):
                path = os.path.join(folder, name)[len(self._folder) :]  # noqa: PTH118 - bytes
                if path not in known:
                    self._found.differ(path, "extra")


def _read(descriptor: int, length: int) -> bytes:
    pieces = []
    while length > 0 and (piece := os.read(descriptor, min(length, _PIECE))):
        pieces.append(piece)
        length -= len(piece)
    return b"".join(pieces)


def _read_attributes(path: bytes, kept: tuple[str, ...]) -> dict[str, bytes]:
    names: Iterable[str] = os.listxattr(path, follow_symlinks=False)
    wanted = [name for name in names if name.startswith(kept)]
    return {name: os.getxattr(path, name, follow_symlinks=False) for name in wanted}


def _keeps_attributes(folder: bytes) -> bool:
    """Tell whether the file system of a folder keeps attributes; it is left as it was."""
    try:
        os.setxattr(folder, b"user.giucong.probe", b"1")
        os.removexattr(folder, b"user.giucong.probe")
    except OSError:
        return False
    return True


def _list_line(path: bytes, digest: str) -> bytes:
    escaped = path.replace(b"\\", b"\\\\").replace(b"\n", b"\\n").replace(b"\r", b"\\r")
    mark = b"" if escaped == path else b"\\"
    return mark + digest.encode() + b"  " + escaped + b"\n"
