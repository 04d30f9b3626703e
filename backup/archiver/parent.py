"""The previous snapshot's trees, loaded folder by folder where something changed.

Entries of an old tree beside what lstat says now, without decoding more than needed.

An unchanged file's node is written again as the very text it was, if we would write it just so.
"""

# ruff: noqa: SLF001 -- a folder knows the parts of those above it, which are of the same class

import base64
import os
from collections.abc import Callable
from contextlib import suppress
from typing import NamedTuple

import msgspec

from backup.archiver.nodes import encode_file, file_head, folder_head
from backup.archiver.run_writer import RunWriter
from backup.errors import DamagedError, StoreError, UnsupportedFormatError
from backup.format.names import is_attribute_name, quote_name, unquote_name
from backup.format.pack import BlobType
from backup.format.times import parse_nanoseconds
from backup.repository.repository import Repository
from backup.sources.local.owners import LOCAL_OWNERS, Owners
from backup.sources.local.read import read_xattrs


class _Attribute(msgspec.Struct, gc=False):
    name: str
    value: str | None = None


class Fields(msgspec.Struct, gc=False):
    """Those fields of a node that tell whether its file has changed."""

    name: str
    type: str = ""
    mtime: str = ""
    atime: str = ""
    ctime: str = ""
    user: str = ""
    group: str = ""
    inode: int = 0
    device_id: int | None = None
    size: int = 0
    links: int = 0
    extended_attributes: list[_Attribute] | None = None
    content: list[str] | None = None
    subtree: str | None = None


class _Tree(msgspec.Struct):
    nodes: list[msgspec.Raw] | None


_decode_tree = msgspec.json.Decoder(_Tree).decode
_decode_fields = msgspec.json.Decoder(Fields).decode


_NAME = '{"name":'
_AFTER_NAME = ',"type":"'
# What could not be decoded: of no type, so that nothing is the same as it.
_ODD = Fields(name="")


def split_tree(tree: bytes, *, is_canonical: bool) -> dict[str, str]:
    """Split a tree into its entries as they are written, by name as `quote_name` writes it.

    Args:
        tree: Its bytes.
        is_canonical: Whether the tree's writer is known to write nodes just as we do.

    Raises:
        DamagedError: It is not a tree as restic and we write them.
    """
    try:
        texts = [str(raw, "utf-8") for raw in _decode_tree(tree).nodes or ()]
        if not is_canonical:
            return {quote_name(unquote_name(_decode_fields(text).name)): text for text in texts}
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise DamagedError("a tree is not of the known form") from error
    # In a JSON string every quote has a backslash before it, so the name cannot hold what follows.
    return {text[len(_NAME) : text.find(_AFTER_NAME)]: text for text in texts}


def read_fields(text: str) -> Fields:
    """Decode one entry; one that is not of the known form has no type."""
    try:
        return _decode_fields(text)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return _ODD


class Leniency(NamedTuple):
    """What of a file need not be as it was for its content to be taken over.

    Attributes:
        ctime: Its change time, which some file systems make up.
        inode: Its inode, likewise.
    """

    ctime: bool = False
    inode: bool = False


STRICT = Leniency()


def is_same_file(  # noqa: PLR0913 -- everything a file is known by
    text: str,
    name: bytes,
    status: os.stat_result,
    *,
    atime: bool,
    owners: Owners = LOCAL_OWNERS,
    leniency: Leniency = STRICT,
    path: bytes = b"",
) -> str | None:
    """Give the node of a file that has not changed since, or None where it has, or may have.

    Size, both times and the inode must be those of then, unless `leniency` says otherwise. The node
    is written anew: another program may have written it in its own way (other zone, device of a
    file with one name, another order of fields).

    Args:
        text: The node as it was.
        name: Of the file.
        status: Its lstat now.
        atime: Whether to write the access time of now.
        owners: Names its owner.
        leniency: What need not be the same.
        path: A short one to the file, whose attributes are read where its change time differs.
    """
    fields = read_fields(text)
    same_ctime = parse_nanoseconds(fields.ctime) == status.st_ctime_ns
    if (
        fields.type != "file"
        or fields.size != status.st_size
        or (fields.inode != status.st_ino and not leniency.inode)
        or fields.content is None
        or parse_nanoseconds(fields.mtime) != status.st_mtime_ns
        or not (same_ctime or leniency.ctime)
        or not all(is_attribute_name(it.name.encode()) for it in fields.extended_attributes or ())
    ):
        return None
    xattrs = tuple(
        (attribute.name, base64.b64decode(attribute.value or ""))
        for attribute in fields.extended_attributes or ()
    )
    if not same_ctime:
        try:
            xattrs = read_xattrs(path)
        except OSError:
            return None
    return encode_file(
        name,
        status,
        bytes.fromhex("".join(fields.content)),
        size=status.st_size,
        xattrs=xattrs,
        atime=atime,
        owners=owners,
    )


class PreviousFolder:
    """One folder as it was in the previous snapshot, or the absence of one.

    Loads its tree when first asked for. A tree that is missing or damaged counts as absent: its
    files are then read again, which heals the repository.

    Attributes:
        trusted_before: Nanoseconds since the epoch; entries changed later are read again.
        is_canonical: Whether its writer is known to write nodes just as we do.
        leniency: What need not be the same of a file.
    """

    __slots__ = (
        "_is_resolved", "_name", "_parent", "_repository", "_root", "_rows", "_writer",
        "is_canonical", "leniency", "trusted_before",
    )  # fmt: skip

    def __init__(
        self,
        repository: Repository,
        writer: RunWriter,
        *,
        root: bytes | None,
        trusted_before: int,
        is_canonical: bool,
        leniency: Leniency = STRICT,
    ) -> None:
        """Start at a root tree; None where there is no previous snapshot."""
        self._repository = repository
        self._writer = writer
        self._root = root
        self._is_resolved = True
        self._parent: PreviousFolder | None = None
        self._name = b""
        self._rows: dict[str, str] | None = None
        self.trusted_before = trusted_before
        self.is_canonical = is_canonical
        self.leniency = leniency

    def below(self, name: bytes) -> "PreviousFolder":
        """Give the subfolder `name`, without loading anything."""
        child = PreviousFolder(
            self._repository,
            self._writer,
            root=None,
            trusted_before=self.trusted_before,
            is_canonical=self.is_canonical,
            leniency=self.leniency,
        )
        child._is_resolved = False
        child._parent = self
        child._name = name
        return child

    @property
    def tree_id(self) -> bytes | None:
        """Id of its tree, or None where there was none; loads the folders above."""
        waiting = []
        folder: PreviousFolder | None = self
        while folder is not None and not folder._is_resolved:
            waiting.append(folder)
            folder = folder._parent
        # From the top, in a loop: folders may be nested deeper than calls can be.
        for each in reversed(waiting):
            each._resolve()
        return self._root

    def _resolve(self) -> None:
        self._is_resolved = True
        fields = None if self._parent is None else self._parent.fields(self._name)
        if fields is not None and fields.type == "dir" and fields.subtree is not None:
            with suppress(ValueError):  # no id
                self._root = bytes.fromhex(fields.subtree)

    def load(self) -> None:
        """Load its tree and keep it until `forget`."""
        if self._rows is not None:
            return
        tree_id = self.tree_id
        self._rows = {}
        if tree_id is None:
            return
        try:
            tree = self._repository.load_blob(self._writer.index, tree_id, expected=BlobType.TREE)
            self._rows = split_tree(tree, is_canonical=self.is_canonical)
        except (DamagedError, StoreError, UnsupportedFormatError):
            self._root = None

    @property
    def is_empty(self) -> bool:
        """Whether it held nothing, or was not there; loads its tree."""
        return not self._loaded()

    def text(self, name: bytes) -> str | None:
        """Give the entry `name` as it was written; None where there was none."""
        rows = self._loaded()
        return rows.get(quote_name(name)) if rows else None

    def _loaded(self) -> dict[str, str] | None:
        if self._rows is None:
            self.load()
        return self._rows

    def fields(self, name: bytes) -> Fields | None:
        """Give what the entry `name` said."""
        text = self.text(name)
        return None if text is None else read_fields(text)

    def keep(
        self,
        name: bytes,
        status: os.stat_result,
        holds: Callable[[list[bytes]], bool] | None,
        *,
        atime: bool = False,
        owners: Owners = LOCAL_OWNERS,
        path: bytes = b"",
    ) -> str | None:
        """Give a file's node to be written again as it was, or None where it must be read.

        Args:
            name: Of the file.
            status: Its lstat now.
            holds: Whether the repository still has these data blobs; None where it surely has.
            atime: Whether to write the access time of now.
            owners: Names its owner.
            path: See `is_same_file`.
        """
        rows = self._loaded()
        changed_at = status.st_mtime_ns if self.leniency.ctime else status.st_ctime_ns
        if not rows or changed_at >= self.trusted_before:
            return None
        quoted = quote_name(name)
        text = rows.get(quoted)
        if text is None:
            return None
        # A canonical node that is, but for its content, what we would write now, needs no decoding.
        head = "" if atime or not self.is_canonical else file_head(quoted, status, owners)
        try:
            encoded: str | None = text
            if not head or not text.startswith(head):
                encoded = is_same_file(
                    text,
                    name,
                    status,
                    atime=atime,
                    owners=owners,
                    leniency=self.leniency,
                    path=path,
                )
            if encoded is None or holds is None:
                return encoded
            content = [bytes.fromhex(each) for each in read_fields(text).content or ()]
            return encoded if holds(content) else None
        except (ValueError, UnsupportedFormatError):  # an odd node
            return None

    def keep_folder_head(
        self, name: bytes, status: os.stat_result, *, owners: Owners = LOCAL_OWNERS
    ) -> str | None:
        """Give a subfolder's node up to its tree's id, or None where its attributes must be read.

        They cannot have changed without its change time.

        Args:
            name: Of the subfolder.
            status: Its lstat now.
            owners: Names its owner.
        """
        if not self.is_canonical or status.st_ctime_ns >= self.trusted_before:
            return None
        text = self.text(name)
        head = folder_head(quote_name(name), status, owners)
        # Extended attributes would stand in that part.
        return head if text is not None and text.startswith(head) else None

    def read_data(self, blob_id: bytes) -> bytes:
        """Read and prove a part of a file as it was.

        Raises:
            DamagedError, StoreError: It cannot be read.
        """
        return self._repository.load_blob(self._writer.index, blob_id, expected=BlobType.DATA)

    def forget(self) -> None:
        """Let go of the loaded tree; it would be loaded again if asked for."""
        self._rows = None
