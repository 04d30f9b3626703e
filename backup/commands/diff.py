"""``diff``: show the differences between two snapshots."""

import argparse
from dataclasses import asdict

from backup.commands.context import Context
from backup.commands.output import decode_path, format_size
from backup.commands.progress import describe
from backup.commands.snapshot_flags import need_operands
from backup.format.snapshot import Snapshot
from backup.snapshots.difference import Difference, Side, compare_trees
from backup.snapshots.selection import find_snapshot, split_subfolder
from backup.snapshots.walk import TreeReader, find_folder


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the flags."""
    parser.usage = "python -m backup diff [flags] ID[:FOLDER] ID[:FOLDER]"
    parser.add_argument("--metadata", action="store_true", help="also other times, owners, modes")


def run(arguments: argparse.Namespace, context: Context) -> int:
    """Show them."""
    need_operands(arguments, ["a first snapshot", "a second snapshot"])
    output = context.output
    repository = context.open_repository()
    with context.lock(repository):
        names = [split_subfolder(text) for text in arguments.operands]
        before, after = (find_snapshot(repository, name) for name, _ in names)
        reader = TreeReader(repository, repository.load_index())
        first, second = (
            find_folder(reader, snapshot.tree, folder)
            for snapshot, (_, folder) in zip((before, after), names, strict=True)
        )
        if not context.json:
            output.say(f"comparing snapshot {before.short_id} to {after.short_id}:\n")

        def report(path: bytes, mark: str) -> None:
            if context.json:
                row = {"message_type": "change", "path": decode_path(path), "modifier": mark}
                output.json(row)
            else:
                output.line(f"{mark:<5}{output.path(path)}")

        result = compare_trees(reader, first, second, report, metadata=arguments.metadata)
    for error in result.errors:
        output.warn(f"error: {describe(error)}; what lies below is not compared")
    _print_figures(context, before, after, result)
    return 1 if result.errors else 0


def _print_figures(context: Context, before: Snapshot, after: Snapshot, result: Difference) -> None:
    output = context.output
    if context.json:
        output.json(
            {
                "message_type": "statistics",
                "source_snapshot": before.id,
                "target_snapshot": after.id,
                "changed_files": result.changed_files,
                "added": asdict(result.added),
                "removed": asdict(result.removed),
            }
        )
        return
    if context.quiet:
        return
    added, removed = result.added, result.removed
    output.line()
    changed = f", {result.changed_files:5} changed"
    output.line(_figures("Files:", added.files, removed.files) + changed)
    output.line(_figures("Dirs:", added.dirs, removed.dirs))
    output.line(_figures("Others:", added.others, removed.others))
    output.line(_figures("Data Blobs:", added.data_blobs, removed.data_blobs))
    output.line(_figures("Tree Blobs:", added.tree_blobs, removed.tree_blobs))
    output.line(f"  Added:   {_size(added)}")
    output.line(f"  Removed: {_size(removed)}")


def _figures(title: str, added: int, removed: int) -> str:
    return f"{title:<13}{added:5} new, {removed:5} removed"


def _size(side: Side) -> str:
    return f"{format_size(side.bytes):<5}"
