"""The seam to a folder of another machine: list all of it, then fetch chosen files.

Whoever implements it says clearly when the line was cut: a listing or a file that ends early is an
error, never a smaller folder.
"""

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from backup.sources.local.owners import Owners
from backup.sources.local.read import Xattrs
from backup.sources.remote.known_blocks import EarlierContent


class Extra(NamedTuple):
    """What lstat does not say of anything but a regular file.

    Attributes:
        target: Of a symlink, else empty.
        xattrs: Extended attributes.
        error: Why these cannot be known; None where they are.
    """

    target: bytes = b""
    xattrs: Xattrs = ()
    error: OSError | None = None


NOTHING = Extra()


class Root(NamedTuple):
    """What the path itself is, links in it followed.

    Attributes:
        path: Absolute.
        status: Its lstat.
        extra: What that does not say.
    """

    path: bytes
    status: os.stat_result
    extra: Extra


@dataclass(frozen=True, slots=True)
class ListedFolder:
    """One folder.

    Attributes:
        path: From the root, without a slash in front; empty for the root.
        names: Of its entries, ascending.
        stats: Their lstat.
        extras: Of those entries that have any, by name.
        errors: Names of entries that cannot be looked at, and why.
    """

    path: bytes
    names: list[bytes]
    stats: list[os.stat_result]
    extras: dict[bytes, Extra] = field(default_factory=dict)
    errors: list[tuple[bytes, OSError]] = field(default_factory=list)


class Unlisted(NamedTuple):
    """A folder that cannot be listed.

    Attributes:
        path: From the root.
        error: Why.
    """

    path: bytes
    error: OSError


class Pause(NamedTuple):
    """Now is the time to fetch files, if any are wanted."""


Listed = ListedFolder | Unlisted | Pause


class Wanted(NamedTuple):
    """A file to be fetched.

    Attributes:
        path: From the root.
        status: What it was when it was listed.
        earlier: What it held before, of which blocks need not travel again; the way of reading may
            make nothing of it.
    """

    path: bytes
    status: os.stat_result
    earlier: EarlierContent | None = None


class DoubtfulError(OSError):
    """Blocks of an earlier content did not do: the file has to be fetched whole."""


class Arriving(Protocol):
    """A file on its way.

    Attributes:
        before: Its status when reading began.
        xattrs: Its extended attributes.
    """

    before: os.stat_result
    xattrs: Xattrs

    def readinto(self, buffer: memoryview, /) -> int:
        """Fill the buffer as far as bytes are there; 0 at the end."""
        ...


# Given the number of a wanted file, and the file.
Take = Callable[[int, Arriving], None]


class RemoteTree(Protocol):
    """An open folder of another machine. For one thread."""

    @property
    def root(self) -> Root:
        """What its path is."""
        ...

    @property
    def owners(self) -> Owners:
        """The names of that machine's users and groups, as far as they were met."""
        ...

    @property
    def clock_offset(self) -> int:
        """How far that machine's clock is ahead of ours, in nanoseconds, as far as can be told."""
        ...

    @property
    def lost(self) -> Sequence[str]:
        """What this way of reading cannot keep; in English."""
        ...

    def list_all(self) -> Iterator[Listed]:
        """List every folder: depth first, a folder before those in it, ascending by raw name.

        Raises:
            SourceError: The line was cut, or the far end failed.
        """
        ...

    def fetch(self, wanted: Sequence[Wanted], take: Take) -> list[os.stat_result | OSError]:
        """Fetch files, at a pause or after the listing; `take` is called in their order.

        Returns:
            For each what it was after it was read, or why it is not there.

        Raises:
            SourceError: The line was cut, or the far end failed.
        """
        ...

    def finish(self) -> None:
        """Make sure that the far end came to its own end.

        Raises:
            SourceError: It did not.
        """
        ...
