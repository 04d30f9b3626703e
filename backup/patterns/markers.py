"""Folders that a file within them marks as not worth saving: CACHEDIR.TAG and the like.

A marked folder is saved itself, empty but for the file that marks it, as restic does. These are the
decisions of ``--exclude-caches`` and ``--exclude-if-present``.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from backup.errors import UsageError


@dataclass(frozen=True, slots=True)
class Marker:
    """A file that marks the folder it lies in.

    Attributes:
        name: Name of the file.
        header: What the file has to begin with; empty if being there is enough.
    """

    name: bytes
    header: bytes = b""


# https://bford.info/cachedir/
CACHE_MARKER = Marker(b"CACHEDIR.TAG", b"Signature: 8a477f597d28d172789f06886806bc55")


@dataclass(frozen=True, slots=True)
class Marking:
    """What the markers say about one folder.

    Attributes:
        is_marked: Whether a marker lies in the folder.
        survivors: The names that are saved all the same when it is marked; may be empty.
        doubtful: Markers that are there but cannot be read or begin with something else; they mark
            nothing, and people should hear of them.
    """

    is_marked: bool
    survivors: frozenset[bytes]
    doubtful: tuple[Marker, ...]


UNMARKED = Marking(is_marked=False, survivors=frozenset(), doubtful=())


def parse_marker(text: bytes | str) -> Marker:
    """Read the value of ``--exclude-if-present``: a file name, or ``NAME:HEADER``.

    Raises:
        UsageError: The name is empty.
    """
    encoded = text.encode("utf-8", "surrogateescape") if isinstance(text, str) else text
    name, _, header = encoded.partition(b":")
    if not name:
        raise UsageError(
            'no file name in "{text}"',
            next_step="give the name of the file that marks a folder, or NAME:HEADER",
            text=encoded.decode("utf-8", "backslashreplace"),
        )
    return Marker(name, header)


def decide_marking(
    markers: Sequence[Marker],
    names: Collection[bytes],
    read_start: Callable[[bytes, int], bytes],
) -> Marking:
    """Decide whether a folder is marked.

    Where several markers lie in a folder each of them rules out the others, so none survives.

    Args:
        markers: The markers to look for.
        names: The names in the folder.
        read_start: Gives up to so many first bytes of the file of that name; may raise `OSError`.
    """
    found = [marker for marker in markers if marker.name in names]
    if not found:
        return UNMARKED
    effective = [marker for marker in found if _has_header(marker, read_start)]
    effective_names = {marker.name for marker in effective}
    return Marking(
        is_marked=bool(effective),
        survivors=frozenset(effective_names if len(effective_names) == 1 else ()),
        doubtful=tuple(marker for marker in found if marker not in effective),
    )


def _has_header(marker: Marker, read_start: Callable[[bytes, int], bytes]) -> bool:
    if not marker.header:
        return True
    try:
        return read_start(marker.name, len(marker.header)) == marker.header
    except OSError:
        return False
