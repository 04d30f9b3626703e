"""What a walk over a source knows at each moment: folders, outcomes, counters, errors."""

import os
from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Literal, NamedTuple

from backup.archiver.parent import PreviousFolder
from backup.format.tree import Node
from backup.sources.local.read import Xattrs


@dataclass(slots=True)
class ItemError:
    """One file or folder that is missing from the snapshot.

    Attributes:
        path: Its path.
        during: restic's word for the step, scan or archival.
        errno: The system's error number, 0 where there is none.
        text: The system's words.
    """

    path: bytes
    during: str
    errno: int
    text: str


# restic's words for how an entry differs from the previous snapshot's, and for its counters.
Change = Literal["new", "modified", "unchanged"]
_COUNTED_AS = {"new": "new", "modified": "changed", "unchanged": "unmodified"}


@dataclass(slots=True)
class Counts:
    """restic's counters of one run."""

    files_new: int = 0
    files_changed: int = 0
    files_unmodified: int = 0
    dirs_new: int = 0
    dirs_changed: int = 0
    dirs_unmodified: int = 0
    total_files_processed: int = 0
    total_bytes_processed: int = 0

    def count(self, kind: Literal["files", "dirs"], change: Change) -> None:
        """Count one file or folder."""
        name = f"{kind}_{_COUNTED_AS[change]}"
        setattr(self, name, getattr(self, name) + 1)

    def add(self, other: "Counts") -> None:
        """Add another source's counters."""
        for each in fields(Counts):
            setattr(self, each.name, getattr(self, each.name) + getattr(other, each.name))


@dataclass(frozen=True, slots=True)
class Memory:
    """What earlier runs left behind for this one.

    Attributes:
        digests: Folder digest to tree id.
        vouches_for_previous: Whether the index surely holds all that the previous snapshot needs,
            so that no content need be looked up.
    """

    digests: dict[bytes, bytes]
    vouches_for_previous: bool


class Dropped:
    """Marks an entry that is not part of its folder's tree."""


DROPPED = Dropped()


@dataclass(frozen=True, slots=True)
class Content:
    """What was read of a regular file.

    Attributes:
        ids: Joined ids of its blobs.
        size: Bytes really read.
        xattrs: Extended attributes.
    """

    ids: bytes
    size: int
    xattrs: Xattrs = ()


class FolderHead(NamedTuple):
    """A folder's node as it is written, but for its tree.

    Attributes:
        head: Up to the tree's id.
        subtree: That id; None while it is not known.
    """

    head: str
    subtree: bytes | None

    def encode(self) -> str:
        """Write the node; its tree must be known by now."""
        assert self.subtree is not None  # noqa: S101 -- a folder is finished after all below it
        return f'{self.head}{self.subtree.hex()}"}}'


# What is known of an entry: nothing yet; it is left out; a node, or one as it is written; what a
# file holds; the id of a folder's tree.
Outcome = None | Dropped | Node | FolderHead | str | Content | bytes


class Folder:
    """One folder on its way to a tree.

    Attributes:
        path: Its path.
        parent: The folder above; None for the holder of the source itself.
        place: Its own place among the parent's entries.
        previous: The same folder in the previous snapshot.
        descriptor: Open descriptor, or -1.
        names: Raw names of its entries, ascending.
        stats: Their lstat.
        outcomes: What is known of each.
        waiting: How many are not known yet.
        is_left: Whether every entry has been decided about.
        earlier: Of entries that were there before and are not known yet: a hash of their node then.
        digest: What `Walker` knows it by in the scan cache; None where it was not needed yet.
    """

    __slots__ = (
        "descriptor", "digest", "earlier", "is_left", "names", "outcomes", "parent", "path",
        "place", "previous", "stats", "waiting",
    )  # fmt: skip

    def __init__(
        self, path: bytes, parent: "Folder | None", place: int, previous: PreviousFolder
    ) -> None:
        self.path = path
        self.parent = parent
        self.place = place
        self.previous = previous
        self.descriptor = -1
        self.names: list[bytes] = []
        self.stats: list[os.stat_result] = []
        self.outcomes: list[Outcome] = []
        self.waiting = 0
        self.is_left = False
        self.earlier: dict[int, int] = {}
        self.digest: bytes | None = None

    def path_of(self, place: int) -> bytes:
        """Path of one entry."""
        return join(self.path, self.names[place])

    def note_earlier(self, place: int) -> None:
        """Keep in mind what an entry was, while the previous tree is at hand."""
        text = self.previous.text(self.names[place])
        if text is not None:
            self.earlier[place] = hash(text)

    def compare(self, place: int, encode: Callable[[], str]) -> Change:
        """Say how an entry differs from what it was; `encode` writes its node as it is now."""
        earlier = self.earlier.pop(place, None)
        if earlier is None:
            return "new"
        return "unchanged" if hash(encode()) == earlier else "modified"

    def reachable(self, name: bytes) -> bytes:
        """A path to an entry of this open folder that is never too long for the kernel."""
        return b"/proc/self/fd/%d/%s" % (self.descriptor, name)


def join(folder: bytes, name: bytes) -> bytes:
    """Put a name behind a folder's path."""
    return folder + name if folder.endswith(b"/") else folder + b"/" + name
