"""Tell which files of a folder are newer than the backup that is to be put over them."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from backup.format.tree import Node
from backup.snapshots.walk import PathNotFoundError, TreeReader, find_entry
from ops.language.formats import format_number
from ops.language.text import _, show_path
from ops.terminal.output import write_line
from provisioning.hosts import Host

_SECONDS = 900.0
_MOST_BYTES = 1 << 20
_MOST_SHOWN = 10

# GNU find; what another one answers is told. The rows are cut off: a host in bad hands has many.
_LOOK = b"""
cd "$1" 2>/dev/null || exit 0
find . -xdev -type f -newermt "$2" -printf '%T@ %P\\0' | head -c "$3"
"""


@dataclass(frozen=True, slots=True)
class NewerFiles:
    """What was written after the backup, paths below the folder.

    Attributes:
        overwritten: The backup has an older one.
        staying: The backup has none, so they are left where they are.
        is_all: Whether all were looked at.
    """

    overwritten: tuple[bytes, ...]
    staying: tuple[bytes, ...]
    is_all: bool


@dataclass(frozen=True, slots=True)
class Look:
    """Where to look, and what for.

    Attributes:
        reader: Of the repository.
        tree: The snapshot's.
        folder: Path of the part in the snapshot, with a slash in front.
        top: The folder where it lies.
        since: When the backup began; aware.
        is_left_out: Whether backups leave a path out, which begins with a slash.
    """

    reader: TreeReader
    tree: bytes
    folder: bytes
    top: bytes
    since: datetime
    is_left_out: Callable[[bytes], bool]


def find_newer(look: Look, host: Host) -> NewerFiles | None:
    """Look for files that changed since a moment; None where the host cannot tell.

    Args:
        look: Where and what for.
        host: Has the files.

    Raises:
        ProvisioningError: The host cannot be entered.
    """
    moment = look.since.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC").encode()
    words = (b"sh", b"-c", _LOOK, b"sh", look.top, moment, b"%d" % _MOST_BYTES)
    ended = host.run(words, timeout=_SECONDS, most_bytes=2 * _MOST_BYTES)
    if ended.status != 0 or (ended.stderr.strip() and not ended.stdout):
        return None
    overwritten, staying = [], []
    rows = ended.stdout.split(b"\0")
    for written_at, path in _read_rows(rows[:-1]):
        if look.is_left_out(b"/" + path):
            continue
        node = _find_node(look.reader, look.tree, b"%b/%b" % (look.folder, path))
        if node is None:
            staying.append(path)
        elif node.mtime != written_at:
            overwritten.append(path)
    return NewerFiles(tuple(overwritten), tuple(staying), len(ended.stdout) < _MOST_BYTES)


def _read_rows(rows: list[bytes]) -> Iterator[tuple[int, bytes]]:
    """Yield nanoseconds and path of each row that is one."""
    for row in rows:
        told, _blank, path = row.partition(b" ")
        seconds, _dot, fraction = told.partition(b".")
        if path and seconds.isdigit() and fraction.isdigit():
            yield int(seconds) * 1_000_000_000 + int(fraction[:9].ljust(9, b"0")), path


def _find_node(reader: TreeReader, tree: bytes, path: bytes) -> Node | None:
    try:
        entry = find_entry(reader, tree, path)
    except PathNotFoundError:
        return None
    return entry.node if entry else None


def tell_newer(newer: NewerFiles | None, place: str) -> None:
    """Say on the terminal what is newer than the backup."""
    if newer is None:
        text = _("  {place}: nobody could say which files are newer than the backup")
        write_line(text.format(place=place))
        return
    for paths, text in (
        (newer.overwritten, _("  {place}: newer than the backup, and overwritten: {count}")),
        (newer.staying, _("  {place}: newer than the backup, not in it, left alone: {count}")),
    ):
        if paths:
            count = format_number(len(paths)) + ("" if newer.is_all else "+")
            write_line(text.format(place=place, count=count))
        for path in paths[:_MOST_SHOWN]:
            write_line(f"    {show_path(path)}")
        if len(paths) > _MOST_SHOWN:
            write_line("    …")
    if not newer.overwritten and not newer.staying:
        write_line(_("  {place}: no file is newer than the backup").format(place=place))
