"""What a host may announce or send at most: it may be in bad hands, and we have other sites.

What no honest host would ever send ends the reading of that host. What one file there can bring
about, and so anybody who owns a site, costs that file alone.
"""

import errno
from collections.abc import Iterable
from dataclasses import dataclass

from backup.errors import SourceError
from backup.format.names import is_attribute_name
from backup.sources.host_errors import UNTOUCHED
from backup.sources.local.read import MOST_ATTRIBUTE_BYTES, Xattrs

MOST_ENTRY_BYTES = 2 << 20
"""For all that is told of one entry; its attributes have at most half of that."""

MOST_FOLDER_BYTES = 128 << 20
"""For the listing of one folder: a million entries, whose names have thirty letters."""

MOST_LISTING_BYTES = 256 << 20
"""For the listing of everything at once, by a host without Python: some two million entries."""

MOST_OWNERS = 1 << 20
MOST_HOLES_BYTES = 1 << 40
"""Of one run; zeros cost no line, but half an hour of our time."""

_LARGEST_ATTRIBUTE = 64 << 10
_LONGEST_TARGET = 4095
_LONGEST_WORDS = 300


@dataclass(slots=True)
class Holes:
    """How many zeros may still be made of holes in one run."""

    left: int = MOST_HOLES_BYTES

    def take(self, size: int) -> OSError | None:
        """Count the zeros of a hole; gives why it is not filled, None where it is."""
        if size > self.left:
            return OSError(errno.EFBIG, "its holes are larger than all that are read in one run")
        self.left -= size
        return None


def senseless() -> SourceError:
    """Say that what a host has sent cannot be: it may be in bad hands."""
    return SourceError(
        "what the host sent makes no sense",
        data=UNTOUCHED,
        next_step="run it again; if this comes back, look at the host",
    )


def make_xattrs(pairs: Iterable[tuple[bytes, bytes]]) -> Xattrs:
    """Give extended attributes, as Linux may have them.

    Raises:
        SourceError: It cannot.
    """
    attributes, total = [], 0
    for name, value in pairs:
        total += len(name) + len(value)
        is_known = is_attribute_name(name) and len(value) <= _LARGEST_ATTRIBUTE
        if not is_known or total > MOST_ATTRIBUTE_BYTES:
            raise senseless()
        attributes.append((name.decode("utf-8", "surrogateescape"), value))
    return tuple(attributes)


def ensure_target(target: bytes) -> bytes:
    """Give a link's target, as Linux may have it.

    Raises:
        SourceError: It cannot.
    """
    if b"\0" in target or len(target) > _LONGEST_TARGET:
        raise senseless()
    return target


def shorten(words: str) -> str:
    """Give the beginning of what a host says went wrong."""
    return words[:_LONGEST_WORDS]
