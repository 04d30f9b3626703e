"""``copy``: copy snapshots from another repository."""

import argparse

from backup.commands.context import Context
from backup.commands.output import show_text
from backup.commands.parser import add_source_flags
from backup.commands.snapshot_flags import add_filter_flags, choose_many
from backup.copies.copy import CopiedSnapshot, CopyRequest, copy_snapshots
from backup.format.compression import Compression


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the flags."""
    parser.usage = "python -m backup copy --from-repo PLACE [flags] [ID …]"
    add_source_flags(parser)
    add_filter_flags(parser)


def run(arguments: argparse.Namespace, context: Context) -> int:
    """Copy them."""
    source = context.open_source_repository()
    target = context.open_repository()
    compression: Compression | None = "max" if arguments.compression == "max" else None
    # The source is only read, so --no-lock may spare it a lock; the target is written to.
    with context.lock(source), context.lock(target, writes=True) as lock:
        snapshots, is_whole = choose_many(context, source, arguments.operands)
        if lock is None:
            return 1
        copies = copy_snapshots(
            source,
            target,
            snapshots,
            lock=lock,
            request=CopyRequest(compression=compression),
            progress=context.progress(),
        )
        for copy in copies:
            _print(context, copy)
    return 0 if is_whole else 1


def _print(context: Context, copy: CopiedSnapshot) -> None:
    if context.json or context.quiet or not (copy.is_new or context.arguments.verbose):
        return
    source = copy.source
    paths = " ".join(source.paths)
    told = show_text(
        f"snapshot {source.short_id} of [{paths}] at {source.time:%Y-%m-%d %H:%M:%S %z} "
        f"by {source.username}@{source.hostname}"
    )
    context.output.line(f"\n{told}")
    if copy.is_new:
        context.output.line(f"snapshot {copy.copy_id[:8]} saved")
    else:
        context.output.line(
            f"skipping source snapshot {source.short_id}, "
            f"was already copied to snapshot {copy.copy_id[:8]}"
        )
    context.output.flush()
