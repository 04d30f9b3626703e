"""Put a folder of a snapshot onto a host through SSH, and prove on the host that it arrived.

Order:
1. Enter the folder name by name, made where it is not there; no link is followed that others than
   root, or the account that writes, could have made.
2. Take each folder of the snapshot that is there from its owner and from whoever else may write in
   it, the outer ones first: from then on nobody swaps a name for a link, not even from within. Its
   access lists go too: what is made in it would inherit them.
3. Stream what the snapshot holds as a tar archive into `tar` there. Owners go by their names, for a
   fresh machine may count them otherwise. Folders get theirs back when all of it is there, the
   inner ones first, the folder itself at the end.
4. Have `sha256sum` there read every file again and compare it with the snapshot's own bytes.

What the snapshot does not have is left where it is. Cut off anywhere, it is done again; where the
snapshot cannot be read to its end, the folders that were taken are given back first.
"""

import hashlib
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass

from backup.errors import BackupError
from backup.format.tree import Node
from backup.snapshots.dump import read_content, write_archive
from backup.snapshots.walk import Entry, TreeReader, find_entry, find_folder, walk
from ops.entering import LINK_NEXT, LINK_WHY
from ops.errors import OpsError
from ops.language.text import N_
from provisioning.errors import CommandError, ProvisioningError
from provisioning.hosts import Completed, Host

_LOOK_SECONDS = 900.0  # `du` of a large site
# Goes into the folder $1. A link is followed where root or this account made it, in a folder that
# they alone may write; after each step the place is asked for, for a name may be swapped at any
# time. What stops it is in `lack`; `missing` is what is not there, and is made if `add` is set.
_ENTER = rb"""
me=$(id -u) lack='' missing='' here='' rest=$1 links=0
ours() {
  set -- "$(find . "./$1" -prune \( -user 0 -o -user "$me" \) \
    \( -type l -o ! -perm -020 ! -perm -002 \) -print | wc -l)"
  [ "$1" -eq 2 ]
}
cd /
while [ -n "$rest" ] && [ -z "$lack" ]; do
  name=${rest%%/*} rest=${rest#"${rest%%/*}"} rest=${rest#/}
  case $name in
    ''|.) continue ;;
    ..) cd -P ..; here=${here%/*}; [ "$(pwd -P)" = "${here:-/}" ] || lack="link $here"; continue ;;
  esac
  if [ -L "./$name" ]; then
    links=$((links + 1))
    [ "$links" -le 40 ] && ours "$name" && to=$(readlink -- "./$name") ||
      { lack="link $here/$name"; break; }
    case $to in /*) cd /; here='' ;; esac
    rest=$to/$rest
  elif [ -d "./$name" ]; then
    cd -P -- "./$name" || { lack="write $here/$name"; break; }
    here=$here/$name
    [ "$(pwd -P)" = "$here" ] || lack="link $here"
  elif [ -e "./$name" ]; then
    lack="folder $here/$name"
  elif [ -z "$add" ]; then
    missing=$name; break
  else
    mkdir -- "./$name" || { lack="write $here"; break; }
    rest=$name/$rest
  fi
done
"""
_INTO = (
    _ENTER
    + rb"""[ -z "$lack" ] || { printf '%s\n' "refused: $lack" >&2; exit 1; }
shift
"""
)
# Who logs in and, after a tab, the first thing that is in the way. $1 the folder, $2 KiB wanted:
# what lies there is replaced file by file, so its room counts as free.
_PLACE = (
    rb"""add=''
told() { printf '%s\t%s\n' "$(id -un)" "$1"; exit 0; }
for it in mkdir tar chown chmod sha256sum find readlink xargs dd; do
  command -v "$it" >/dev/null || told "program $it"
done
"""
    + _ENTER
    + rb"""
[ -z "$lack" ] || told "$lack"
[ -w . ] && [ -x . ] || told "write ${here:-/}"
free=$(df -Pk . | awk 'END { print $4 }')
if [ "$2" -gt "$free" ]; then
  [ -n "$missing" ] || there=$(du -xsk . 2>/dev/null | cut -f1)
  [ "$2" -gt $((free + ${there:-0})) ] && told "room $free KiB"
fi
told ''
"""
)
# $1 the folder; then, for each depth, how many bytes of its input are the names of the folders
# there; the rest is the archive. Without the mask of its list a group may do more, so lists go
# before `chmod`; where `setfacl` fails the file system has none.
_TAKE = (
    b"add=1\n"
    + _INTO
    + rb"""
close='me=$1; shift
for it; do shift; [ -L "$it" ] || [ ! -d "$it" ] || set -- "$@" "$it"; done
[ $# -ne 0 ] || exit 0
chown -h "$me" -- "$@" || exit
setfacl -P -b -k -- "$@" 2>/dev/null
chmod go-w -- "$@"'
sh -c "$close" sh "$me" . || exit
for size; do
  dd bs=65536 count="$size" iflag=fullblock,count_bytes 2>/dev/null |
    xargs -0 sh -c "$close" sh "$me" || exit
done
exec tar -x -p --xattrs '--xattrs-include=*' --delay-directory-restore -f -
"""
)
_LACKS = {
    "program": N_("the program {missing} is missing there"),
    "folder": N_("{missing} is no folder"),
    "write": N_("it may not write in {missing}"),
    "link": LINK_WHY,
    "room": N_("there is room for {missing} only"),
    "owners": N_("it is not root, so it cannot give files to {missing}"),
}
READ_AGAIN = b"add=''\n" + _INTO + b"exec sha256sum --check --quiet --strict -"


class DeliveryFailedError(OpsError):
    """A host did not take what it was sent, or holds something else."""


@dataclass(frozen=True, slots=True)
class Delivered:
    """What was put there.

    Attributes:
        entries: Files, folders, links.
        files: Regular files, each read again.
        size_bytes: Of these.
    """

    entries: int
    files: int
    size_bytes: int


def look(reader: TreeReader, tree: bytes, folder: bytes) -> Delivered:
    """Count what would be put there."""
    return _count([it.node for it in walk(reader, find_folder(reader, tree, folder))])


def _count(nodes: list[Node]) -> Delivered:
    files = [it for it in nodes if it.type == "file"]
    return Delivered(len(nodes), len(files), sum(it.size for it in files))


def require_place(
    reader: TreeReader, tree: bytes, folder: bytes, host: Host, top: bytes
) -> Delivered:
    """Look whether a host would take a folder from this account; gives what would be put there.

    Args:
        reader: Of the repository.
        tree: The snapshot's.
        folder: Its path in the snapshot.
        host: As an administrator enters it.
        top: Where it would go.

    Raises:
        DeliveryFailedError: It would not: a program, room, or the right to write is missing.
        ProvisioningError: The host cannot be entered.
    """
    nodes = [it.node for it in walk(reader, find_folder(reader, tree, folder))]
    found = _count(nodes)
    words = [b"sh", b"-c", _PLACE, b"sh", top, b"%d" % (found.size_bytes // 1024)]
    ended = host.run(words, timeout=_LOOK_SECONDS)
    user, _tab, lacks = ended.stdout.decode("utf-8", "replace").strip().partition("\t")
    others = {it.user or str(it.uid) for it in nodes} - {user}
    if ended.status == 0 and not lacks and user != "root" and others:
        lacks = "owners " + ", ".join(sorted(others)[:3])
    if ended.status == 0 and not lacks:
        return found
    kind, _space, missing = lacks.partition(" ")
    raise DeliveryFailedError(
        "the account {user} could not put {path} onto the host {host}",
        why=_LACKS.get(kind, "{reason}"),
        data="nothing was changed",
        next_step=LINK_NEXT if kind == "link" else _OTHERWISE,
        user=user or "-",
        path=top.decode("utf-8", "backslashreplace"),
        host=host.name,
        reason=lacks or ended.stderr.decode("utf-8", "replace").strip()[:300],
        missing=missing,
    )


def deliver(reader: TreeReader, tree: bytes, folder: bytes, host: Host, top: bytes) -> Delivered:
    """Put a folder there.

    Args:
        reader: Of the repository.
        tree: The snapshot's.
        folder: Its path in the snapshot.
        host: As an administrator enters it.
        top: Where it goes.

    Raises:
        DeliveryFailedError: The host refused, or what it holds is not what was sent.
        DamagedError: The snapshot cannot be read.
    """
    below = find_folder(reader, tree, folder)
    entry = find_entry(reader, tree, folder)
    own = entry.node if entry else None
    try:
        try:
            _send(reader, below, host, top, own)
        except BackupError:  # who takes folders gives them back, though this cannot go on
            with suppress(BackupError, OpsError, ProvisioningError):
                _send(reader, below, host, top, own, folders_only=True)
            raise
        with host.start([b"sh", b"-c", READ_AGAIN, b"sh", top]) as process:
            for line in _sums(reader, below):
                process.write(line)
            process.close_input()
            told = process.read()
            ended = process.finish()
        _need(host, ended._replace(stderr=told + ended.stderr), top)
    except ProvisioningError as error:
        raise DeliveryFailedError(
            error.what, why=error.why, data=_HALF, next_step=_AGAIN, **error.params
        ) from error
    return look(reader, tree, folder)


def _send(
    reader: TreeReader,
    below: bytes,
    host: Host,
    top: bytes,
    own: Node | None,
    *,
    folders_only: bool = False,
) -> None:
    """Stream it; all names begin with `.`, so that `tar` knows the top for the folder of all."""
    levels = _folders_by_depth(walk(reader, below))
    words = [b"sh", b"-c", _TAKE, b"sh", top, *(b"%d" % len(it) for it in levels)]
    with host.start(words) as process:
        try:
            for it in levels:
                process.write(it)
            write_archive(
                reader, below, b".", process.write, "tar", top=own, folders_only=folders_only
            )
            process.close_input()
        except CommandError:  # it stopped reading: it may have said why
            _need(host, process.finish(), top)
            raise
        _need(host, process.finish(), top)


_HALF = (
    "what was put there so far is whole or is written over, and folders that were not reached"
    " belong to the account that writes until it is done again; the repository was only read"
)
_OTHERWISE = N_("put that right, or give another account: `--login root --identity FILE`")
_AGAIN = "put that right, then type the same command again"


def _need(host: Host, ended: Completed, top: bytes) -> None:
    if ended.status == 0:
        return
    lines = [it for it in ended.stderr.decode("utf-8", "replace").splitlines() if it.strip()]
    raise DeliveryFailedError(
        "{path} on the host {host} is not as in the snapshot",
        why="{reason}",
        data=_HALF,
        next_step=_AGAIN,
        path=top.decode("utf-8", "backslashreplace"),
        host=host.name,
        reason=" · ".join(lines[:3]) or f"exit status {ended.status}",
    )


def _folders_by_depth(entries: Iterable[Entry]) -> list[bytes]:
    """Give the folders' paths from the top on, each ended by NUL; one text for each depth."""
    levels: dict[int, bytearray] = {}
    for it in entries:
        if it.node.type == "dir":
            levels.setdefault(it.path.count(b"/"), bytearray()).extend(b".%b\0" % it.path)
    return [bytes(levels[depth]) for depth in sorted(levels)]


def _sums(reader: TreeReader, below: bytes) -> Iterator[bytes]:
    """Yield what `sha256sum --check` reads, for every file that has content of its own."""
    for entry in walk(reader, below):
        if entry.node.type == "file":
            digest = hashlib.sha256()
            for piece in read_content(reader, entry.node):
                digest.update(piece)
            yield sum_line(digest.hexdigest().encode(), entry.path)


def sum_line(digest: bytes, path: bytes) -> bytes:
    """Give one line of `sha256sum`; a backslash or a newline is escaped as coreutils does."""
    name = b"." + path
    plain = name.replace(b"\\", b"\\\\").replace(b"\n", b"\\n").replace(b"\r", b"\\r")
    mark = b"\\" if plain != name else b""
    return mark + digest + b"  " + plain + b"\n"
