"""``ls``: list the files of a snapshot."""

import argparse
import posixpath
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from backup.commands.context import Context
from backup.commands.node_output import format_entry, node_message
from backup.commands.output import show_text
from backup.commands.snapshot_flags import (
    add_filter_flags,
    choose_one,
    need_operands,
    open_folder,
)
from backup.commands.snapshots import snapshot_message
from backup.errors import UsageError
from backup.format.snapshot import Snapshot
from backup.snapshots.walk import Entry, TreeReader, walk

_SORT_KEYS: dict[str, Callable[[Entry], Any]] = {
    "name": lambda entry: entry.path,
    "size": lambda entry: (entry.node.size, entry.path),
    "time": lambda entry: (entry.node.mtime, entry.path),
    "mtime": lambda entry: (entry.node.mtime, entry.path),
    "atime": lambda entry: (entry.node.atime, entry.path),
    "ctime": lambda entry: (entry.node.ctime, entry.path),
    "extension": lambda entry: (posixpath.splitext(entry.node.name)[1], entry.path),
}


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the flags."""
    parser.usage = "python -m backup ls [flags] ID[:FOLDER] [FOLDER …]"
    add_filter_flags(parser)
    add = parser.add_argument
    add("-l", "--long", action="store_true", help="show mode, owner, size and time")
    add("--recursive", action="store_true", help="also what lies below the folders named")
    add("--human-readable", action="store_true", help="show sizes in KiB, MiB, GiB")
    add("-s", "--sort", metavar="KEY", choices=list(_SORT_KEYS), default="name",
        help="name, size, time, atime, ctime or extension")  # fmt: skip
    add("--reverse", action="store_true", help="the other way round")


def run(arguments: argparse.Namespace, context: Context) -> int:
    """List them."""
    need_operands(arguments, ["a snapshot's id, or latest"], more=True)
    folders = [_clean(folder) for folder in arguments.operands[1:]]
    repository = context.open_repository()
    with context.lock(repository):
        snapshot, below = choose_one(context, repository, arguments.operands[0])
        index = repository.load_index()
        reader, tree = open_folder(repository, index, snapshot, below)
        entries: Iterable[Entry] = _list(reader, tree, folders, recursive=arguments.recursive)
        if arguments.sort != "name" or arguments.reverse:
            entries = sorted(entries, key=_SORT_KEYS[arguments.sort], reverse=arguments.reverse)
        _print(context, snapshot, folders, entries)
    return 0


def _clean(folder: str) -> bytes:
    if not folder.startswith("/"):
        raise UsageError(
            "{folder!r} is not a path from the root of the snapshot",
            data="nothing was read or written",
            next_step="begin it with a slash",
            folder=folder,
        )
    path = posixpath.normpath(folder.encode("utf-8", "surrogateescape"))
    return b"" if path in (b"/", b"//") else path


def _list(
    reader: TreeReader, tree: bytes, folders: Sequence[bytes], *, recursive: bool
) -> Iterator[Entry]:
    """Yield all entries, or the named folders and what they hold."""
    if not folders:
        yield from walk(reader, tree)
        return

    def is_wanted(path: bytes) -> bool:
        parent = path.rpartition(b"/")[0]
        return any(
            folder in {path, parent} or (recursive and path.startswith(folder + b"/"))
            for folder in folders
        )

    def enters(entry: Entry) -> bool:
        return any(
            (folder + b"/").startswith(entry.path + b"/")
            or (recursive and entry.path.startswith(folder + b"/"))
            for folder in folders
        )

    for entry in walk(reader, tree, enters=enters):
        if is_wanted(entry.path):
            yield entry


def _print(
    context: Context, snapshot: Snapshot, folders: Sequence[bytes], entries: Iterable[Entry]
) -> None:
    output = context.output
    arguments = context.arguments
    if context.json:
        kind = {"message_type": "snapshot", "struct_type": "snapshot"}
        output.json(snapshot_message(snapshot) | kind)
        for entry in entries:
            output.json(node_message(entry))
        return
    shown = " ".join(output.path(folder or b"/") for folder in folders)
    output.say(f"{describe_snapshot(snapshot)} filtered by [{shown}]:")
    for entry in entries:
        output.line(
            format_entry(output, entry, long=arguments.long, human=arguments.human_readable)
        )


def describe_snapshot(snapshot: Snapshot) -> str:
    """Say which snapshot it is, in one line."""
    return show_text(
        f"snapshot {snapshot.short_id} of [{' '.join(snapshot.paths)}] at {snapshot.time} "
        f"by {snapshot.username}@{snapshot.hostname}"
    )
