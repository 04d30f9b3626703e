"""``find``: find files by patterns, or blobs, trees and packs by their ids."""

import argparse
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from backup.commands.context import Context
from backup.commands.node_output import format_entry, match_message
from backup.commands.output import decode_path
from backup.commands.snapshot_flags import add_filter_flags, choose_many, need_operands
from backup.errors import UsageError
from backup.format.pack import BlobType
from backup.format.snapshot import Snapshot
from backup.format.times import format_local_time
from backup.patterns.patterns import compile_patterns
from backup.snapshots.find import (
    FoundObject,
    Query,
    WantedIds,
    describe_places,
    find_entries,
    find_objects,
    want_packs,
)
from backup.snapshots.walk import Entry, TreeReader

if TYPE_CHECKING:
    from backup.repository.index import Index

_NS = 1_000_000_000
_TIME_FORMATS = (
    "%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M", "%Y-%m-%d", "%Y/%m/%d %H:%M:%S", "%Y/%m/%d %H:%M",
    "%Y/%m/%d", "%d.%m.%Y %H:%M:%S", "%d.%m.%Y %H:%M", "%d.%m.%Y", "%d/%m/%Y %H:%M", "%d/%m/%Y",
)  # fmt: skip


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the flags."""
    parser.usage = "python -m backup find [flags] PATTERN …"
    add_filter_flags(parser)
    add = parser.add_argument
    add("-O", "--oldest", metavar="TIME", default="", help="modified at or after")
    add("-N", "--newest", metavar="TIME", default="", help="modified at or before")
    add("-s", "--snapshot", metavar="ID", action="append", default=[], help="only in this one")
    add("--blob", action="store_true", help="the patterns are ids of blobs")
    add("--tree", action="store_true", help="the patterns are ids of trees")
    add("--pack", action="store_true", help="the patterns are ids of packs")
    add("--show-pack-id", action="store_true", help="with --blob or --tree, say in which pack")
    add("-i", "--ignore-case", action="store_true", help="whatever the case")
    add("-l", "--long", action="store_true", help="show mode, owner, size and time")
    add("-R", "--reverse", action="store_true", help="oldest snapshot first")
    add("--human-readable", action="store_true", help="show sizes in KiB, MiB, GiB")


def run(arguments: argparse.Namespace, context: Context) -> int:
    """Find them."""
    need_operands(arguments, ["something to look for"], more=True)
    if arguments.blob + arguments.tree + arguments.pack > 1:
        raise UsageError("--blob, --tree and --pack cannot be used together")
    query = None if arguments.blob or arguments.tree or arguments.pack else _make_query(arguments)
    repository = context.open_repository()
    with context.lock(repository):
        snapshots, is_whole = choose_many(context, repository, arguments.snapshot)
        if not arguments.reverse:
            snapshots.reverse()
        index = repository.load_index()
        reader = TreeReader(repository, index)
        if query is not None:
            _find_entries(context, reader, snapshots, query)
        else:
            _find_objects(context, reader, snapshots, _wanted(arguments, index))
    return 0 if is_whole else 1


def _make_query(arguments: argparse.Namespace) -> Query:
    # restic's patterns have no "!" here; escaped, ours do not either.
    texts = ["\\" + text if text.startswith("!") else text for text in arguments.operands]
    if arguments.ignore_case:
        patterns = [compile_patterns((), [text]) for text in texts]
    else:
        patterns = [compile_patterns([text]) for text in texts]
    return Query(
        patterns,
        oldest=_parse_time(arguments.oldest) if arguments.oldest else None,
        newest=_parse_time(arguments.newest) if arguments.newest else None,
    )


def _parse_time(text: str) -> int:
    """Read a time in local time as nanoseconds since the epoch.

    Raises:
        UsageError: It is no time.
    """
    for form in _TIME_FORMATS:
        try:
            when = datetime.strptime(text, form).astimezone()
        except ValueError:
            continue
        return int(when.timestamp()) * _NS
    raise UsageError(
        "{text!r} is not a time", next_step="write it like '2026-11-24 22:00:00'", text=text
    )


def _wanted(arguments: argparse.Namespace, index: "Index") -> WantedIds:
    ids = {text.lower() for text in arguments.operands}
    if arguments.pack:
        return want_packs(index, sorted(ids))
    return WantedIds(blobs=ids) if arguments.blob else WantedIds(trees=ids)


def _find_entries(
    context: Context, reader: TreeReader, snapshots: Sequence[Snapshot], query: Query
) -> None:
    output = context.output
    rows = []
    is_first = True
    for snapshot in snapshots:
        entries = find_entries(reader, snapshot, query)
        if context.json:
            matches = [match_message(entry) for entry in entries]
            if matches:
                rows.append({"matches": matches, "hits": len(matches), "snapshot": snapshot.id})
            continue
        for number, entry in enumerate(entries):
            if number == 0:
                if not context.quiet:
                    output.line(("" if is_first else "\n") + _heading(snapshot))
                is_first = False
            output.line(_format(context, entry))
    if context.json:
        output.json(rows)


def _heading(snapshot: Snapshot) -> str:
    return f"Found matching entries in snapshot {snapshot.short_id} from {_local(snapshot)}"


def _local(snapshot: Snapshot) -> str:
    return f"{snapshot.time.astimezone():%Y-%m-%d %H:%M:%S}"


def _format(context: Context, entry: Entry) -> str:
    arguments = context.arguments
    return format_entry(context.output, entry, long=arguments.long, human=arguments.human_readable)


def _find_objects(
    context: Context, reader: TreeReader, snapshots: Sequence[Snapshot], wanted: WantedIds
) -> None:
    hits = (
        (found, snapshot)
        for snapshot in snapshots
        for found in find_objects(reader, snapshot, wanted)
    )
    if context.json:
        context.output.json([_message(found, snapshot) for found, snapshot in hits])
        return
    places: dict[tuple[BlobType, bytes], FoundObject] = {}
    for found, snapshot in hits:
        places[found.type, found.id] = found
        for line in _lines(context, found, snapshot):
            context.output.line(line)
    if context.arguments.show_pack_id:
        for line in [
            it for found in places.values() for it in describe_places(reader.index, found)
        ]:
            context.output.line(line)


def _message(found: FoundObject, snapshot: Snapshot) -> dict[str, Any]:
    is_tree = found.type is BlobType.TREE
    message = {
        "object_type": "tree" if is_tree else "blob",
        "id": found.id.hex(),
        "path": decode_path(found.path),
    }
    if not is_tree:
        message["parent_tree"] = found.parent.hex()
    return message | {"snapshot": snapshot.id, "time": format_local_time(snapshot.time)}


def _lines(context: Context, found: FoundObject, snapshot: Snapshot) -> Iterator[str]:
    path = context.output.path(found.path)
    if found.type is BlobType.TREE:
        yield f"Found tree {found.id.hex()}"
        yield f" ... path {path}"
    else:
        yield f"Found blob {found.id.hex()}"
        yield f" ... in file {path}"
        yield f"     (tree {found.parent.hex()})"
    yield f" ... in snapshot {snapshot.short_id} ({_local(snapshot)})"
