"""Writing files of a snapshot to a stream: one as it is, a folder as a tar or zip archive."""

import io
import os
import stat
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import chain
from typing import IO, Literal, cast

from backup.format.pack import BlobType
from backup.format.tree import Node, unix_permissions
from backup.snapshots.walk import Entry, TreeReader, walk

ArchiveFormat = Literal["tar", "zip"]
Write = Callable[[bytes], object]

_TAR_TYPES = {
    "file": tarfile.REGTYPE,
    "dir": tarfile.DIRTYPE,
    "symlink": tarfile.SYMTYPE,
    "dev": tarfile.BLKTYPE,
    "chardev": tarfile.CHRTYPE,
    "fifo": tarfile.FIFOTYPE,
}
_NS = 1_000_000_000
_LARGEST_DEVICE = 0o7777777
_COMPRESS_LEVEL = 6
_UNIX = 3
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FIRST_ZIP_YEAR, _LAST_ZIP_YEAR = 1980, 2107
_TYPE_BITS = {"file": stat.S_IFREG, "dir": stat.S_IFDIR, "symlink": stat.S_IFLNK}


def read_content(reader: TreeReader, node: Node) -> Iterator[bytes]:
    """Yield the content of a file piece by piece, each proven.

    Raises:
        DamagedError: A piece cannot be read.
        StoreError: The store failed.
    """
    for blob_id in node.content_ids():
        yield reader.repository.load_blob(reader.index, blob_id, expected=BlobType.DATA)


def write_archive(  # noqa: PLR0913 -- what is written, whereto and which part of it
    reader: TreeReader,
    tree_id: bytes,
    below: bytes,
    write: Write,
    archive: ArchiveFormat,
    *,
    top: Node | None = None,
    folders_only: bool = False,
) -> None:
    """Write everything below a tree as an archive.

    Args:
        reader: Reads trees and contents.
        tree_id: Where to begin.
        below: Path of that tree, for the names in the archive; without a slash at its end.
        write: Takes the archive's bytes.
        archive: Which kind.
        top: What the folder of that tree itself is, to be written too, as `.`; None for nothing.
        folders_only: Leave out all that is no folder.

    Raises:
        DamagedError: Something cannot be read; the archive is then not whole.
        StoreError: The store failed.
    """
    tops = [Entry(b".", top, b"")] if top else []
    entries: Iterator[Entry] = chain(tops, walk(reader, tree_id, below=below))
    if folders_only:
        entries = (it for it in entries if it.node.type == "dir")
    if archive == "tar":
        _write_tar(reader, entries, write)
    else:
        _write_zip(reader, entries, write)


class _Sink(io.RawIOBase):
    """What the archive writers take for a file that cannot be sought in."""

    def __init__(self, write: Write) -> None:
        self._write = write

    def writable(self) -> bool:
        return True

    def write(self, data: object) -> int:
        piece = bytes(cast("bytes", data))
        self._write(piece)
        return len(piece)


class _Pieces(io.RawIOBase):
    """A file's content, read piece by piece."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self._rest = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: object) -> int:
        view = memoryview(cast("bytearray", buffer))
        while not self._rest:
            piece = next(self._pieces, None)
            if piece is None:
                return 0
            self._rest = memoryview(piece)
        count = min(len(view), len(self._rest))
        view[:count] = self._rest[:count]
        self._rest = self._rest[count:]
        return count


def _write_tar(reader: TreeReader, entries: Iterator[Entry], write: Write) -> None:
    """Write PAX format; a second name of a file becomes a hard link."""
    linked: dict[tuple[int, int], str] = {}
    with tarfile.open(
        fileobj=cast("IO[bytes]", _Sink(write)),
        mode="w|",
        format=tarfile.PAX_FORMAT,
        encoding="utf-8",
        errors="surrogateescape",
    ) as archive:
        for entry in entries:
            node = entry.node
            if node.type not in _TAR_TYPES:  # sockets have no place in a tar archive
                continue
            info = _tar_info(entry)
            inode = (node.inode, node.device_id)
            if (
                node.type == "file"
                and node.links > 1
                and linked.setdefault(inode, info.name) != (info.name)
            ):
                info.type, info.linkname, info.size = tarfile.LNKTYPE, linked[inode], 0
            if info.type == tarfile.REGTYPE:
                content = io.BufferedReader(_Pieces(read_content(reader, node)))
                archive.addfile(info, content)
            else:
                archive.addfile(info)


def _tar_info(entry: Entry) -> tarfile.TarInfo:
    node = entry.node
    info = tarfile.TarInfo(_text(entry.path.lstrip(b"/")))
    info.type = _TAR_TYPES[node.type]
    info.mode = unix_permissions(node.mode)
    info.uid, info.gid = node.uid, node.gid
    info.uname, info.gname = node.user, node.group
    info.size = node.size if node.type == "file" else 0
    info.linkname = _text(node.linktarget)
    info.devmajor, info.devminor = _device_numbers(node)
    seconds, fraction = divmod(node.mtime, _NS)
    info.mtime = seconds
    headers = {"SCHILY.xattr." + name: _text(value) for name, value in node.xattrs}
    if fraction:
        # A float makes tarfile write the header; ours has all nine digits and takes precedence.
        info.mtime = seconds + 0.5
        sign, size = ("-", -node.mtime) if node.mtime < 0 else ("", node.mtime)
        headers["mtime"] = f"{sign}{size // _NS}.{size % _NS:09}".rstrip("0")
    info.pax_headers = headers
    return info


def _device_numbers(node: Node) -> tuple[int, int]:
    """Give them as far as a header holds them; Linux has no larger ones."""
    major, minor = os.major(node.device), os.minor(node.device)
    return min(major, _LARGEST_DEVICE), min(minor, _LARGEST_DEVICE)


def _write_zip(reader: TreeReader, entries: Iterator[Entry], write: Write) -> None:
    """Write a zip archive; it knows files, folders and symlinks only."""
    sink = cast("IO[bytes]", _Sink(write))
    with zipfile.ZipFile(
        sink, "w", zipfile.ZIP_DEFLATED, compresslevel=_COMPRESS_LEVEL, strict_timestamps=False
    ) as archive:
        for entry in entries:
            node = entry.node
            if node.type not in _TYPE_BITS:
                continue
            name = entry.path.lstrip(b"/").decode("utf-8", "replace")
            info = zipfile.ZipInfo(name + ("/" if node.type == "dir" else ""), _zip_time(node))
            info.create_system = _UNIX
            info.external_attr = (_TYPE_BITS[node.type] | unix_permissions(node.mode)) << 16
            info.compress_type = zipfile.ZIP_DEFLATED
            pieces = [node.linktarget] if node.type == "symlink" else read_content(reader, node)
            with archive.open(info, "w", force_zip64=True) as target:
                for piece in pieces:
                    target.write(piece)


def _zip_time(node: Node) -> tuple[int, int, int, int, int, int]:
    when = _EPOCH + timedelta(seconds=max(0, min(node.mtime // _NS, 4_354_819_198)))
    year = min(max(when.year, _FIRST_ZIP_YEAR), _LAST_ZIP_YEAR)
    return year, when.month, when.day, when.hour, when.minute, when.second


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "surrogateescape")
