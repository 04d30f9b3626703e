"""``restore``: bring files back from a snapshot into a folder."""

import argparse
import os
import time
from contextlib import closing
from typing import TYPE_CHECKING

from backup.commands.context import Context
from backup.commands.ls import describe_snapshot
from backup.commands.output import format_duration, format_size
from backup.commands.pattern_flags import add_pattern_flags, read_patterns
from backup.commands.preload import RestoreWarming
from backup.commands.snapshot_flags import add_filter_flags, choose_one, need_operands
from backup.errors import BackupError, UsageError

if TYPE_CHECKING:  # loaded while the password is turned into a key
    from backup.format.snapshot import Snapshot
    from backup.patterns.patterns import Patterns
    from backup.restorer.restore import RestoreResult


class IncompleteRestoreError(BackupError):
    """Some of what was asked for could not be restored."""


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the flags."""
    parser.usage = "python -m backup restore [flags] ID[:FOLDER] --target FOLDER"
    add_filter_flags(parser)
    add = parser.add_argument
    add("-t", "--target", metavar="FOLDER", default="", help="where to; made if it is missing")
    add_pattern_flags(parser, "include", "restore only this")
    add_pattern_flags(parser, "exclude", "leave this out")
    add("--overwrite", metavar="WHEN", default="always",
        choices=["always", "if-changed", "if-newer", "never"],
        help="always, if-changed, if-newer or never")  # fmt: skip
    add("--delete", action="store_true", help="remove what the snapshot does not have")
    add("--verify", action="store_true", help="read every restored file back")
    add("--dry-run", action="store_true", help="write nothing, only say what would be done")
    add("--sparse", action="store_true", help="make holes of zero bytes")


def run(arguments: argparse.Namespace, context: Context) -> int:
    """Restore, and say what came of it."""
    need_operands(arguments, ["a snapshot's id, or latest"])
    if not arguments.target:
        raise UsageError(
            "restore needs a folder to restore into",
            data="nothing was changed",
            next_step="pass --target FOLDER",
        )
    include, exclude = (
        read_patterns(arguments, context.environment, word) for word in ("include", "exclude")
    )
    if include and exclude:
        raise UsageError(
            "--include and --exclude cannot be used together",
            data="nothing was changed",
            next_step="keep one of them",
        )
    is_whole = not (include or exclude or arguments.dry_run or ":" in arguments.operands[0])
    with closing(RestoreWarming(is_whole=is_whole)) as warming:
        return _run(context, include, exclude, warming, is_whole=is_whole)


def _run(
    context: Context,
    include: "Patterns | None",
    exclude: "Patterns | None",
    warming: RestoreWarming,
    *,
    is_whole: bool,
) -> int:
    started_at = time.monotonic()
    arguments = context.arguments
    repository = context.open_repository(meanwhile=warming.start)
    from backup.restorer.restore import RestoreRequest, restore_snapshot

    progress = context.progress()
    with context.lock(repository):
        snapshot, folder = choose_one(context, repository, arguments.operands[0])
        request = RestoreRequest(
            target=os.fsencode(os.path.abspath(arguments.target)),
            subfolder=b"/" + folder,
            include=include,
            exclude=exclude,
            overwrite=arguments.overwrite,
            delete=arguments.delete,
            verify=arguments.verify,
            dry_run=arguments.dry_run,
            sparse=arguments.sparse,
            expected_bytes=_expected_bytes(snapshot) if is_whole else 0,
        )
        if not context.json and not context.quiet:
            context.output.line(f"restoring {describe_snapshot(snapshot)} to {arguments.target}")
        result = restore_snapshot(repository, snapshot.tree, request, progress, seats=warming.seats)
    _print_result(context, result, time.monotonic() - started_at)
    if result.is_complete:
        return 0
    raise IncompleteRestoreError(
        "{count} of {entries} entries could not be restored",
        why="the first is {path}: {cause}",
        data="everything else is restored, and nothing wrong was left under its name",
        next_step="run check --read-data, or restore these from an older snapshot or another copy",
        count=result.error_count,
        entries=result.entries,
        path=os.fsdecode(result.failures[0].path).encode("utf-8", "replace").decode(),
        cause=result.failures[0].error,
    )


def _expected_bytes(snapshot: "Snapshot") -> int:
    size = snapshot.summary.get("total_bytes_processed")
    return size if isinstance(size, int) and size > 0 else 0


def _print_result(context: Context, result: "RestoreResult", seconds: float) -> None:
    entries = result.entries - result.skipped
    size = result.size_bytes - result.skipped_bytes
    if context.json:
        optional = {
            "files_restored": result.restored,
            "files_skipped": result.skipped,
            "files_deleted": result.deleted,
            "total_bytes": size,
            "bytes_restored": result.restored_bytes,
            "bytes_skipped": result.skipped_bytes,
        }
        message: dict[str, object] = {"message_type": "summary"}
        if int(seconds):
            message["seconds_elapsed"] = int(seconds)
        message["total_files"] = entries
        context.output.json(message | {name: it for name, it in optional.items() if it})
        return
    if context.quiet:
        return
    done = "Would restore" if context.arguments.dry_run else "Restored"
    line = f"Summary: {done} {result.restored} files/dirs ({format_size(result.restored_bytes)})"
    line += f" in {format_duration(seconds)}"
    if result.skipped:
        skipped = format_size(result.skipped_bytes)
        line += f", skipped {result.skipped} files/dirs {skipped}"
    if result.deleted:
        line += f", deleted {result.deleted} files/dirs"
    context.output.line(line)
    if context.arguments.verify and not context.arguments.dry_run:
        context.output.line(f"verified {result.verified} files in {context.arguments.target}")
