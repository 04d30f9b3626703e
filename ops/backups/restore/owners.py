"""What a restore by a user other than root could not give: owners, special modes, attributes.

What was restored is looked at again, entry by entry, beside the snapshot: so nothing depends on who
restored what. Owners and modes go into a list beside it that root applies with `xargs`, `chown` and
`chmod`: three fields an entry, each ended by NUL, so that no name is ever taken for anything else.
Entries come before their folders: nobody gets a folder while what lies in it is still to be given.
"""

import os
import shlex
import stat
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from backup.format.tree import Node
from backup.restorer.metadata import SPECIAL_BITS, metadata_of
from backup.restorer.request import PathFilter
from backup.snapshots.walk import TreeReader, walk
from ops.durable_files import put_anew
from ops.language.formats import format_number
from ops.language.text import _, ngettext, show_path
from ops.terminal.output import write_line

_SUFFIX = ".owners"
_MODE = 0o600
# $1 owner and group as numbers, $2 mode, $3 path below the folder. A link is given, never followed.
_APPLY = """'chown -h -- "$1" "$3" && { [ -L "$3" ] || chmod -- "$2" "$3"; }'"""


@dataclass(slots=True)
class Unset:
    """What is not as in the backup.

    Attributes:
        records: Of the list, one an entry: owner, mode and path.
        attributes: Names of extended attributes that are missing, with how many entries lack each.
        devices: Paths of devices that nobody but root can make.
    """

    records: list[bytes] = field(default_factory=list)
    attributes: dict[str, int] = field(default_factory=dict)
    devices: list[bytes] = field(default_factory=list)

    @property
    def count(self) -> int:
        """Entries and attributes that are not as in the backup."""
        return len(self.records) + sum(self.attributes.values()) + len(self.devices)

    def add(self, other: "Unset") -> None:
        """Take over what another has found."""
        self.records += other.records
        self.devices += other.devices
        for name, count in other.attributes.items():
            self.attributes[name] = self.attributes.get(name, 0) + count


def find_unset(
    reader: TreeReader,
    tree: bytes,
    target: bytes,
    include: PathFilter | None,
    exclude: PathFilter | None,
) -> Unset:
    """Look at what was restored of a tree; entries that are not there are passed over.

    Args:
        reader: Of the repository.
        tree: What was restored.
        target: Where it is.
        include: What was chosen, as the restore had it.
        exclude: And what of it was not.
    """
    unset = Unset()
    for entry in walk(reader, tree):
        if (include and not include.match(entry.path)) or (exclude and exclude.match(entry.path)):
            continue
        place = target + entry.path
        try:
            status = os.lstat(place)
        except OSError:
            if entry.node.type in {"dev", "chardev"}:
                unset.devices.append(entry.path)
            continue
        if differs(entry.node, status):
            metadata = metadata_of(entry.node)
            owner = b"%d:%d" % (metadata.uid, metadata.gid)
            unset.records.append(b"%b\0%04o\0.%b\0" % (owner, metadata.mode, entry.path))
        for name in _lacking(entry.node, place):
            unset.attributes[name] = unset.attributes.get(name, 0) + 1
    return unset


def differs(node: Node, status: os.stat_result) -> bool:
    """Tell whether owner, group or special bits are not as in the snapshot; pure."""
    metadata = metadata_of(node)
    owned = (status.st_uid, status.st_gid) == (metadata.uid, metadata.gid)
    is_link = stat.S_ISLNK(status.st_mode)
    return not owned or (not is_link and (status.st_mode ^ metadata.mode) & SPECIAL_BITS != 0)


def _lacking(node: Node, place: bytes) -> Iterator[str]:
    for name, value in node.xattrs:
        found = None
        with suppress(OSError, ValueError):
            found = os.getxattr(place, os.fsencode(name), follow_symlinks=False)
        if found != value:
            yield name


def tell_unset(unset: Unset, target: Path, site: str) -> Path | None:
    """Say what is not as in the backup, and write the list for root; gives its path.

    Args:
        unset: What was found.
        target: The folder that was restored into.
        site: Name of the folder in it.
    """
    place = None
    if unset.records:
        place = target / f"{site}{_SUFFIX}"
        put_anew(place, b"".join(reversed(unset.records)), _MODE)
        text = ngettext(
            "  {count} entry has another owner, group or special mode than in the backup: only root"
            " gives files away. As root:",
            "  {count} entries have another owner, group or special mode than in the backup: only"
            " root gives files away. As root:",
            len(unset.records),
        )
        write_line(text.format(count=format_number(len(unset.records))))
        write_line("  " + command_for(target, place.name))
    for name, count in unset.attributes.items():
        text = _("  the attribute {name} could not be set here, entries: {count}")
        write_line(text.format(name=show_path(os.fsencode(name)), count=format_number(count)))
    for path in unset.devices[:_MOST_SHOWN]:
        write_line("  " + _("only root makes devices: {path}").format(path=show_path(path)))
    return place


_MOST_SHOWN = 20


def command_for(target: Path, name: str) -> str:
    """Give the command by which root applies a list that lies in the folder it is about."""
    words = f"xargs -0 -n 3 -a {shlex.quote(name)} sh -c {_APPLY} sh"
    return f"cd {shlex.quote(str(target))} && sudo {words}"
