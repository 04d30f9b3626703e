"""Writing files: the part of a restore that runs in several processes at once.

A new file gets its own name at once and loses it if anything goes wrong. A file that takes another
one's place is made under a temporary name and renamed when it is whole, so that the old one stays
until then. Content is proven before a file is made: no name ever stands for wrong bytes. Nothing is
synced: a restore that was cut off is simply run again.

Putting bytes into files, with holes if asked, and comparing the bytes that are there.
"""

import errno
import hashlib
import os
import stat
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress

from backup.direct_io import DirectWriter, write_whole
from backup.errors import BackupError
from backup.format.crypto import MasterKey
from backup.restorer.blob_reader import BlobReader, PackReader, plain_length
from backup.restorer.content import ContentGoneError
from backup.restorer.metadata import Metadata, apply_to_descriptor
from backup.restorer.orders import (
    PIECE_ID,
    FileOrder,
    FilesOrder,
    Order,
    PartOrder,
    Piece,
    Remark,
    parse_order,
)
from backup.restorer.partial_files import create_partial
from backup.restorer.target_folders import Folders, cannot_restore_into, open_same
from backup.stores.reopen import Recipe, store_from_recipe, transfers_at_once
from backup.workers.processes import Channel, Message

_BLOCK = 4096
_ZERO_BLOCK = bytes(_BLOCK)
_READ_FLAGS = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


def write_with_holes(descriptor: int, content: bytes, offset: int) -> None:
    """Write all of `content` but the blocks of zeros; the caller sets the file's length.

    Blocks are aligned to the file, which must hold nothing there yet.
    """
    first = -offset % _BLOCK
    if _ZERO_BLOCK not in content:
        write_whole(descriptor, content, offset)
        return
    start = 0
    for at in range(first, len(content) - _BLOCK + 1, _BLOCK):
        if content[at : at + _BLOCK] == _ZERO_BLOCK:
            if start < at:
                write_whole(descriptor, content[start:at], offset + start)
            start = at + _BLOCK
    if start < len(content):
        write_whole(descriptor, content[start:], offset + start)


def open_for_reading(folder: int, name: bytes) -> int:
    """Open a file to compare it; where that is allowed, its access time stays as it is."""
    try:
        return os.open(name, _READ_FLAGS | os.O_NOATIME, dir_fd=folder)
    except PermissionError:
        return os.open(name, _READ_FLAGS, dir_fd=folder)


def holds(descriptor: int, size: int, pieces: Sequence[Piece]) -> bool:
    """Whether an open file is regular and has just the content of `pieces`, by their hashes."""
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode) or status.st_size != size:
        return False
    offset = 0
    for piece in pieces:
        length = plain_length(piece)
        content = os.pread(descriptor, length, offset)
        while 0 < len(content) < length:
            more = os.pread(descriptor, length - len(content), offset + len(content))
            if not more:
                return False
            content += more
        if hashlib.sha256(content).digest() != piece[PIECE_ID]:
            return False
        offset += length
    return offset == size


_CREATE = os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC
_PART = os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC
_PRIVATE = 0o600
# Below it, the cache is as fast.
_LEAST_DIRECT = 256 << 10
_SERVED = "served"

Contents = Mapping[Piece, bytes | BackupError]


class FileWriter:
    """Carries out orders below one target folder. For one thread."""

    def __init__(
        self,
        reader: BlobReader,
        folders: Folders,
        *,
        sparse: bool,
        dry_run: bool = False,
        exact_modes: bool = False,
    ) -> None:
        """Set up.

        Args:
            reader: Where blobs come from.
            folders: The target.
            sparse: Whether to make holes.
            dry_run: Compare, but change nothing.
            exact_modes: Whether this process has no umask, so that files have their permissions
                from birth.
        """
        self._reader = reader
        self._folders = folders
        self._sparse = sparse
        self._direct = DirectWriter()
        self._dry_run = dry_run
        self._exact_modes = exact_modes

    def carry_out(self, order: Order) -> list[Remark]:
        """Do what is asked; files without a remark are done."""
        if isinstance(order, PartOrder):
            return self._write_part(order)
        wanted = [
            piece
            for file in order.files
            if file.work in ("create", "replace")
            for piece in file.pieces
        ]
        contents = self._reader.read(wanted, order.packs) if wanted else {}
        remarks = []
        for position, file in enumerate(order.files):
            remark = self._do_file(position, file, order, contents)
            if remark is not None:
                remarks.append(remark)
        return remarks

    def _do_file(
        self, position: int, file: FileOrder, order: FilesOrder, contents: Contents
    ) -> Remark | None:
        folder, inherits = order.folders[file.folder]
        try:
            descriptor = self._folders.open(folder)
            if file.work in ("create", "replace"):
                refused = self._write_file(descriptor, file, contents, exact=inherits)
            elif self._check_file(descriptor, file):
                refused = self._refresh(descriptor, file)
            else:
                return Remark(position, "differs", 0, "")
        except BackupError as error:
            return Remark(position, "damaged", 0, str(error))
        except OSError as error:
            return Remark(position, "failed", error.errno or 0, os.strerror(error.errno or 0))
        return Remark(position, "refused", 0, " ".join(refused)) if refused else None

    # Writing -----------------------------------------------------------------------------------

    def _write_file(
        self, folder: int, file: FileOrder, contents: Contents, *, exact: bool
    ) -> tuple[str, ...]:
        found = _whole(file.pieces, contents)
        metadata = file.metadata
        mode = metadata.mode if self._exact_modes and not metadata.needs_care else _PRIVATE
        if file.work == "create":
            name, descriptor = file.name, os.open(file.name, _CREATE, mode, dir_fd=folder)
        else:
            name, descriptor = create_partial(folder, mode)
        try:
            self._write_contents(descriptor, found)
            refused = apply_to_descriptor(descriptor, metadata, exact=exact)
            if file.work == "replace":
                os.rename(name, file.name, src_dir_fd=folder, dst_dir_fd=folder)
        except BaseException:
            with suppress(OSError):
                os.unlink(name, dir_fd=folder)
            raise
        finally:
            os.close(descriptor)
        return refused

    def _write_contents(self, descriptor: int, contents: Sequence[bytes]) -> None:
        self._write(descriptor, contents, 0)
        if self._sparse:
            os.ftruncate(descriptor, sum(map(len, contents)))

    def _write(self, descriptor: int, contents: Sequence[bytes], offset: int) -> None:
        if not self._sparse and sum(map(len, contents)) >= _LEAST_DIRECT:
            self._direct.write(descriptor, contents, offset)
            return
        write = write_with_holes if self._sparse else write_whole
        for content in contents:
            write(descriptor, content, offset)
            offset += len(content)

    def _write_part(self, order: PartOrder) -> list[Remark]:
        try:
            found = _whole(order.pieces, self._reader.read(order.pieces, order.packs))
            descriptor = os.open(order.name, _PART, dir_fd=self._folders.open(order.folder))
            try:
                self._write(descriptor, found, order.offset)
            finally:
                os.close(descriptor)
        except ContentGoneError:
            raise
        except BackupError as error:
            return [Remark(0, "damaged", 0, str(error))]
        except OSError as error:
            return [Remark(0, "failed", error.errno or 0, os.strerror(error.errno or 0))]
        return []

    # Files that are there ----------------------------------------------------------------------

    def _check_file(self, folder: int, file: FileOrder) -> bool:
        if file.work == "refresh":
            return True
        try:
            descriptor = open_for_reading(folder, file.name)
        except OSError as error:
            if file.work == "compare" and error.errno in (errno.EACCES, errno.ELOOP):
                return False  # what cannot be read, or is no file any more, is replaced
            raise
        try:
            if file.work == "verify":
                os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
            return holds(descriptor, file.size, file.pieces)
        finally:
            os.close(descriptor)

    def _refresh(self, folder: int, file: FileOrder) -> tuple[str, ...]:
        if self._dry_run or file.work == "verify":
            return ()
        descriptor = open_for_reading(folder, file.name)
        try:
            return apply_to_descriptor(descriptor, file.metadata, exact=True)
        finally:
            os.close(descriptor)


def _whole(pieces: Sequence[Piece], contents: Contents) -> list[bytes]:
    """Give the bytes of all pieces; raises what is wrong with the first that is damaged."""
    found = []
    for piece in pieces:
        content = contents[piece]
        if isinstance(content, BackupError):
            raise content
        found.append(content)
    return found


def finish_large_file(
    folder: int, held: int, temporary: bytes, name: bytes, metadata: Metadata, *, exact: bool
) -> tuple[str, ...]:
    """Give a large file, whole by now and held by its descriptor, its metadata and its name."""
    refused = apply_to_descriptor(held, metadata, exact=exact)
    os.rename(temporary, name, src_dir_fd=folder, dst_dir_fd=folder)
    return refused


def create_large_file(folder: int, size: int, *, sparse: bool) -> tuple[bytes, int]:
    """Make the temporary file of a large one; gives its name and the descriptor that holds it."""
    name, descriptor = create_partial(folder, _PRIVATE)
    try:
        if sparse:
            os.ftruncate(descriptor, size)
    except BaseException:
        os.close(descriptor)
        with suppress(OSError):
            os.unlink(name, dir_fd=folder)
        raise
    return name, descriptor


def served_at(end: int) -> Recipe:
    """Give the recipe of a worker that reads from a socket, which it inherits by this number."""
    return (_SERVED, end)


def _reader_over(recipe: Recipe) -> Callable[[Message], BlobReader]:
    """Open what a recipe names; gives what makes the reader, given `Content.secret`."""
    if recipe[0] == _SERVED:
        from backup.restorer.served_content import open_reader

        reader = open_reader(recipe[1])
        return lambda _: reader
    store = store_from_recipe(recipe)
    return lambda key: PackReader(store, MasterKey(*key), at_once=transfers_at_once(store))


def serve(recipe: Message, channel: Channel) -> None:
    """Run a worker.

    The first message is (secret of the content, target, sparse, dry run). The target is its path,
    device and inode: a worker is started before it is opened.
    """
    make_reader = _reader_over(recipe)
    setup = channel.receive()
    if setup is None:
        return
    secret, (path, *identity), sparse, dry_run = setup
    os.umask(0)
    try:
        folders = Folders(open_same(path, tuple(identity)))
    except OSError as error:
        raise cannot_restore_into(path, error) from error
    reader = make_reader(secret)
    writer = FileWriter(reader, folders, sparse=sparse, dry_run=dry_run, exact_modes=True)
    while (message := channel.receive()) is not None:
        channel.send([tuple(remark) for remark in writer.carry_out(parse_order(message))])
