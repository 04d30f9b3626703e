"""``prune``: remove data that no snapshot needs."""

import argparse
from collections.abc import Collection

from backup.commands.context import Context
from backup.commands.output import format_size
from backup.commands.snapshot_flags import need_operands
from backup.errors import UsageError
from backup.prune.prune import (
    PruneFigures,
    PrunePlan,
    PruneRequest,
    PruneResult,
    plan_prune,
    prune,
)
from backup.quantities import parse_size, parse_unused_limit
from backup.repository.repository import Repository

_WHOLE = 100


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the flags."""
    parser.usage = "python -m backup prune [flags]"
    add = parser.add_argument
    add("-n", "--dry-run", action="store_true", help="change nothing, only say what would be done")
    add("--unsafe-allow-remove-all", action="store_true",
        help="go on where there is no snapshot at all, and remove all data")  # fmt: skip
    add_prune_flags(parser)


def add_prune_flags(parser: argparse.ArgumentParser) -> None:
    """Declare the flags that say how far to go; forget has them too."""
    add = parser.add_argument
    add("--max-unused", metavar="LIMIT", default="5%",
        help="unused data that may stay: a size, a share such as 5%%, or unlimited")  # fmt: skip
    add("--max-repack-size", metavar="SIZE", default="", help="stop after repacking so much")
    add("--repack-cacheable-only", action="store_true", help="repack packs of trees only")
    add("--repack-small", action="store_true", help="join packs below 80%% of the usual size")
    add("--repack-smaller-than", metavar="SIZE", default="", help="join packs below this size")
    add("--repack-uncompressed", action="store_true", help="compress data that is stored plain")


def make_request(arguments: argparse.Namespace) -> PruneRequest:
    """Read the flags.

    Raises:
        UsageError: A limit or size makes no sense.
    """
    return PruneRequest(
        max_unused=parse_unused_limit(arguments.max_unused),
        max_repack_bytes=parse_size(arguments.max_repack_size)
        if arguments.max_repack_size
        else None,
        repack_small=arguments.repack_small,
        repack_smaller_than=parse_size(arguments.repack_smaller_than or "0"),
        repack_uncompressed=arguments.repack_uncompressed,
        repack_cacheable_only=arguments.repack_cacheable_only,
        allow_empty=arguments.unsafe_allow_remove_all,
    )


def run(arguments: argparse.Namespace, context: Context) -> int:
    """Prune."""
    need_operands(arguments, [])
    request = make_request(arguments)
    if arguments.no_lock and not arguments.dry_run:
        raise UsageError(
            "--no-lock needs --dry-run here",
            why="prune removes data",
            data="nothing was removed",
            next_step="leave out --no-lock, or add --dry-run",
        )
    return run_prune(context, context.open_repository(), request)


def run_prune(
    context: Context,
    repository: Repository,
    request: PruneRequest,
    *,
    without: Collection[str] = (),
) -> int:
    """Prune, or with --dry-run only look, and say what was done; gives the exit code.

    Args:
        context: The command's surroundings.
        repository: What to prune.
        request: How far to go.
        without: Ids of snapshots that a dry run takes for removed already.
    """
    progress = context.progress()
    if context.arguments.dry_run:
        with context.lock(repository):
            plan = plan_prune(repository, request, without=without, progress=progress)
        _print_plan(context, plan)
        return 0
    result = prune(
        repository,
        request,
        retry_for=context.arguments.retry_lock,
        progress=progress,
        on_plan=lambda plan: _print_plan(context, plan),
    )
    return _report(context, result)


def _print_plan(context: Context, plan: PrunePlan) -> None:
    if context.quiet or (context.json and context.arguments.verb == "forget"):
        return
    if context.arguments.dry_run:
        context.output.line("\nWould have made the following changes:")
    for line in format_figures(plan.figures):
        context.output.line(line)
    context.output.flush()


def format_figures(figures: PruneFigures) -> list[str]:
    """Lay out a plan's figures as restic does."""
    removed = figures.removed_blobs + figures.repack_removed_blobs
    removed_bytes = figures.removed_bytes + figures.repack_removed_bytes
    left = figures.used_blobs + figures.unused_blobs - removed
    left_bytes = figures.used_bytes + figures.unused_bytes - removed_bytes
    share = _WHOLE * figures.unused_bytes_after / left_bytes if left_bytes else 0.0
    rows = (
        ("to repack:", figures.repack_blobs, figures.repack_bytes),
        ("this removes:", figures.repack_removed_blobs, figures.repack_removed_bytes),
        ("to delete:", figures.removed_blobs, figures.removed_bytes + figures.unindexed_bytes),
        ("total prune:", removed, removed_bytes + figures.unindexed_bytes),
        ("remaining:", left, left_bytes),
    )
    lines = [f"{name:<16}{blobs:>8} blobs / {format_size(size)}" for name, blobs, size in rows]
    after = format_size(figures.unused_bytes_after)
    return ["", *lines, f"unused size after prune: {after} ({share:.2f}% of remaining size)", ""]


def _report(context: Context, result: PruneResult) -> int:
    output = context.output
    if result.kept_back:
        output.note(f"{result.kept_back} packs stay: a new snapshot needs them after all")
    if result.locked.keys:
        output.note(
            f"{len(result.locked.keys)} packs that nobody needs stay: the store keeps them locked, "
            f"the last until {result.locked.until:%Y-%m-%dT%H:%M:%SZ}"
        )
    if result.postponed_by is not None:
        reason = result.postponed_by.lines()
        output.warn(
            "postponed: what nobody needs is still there, since the repository is in use"
            + "".join(f"\n  {label}: {text}" for label, text in reason if label == "why")
            + "\n  data: all of it is safe; what was repacked is kept"
            + "\n  next: run prune again later, or let it wait with --retry-lock 2h"
        )
        return result.postponed_by.exit_code
    if result.overwritten:
        output.warn(
            f"{len(result.overwritten)} objects were overwritten in the bucket, the first is "
            f"{result.overwritten[0]}"
            "\n  data: what they held before lies beneath and was not removed"
            "\n  next: change the access key, then read as of before with --at"
        )
    output.note(
        f"removed {result.removed_packs} packs, {format_size(result.removed_bytes)} in the store"
    )
    if not context.quiet and not context.json:
        output.line("done")
    return 0
