"""Put a folder of a snapshot onto a host through SSH, and prove on the host that it arrived.

Order:
1. Make the folder; stream what the snapshot holds as a tar archive into `tar` there. Owners go by
   their names, for a fresh machine may count them otherwise.
2. Give the folder itself its owner, mode and time.
3. Have `sha256sum` there read every file again and compare it with the snapshot's own bytes.

What the snapshot does not have is left where it is. Cut off anywhere, it is done again.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

from backup.format.tree import Node, unix_permissions
from backup.snapshots.dump import read_content, write_archive
from backup.snapshots.walk import TreeReader, find_entry, find_folder, walk
from ops.errors import OpsError
from ops.language.text import N_
from provisioning.errors import ProvisioningError
from provisioning.hosts import Completed, Host

_QUICK_SECONDS = 60.0
_LOOK_SECONDS = 900.0  # `du` of a large site
# Who logs in and, after a tab, the first thing that is in the way. $1 the folder, $2 KiB wanted:
# what lies there is replaced file by file, so its room counts as free.
_PLACE = rb"""
told() { printf '%s\t%s\n' "$(id -un)" "$1"; exit 0; }
for it in mkdir tar chown chmod touch sha256sum; do
  command -v "$it" >/dev/null || told "program $it"
done
at=$1
while [ ! -e "$at" ] && [ ! -L "$at" ]; do at=$(dirname -- "$at"); done
[ -d "$at" ] || told "folder $at"
[ -w "$at" ] && [ -x "$at" ] || told "write $at"
free=$(df -Pk -- "$at" | awk 'END { print $4 }')
if [ "$2" -gt "$free" ]; then
  there=$(du -xsk -- "$1" 2>/dev/null | cut -f1)
  [ "$2" -gt $((free + ${there:-0})) ] && told "room $free KiB"
fi
told ''
"""
_LACKS = {
    "program": N_("the program {missing} is missing there"),
    "folder": N_("{missing} is no folder"),
    "write": N_("it may not write in {missing}"),
    "room": N_("there is room for {missing} only"),
    "owners": N_("it is not root, so it cannot give files to {missing}"),
}
READ_AGAIN = b'cd "$1" && exec sha256sum --check --quiet --strict -'


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
    raise DeliveryFailedError(
        "the account {user} could not put {path} onto the host {host}",
        why=_LACKS.get(lacks.partition(" ")[0], "{reason}"),
        data="nothing was changed",
        next_step="put that right, or give another account: `--login root --identity FILE`",
        user=user or "-",
        path=top.decode("utf-8", "backslashreplace"),
        host=host.name,
        reason=lacks or ended.stderr.decode("utf-8", "replace").strip()[:300],
        missing=lacks.partition(" ")[2],
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
    try:
        _need(host, host.run([b"mkdir", b"-p", b"--", top], timeout=_QUICK_SECONDS), top)
        words = [b"tar", b"-x", b"-p", b"--xattrs", b"--xattrs-include=*", b"-C", top, b"-f", b"-"]
        with host.start(words) as process:
            write_archive(reader, below, b"", process.write, "tar")
            process.close_input()
            ended = process.finish()
        _need(host, ended, top)
        entry = find_entry(reader, tree, folder)
        if entry is not None:
            _give_metadata(host, top, entry.node)
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


_HALF = "what was put there so far is whole or is written over; the repository was only read"
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


def _give_metadata(host: Host, top: bytes, node: Node) -> None:
    """Give the folder itself its owner, by name where the host knows it, its mode and time."""
    names = f"{node.user or node.uid}:{node.group or node.gid}".encode()
    owned = host.run([b"chown", names, b"--", top], timeout=_QUICK_SECONDS)
    if owned.status != 0:
        numbers = b"%d:%d" % (node.uid, node.gid)
        _need(host, host.run([b"chown", numbers, b"--", top], timeout=_QUICK_SECONDS), top)
    mode = b"%o" % unix_permissions(node.mode)
    _need(host, host.run([b"chmod", mode, b"--", top], timeout=_QUICK_SECONDS), top)
    moment = b"@%d.%09d" % divmod(node.mtime, 1_000_000_000)
    _need(host, host.run([b"touch", b"-d", moment, b"--", top], timeout=_QUICK_SECONDS), top)


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
