"""What a restore by a user other than root could not give: owners, special modes, attributes.

What was restored is looked at again, entry by entry, beside the snapshot: so nothing depends on who
restored what. Owners and modes go into a list beside it that root applies with `xargs`, `chown` and
`chmod`: three fields an entry, each ended by NUL, so that no name is ever taken for anything else.
First the folders on the way, outer ones first, are taken to root and closed: some may be open to
all, and who waits in one would swap a name for a link. A folder's path then ends with a slash; one
that is none ends it all. Entries come before their folders: nobody gets a folder while what lies in
it is still to be given.
"""

import os
import shlex
import stat
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from backup.format.tree import Node
from backup.restorer.metadata import SPECIAL_BITS, is_root, metadata_of
from backup.restorer.request import PathFilter
from backup.snapshots.walk import Trees, walk
from ops.durable_files import put_anew
from ops.entering import entered, name_of
from ops.errors import OpsError
from ops.language.formats import format_number
from ops.language.text import _, ngettext, show_path
from ops.terminal.output import write_line

_SUFFIX = ".owners"
_MODE = 0o600
# $1 owner and group as numbers, $2 mode, $3 path below the folder. A link is given, never followed.
_APPLY = (
    """'it=${3%/}; [ "$it" = "$3" ] || { [ -d "$it" ] && [ ! -L "$it" ]; } ||"""
    """ { echo "$it: not a folder any more" >&2; exit 255; };"""
    """ chown -h -- "$1" "$it" && { [ -L "$it" ] || chmod -- "$2" "$it"; }'"""
)
_TAKE = b"0:0\0go-w\0%b/\0"


@dataclass(slots=True)
class Unset:
    """What is not as in the backup.

    Attributes:
        records: Path below the target of each entry, with its owner and mode.
        attributes: Names of extended attributes that are missing, with how many entries lack each.
        devices: Paths of devices that nobody but root can make.
    """

    records: dict[bytes, tuple[bytes, bytes]] = field(default_factory=dict)
    attributes: dict[str, int] = field(default_factory=dict)
    devices: list[bytes] = field(default_factory=list)

    @property
    def count(self) -> int:
        """Entries and attributes that are not as in the backup."""
        return len(self.records) + sum(self.attributes.values()) + len(self.devices)

    def add(self, other: "Unset") -> None:
        """Take over what another has found."""
        self.records |= other.records
        self.devices += other.devices
        for name, count in other.attributes.items():
            self.attributes[name] = self.attributes.get(name, 0) + count


def find_unset(
    reader: Trees,
    tree: bytes,
    target: bytes,
    include: PathFilter | None,
    exclude: PathFilter | None,
) -> Unset:
    """Look at what was restored of a tree; entries that are not there are passed over.

    Args:
        reader: Gives trees.
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
            unset.records[b"." + entry.path] = owner, b"%04o" % metadata.mode
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


def tell_unset(unset: Unset, target: Path, site: str, *, is_anybodys: bool = False) -> Path | None:
    """Say what is not as in the backup, and write the list for root; gives its path.

    Args:
        unset: What was found.
        target: The folder that was restored into.
        site: Name of the folder in it.
        is_anybodys: Whether the list would be of a person of the office, who could write into it
            whom root is to give what: then there is none, and root restores.
    """
    place = None
    if is_anybodys and is_root():
        _tell_left_out(unset, target)
        return None
    if unset.records and is_anybodys:
        text = ngettext(
            "  {count} entry has another owner, group or special mode than in the backup: only root"
            " gives files away. Where that matters, have root restore: the same command, with a"
            " folder of root's",
            "  {count} entries have another owner, group or special mode than in the backup: only"
            " root gives files away. Where that matters, have root restore: the same command, with"
            " a folder of root's",
            len(unset.records),
        )
        write_line(text, count=len(unset.records))
    elif unset.records and not _is_ours_alone(target):
        text = _(
            "  entries with another owner, group or special mode than in the backup: {count}."
            " Others may write in {folder} or move it, so no list for root is put there; restore"
            " into a folder that {user} alone writes: `sudo install -d -m 700 -o {user} FOLDER`"
        )
        told = format_number(len(unset.records))
        folder = show_path(os.fsencode(target))
        write_line(text, count=told, folder=folder, user=name_of(os.geteuid()))
    elif unset.records:
        place = target / f"{site}{_SUFFIX}"
        put_anew(place, b"".join(make_list(unset.records, os.fsencode(target))), _MODE)
        text = ngettext(
            "  {count} entry has another owner, group or special mode than in the backup: only root"
            " gives files away. As root:",
            "  {count} entries have another owner, group or special mode than in the backup: only"
            " root gives files away. As root:",
            len(unset.records),
        )
        write_line(text, count=len(unset.records))
        write_line("  " + command_for(target, place.name))
    for name, count in unset.attributes.items():
        text = _("  the attribute {name} could not be set here, entries: {count}")
        write_line(text, name=show_path(os.fsencode(name)), count=count)
    for path in unset.devices[:_MOST_SHOWN]:
        write_line("  " + _("only root makes devices: {path}"), path=show_path(path))
    return place


def _tell_left_out(unset: Unset, target: Path) -> None:
    """Say what root was not given, since others may enter the folder."""
    if not unset.count:
        return
    text = _(
        "  left out, since others may enter {folder}: special modes of {modes} entries, attributes:"
        " {attributes}, devices: {devices}. Where they matter, restore into a new folder; these are"
    )
    counts = (len(unset.records), sum(unset.attributes.values()), len(unset.devices))
    modes, attributes, devices = map(format_number, counts)
    folder = show_path(os.fsencode(target))
    write_line(text, folder=folder, modes=modes, attributes=attributes, devices=devices)
    for path in [*unset.records, *unset.devices][:_MOST_SHOWN]:
        write_line("    " + show_path(path))


def _is_ours_alone(target: Path) -> bool:
    with suppress(OpsError), entered(target / _SUFFIX) as place:
        return place.is_steady
    return False


def make_list(records: dict[bytes, tuple[bytes, bytes]], target: bytes) -> list[bytes]:
    """Give the list: folders on the way are taken, then everything is given, inner entries first.

    Args:
        records: As `Unset` has them.
        target: The folder; those on the way that have no record get back what they have now.
    """
    above = {it[:end] for it in records for end in _ends(it)}
    given = dict(records)
    for folder in above - records.keys():
        status = os.lstat(target + folder[1:])
        mode = b"%04o" % stat.S_IMODE(status.st_mode)
        given[folder] = b"%d:%d" % (status.st_uid, status.st_gid), mode
    taken = [_TAKE % it for it in sorted(above, key=_depth)]
    inner_first = sorted(given, key=_depth, reverse=True)
    return taken + [b"%b\0%b\0%b\0" % (*given[it], it) for it in inner_first]


def _ends(path: bytes) -> list[int]:
    return [at for at, byte in enumerate(path) if byte == ord("/")]


def _depth(path: bytes) -> int:
    return path.count(b"/")


_MOST_SHOWN = 20


def command_for(target: Path, name: str) -> str:
    """Give the command by which root applies a list that lies in the folder it is about."""
    words = f"xargs -0 -n 3 -a {shlex.quote(name)} sh -c {_APPLY} sh"
    return f"cd {shlex.quote(str(target))} && sudo {words}"
