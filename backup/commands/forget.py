"""``forget``: remove snapshots, by a policy or by their ids."""

import argparse
from collections.abc import Sequence
from typing import Any

from backup.commands.context import Context
from backup.commands.output import Column, format_size, format_table
from backup.commands.prune import add_prune_flags, make_request, run_prune
from backup.commands.snapshot_flags import add_filter_flags, choose_many, make_filter
from backup.commands.snapshots import describe_group, snapshot_message
from backup.errors import UsageError
from backup.format.snapshot import Snapshot
from backup.repository.repository import Repository
from backup.retention.forget import (
    ForgetPlan,
    ForgetResult,
    GroupPlan,
    apply_forget,
    plan_forget,
    plan_forget_named,
)
from backup.retention.policy import (
    UNLIMITED,
    CalendarDuration,
    KeepPolicy,
    parse_count,
    parse_duration,
    parse_tag_list,
)
from backup.snapshots.groups import parse_grouping
from backup.snapshots.selection import load_readable_snapshots

_UNITS = ("last", "hourly", "daily", "weekly", "monthly", "yearly")
_WITHIN_UNITS = _UNITS[1:]
_INCOMPLETE = 3


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the flags."""
    parser.usage = "python -m backup forget [flags] [ID …]"
    add = parser.add_argument
    for unit in _UNITS:
        words = "the newest N snapshots" if unit == "last" else f"N {unit} snapshots"
        short = "-H" if unit == "hourly" else f"-{unit[0]}"
        add(short, f"--keep-{unit}", metavar="N", default="0",
            help=f"keep {words}, or unlimited")  # fmt: skip
    add("--keep-within", metavar="DURATION", default="",
        help="keep what is newer than this, e.g. 1y5m7d2h, than the newest snapshot")  # fmt: skip
    for unit in _WITHIN_UNITS:
        add(f"--keep-within-{unit}", metavar="DURATION", default="",
            help=f"keep {unit} snapshots that are newer than this")  # fmt: skip
    add("--keep-tag", metavar="TAG,…", action="append", default=[],
        help="keep snapshots with all these tags; may be given several times")  # fmt: skip
    add("--unsafe-allow-remove-all", action="store_true",
        help="allow that nothing is left of a group, and with --prune of all data")  # fmt: skip
    add_filter_flags(parser, short_host=False)
    add("-c", "--compact", action="store_true", help="leave out paths and reasons")
    add("-g", "--group-by", metavar="PARTS", default="host,paths", help="host, paths, tags")
    add("-n", "--dry-run", action="store_true", help="delete nothing, only say what would be done")
    add("--prune", action="store_true", help="then remove data that no snapshot needs")
    add_prune_flags(parser)


def run(arguments: argparse.Namespace, context: Context) -> int:
    """Remove them; then prune, if that is wanted."""
    policy = make_policy(arguments)
    request = make_request(arguments)
    if arguments.no_lock and not arguments.dry_run:
        raise UsageError(
            "--no-lock needs --dry-run here",
            why="forget removes snapshots",
            data="nothing was removed",
            next_step="leave out --no-lock, or add --dry-run",
        )
    repository = context.open_repository()
    progress = context.progress()
    result = None
    with context.lock(repository, exclusive=not arguments.dry_run) as lock:
        plan, is_whole = _plan(arguments, context, repository, policy)
        _print_plan(context, plan, policy)
        if plan.remove and lock is not None and not arguments.dry_run:
            result = apply_forget(repository, plan, lock=lock, progress=progress)
    code = _report(context, plan, result)
    if code or not is_whole:
        return code or 1
    if arguments.prune and plan.remove:
        return run_prune(context, repository, request, without=plan.remove)
    return 0


def make_policy(arguments: argparse.Namespace) -> KeepPolicy:
    """Read the --keep flags.

    Raises:
        UsageError: A count or duration makes no sense.
    """
    rules: dict[str, Any] = {
        unit: parse_count(getattr(arguments, f"keep_{unit}")) for unit in _UNITS
    }
    rules |= {
        f"within_{unit}": parse_duration(getattr(arguments, f"keep_within_{unit}"))
        for unit in _WITHIN_UNITS
    }
    return KeepPolicy(
        **rules,
        within=parse_duration(arguments.keep_within),
        tags=tuple(parse_tag_list(text) for text in arguments.keep_tag),
    )


def _plan(
    arguments: argparse.Namespace, context: Context, repository: Repository, policy: KeepPolicy
) -> tuple[ForgetPlan, bool]:
    if arguments.operands:
        chosen, is_whole = choose_many(context, repository, arguments.operands)
        return plan_forget_named(chosen), is_whole
    everything = load_readable_snapshots(repository)
    for error in everything.errors:
        context.output.warn(f"warning: {error}; it is left out")
    plan = plan_forget(
        everything.snapshots,
        policy,
        now=repository.clock.now(),
        grouping=parse_grouping(arguments.group_by),
        wanted=make_filter(arguments, context.environment),
        remove_all=arguments.unsafe_allow_remove_all,
    )
    return plan, not everything.errors


# Words -------------------------------------------------------------------------------------------


def _print_plan(context: Context, plan: ForgetPlan, policy: KeepPolicy) -> None:
    if context.json:
        if plan.groups:
            context.output.json([_group_message(group) for group in plan.groups])
        return
    if context.quiet or plan.wanted is None:
        return
    context.output.line(f"Applying Policy: {describe_policy(policy)}")
    for group in plan.groups:
        context.output.line(describe_group(group.key))
        kept = [verdict.snapshot for verdict in group.keep]
        reasons = [verdict.reasons for verdict in group.keep]
        _print_table(context, "keep", kept, reasons)
        _print_table(context, "remove", group.remove, ())


def _print_table(
    context: Context,
    word: str,
    snapshots: Sequence[Snapshot],
    reasons: Sequence[Sequence[str]],
) -> None:
    if not snapshots:
        return
    context.output.line(f"{word} {len(snapshots)} snapshots:")
    compact = context.arguments.compact
    for line in _format(snapshots[::-1], [] if compact else reasons[::-1], compact=compact):
        context.output.line(line)
    context.output.line()


def describe_policy(policy: KeepPolicy) -> str:
    """Say a policy in restic's words."""
    if policy.is_empty:
        return "remove"
    counts = [
        f"{'all' if count == UNLIMITED else count} {'latest' if unit == 'last' else unit}"
        for unit, count in ((unit, getattr(policy, unit)) for unit in _UNITS)
        if count
    ]
    parts = [", ".join(counts) + " snapshots"] if counts else []
    for unit in _WITHIN_UNITS:
        duration: CalendarDuration = getattr(policy, f"within_{unit}")
        if duration:
            parts.append(f"{unit} snapshots within {duration}")
    sentence = [", ".join(parts)] if parts else []
    if policy.tags:
        lists = " ".join(f"[{', '.join(tags)}]" for tags in policy.tags)
        sentence.append(f"all snapshots with tags [{lists}]")
    if policy.within:
        sentence.append(f"all snapshots within {policy.within} of the newest")
    return "keep " + " and ".join(sentence)


def _format(
    snapshots: Sequence[Snapshot], reasons: Sequence[Sequence[str]], *, compact: bool
) -> list[str]:
    """Lay out a table of snapshots in their order; reasons may be empty."""
    columns = [
        Column("ID", [[it.short_id] for it in snapshots]),
        Column("Time", [[f"{it.time.astimezone():%Y-%m-%d %H:%M:%S}"] for it in snapshots]),
        Column("Host" if compact else "Host      ", [[it.hostname] for it in snapshots]),
        Column("Tags  " if compact else "Tags      ", [[",".join(it.tags)] for it in snapshots]),
    ]
    if reasons:
        columns.append(Column("Reasons", reasons))
    if not compact:
        columns.append(Column("Paths", [list(it.paths) for it in snapshots]))
    sizes = [it.summary.get("total_bytes_processed") for it in snapshots]
    if any(size is not None for size in sizes):
        cells = [["" if size is None else format_size(size)] for size in sizes]
        columns.append(Column("Size", cells))
    return format_table(columns, footer=f"{len(snapshots)} snapshots")


def _group_message(group: GroupPlan) -> dict[str, Any]:
    return {
        "tags": list(group.key.tags) or None,
        "host": group.key.hostname,
        "paths": list(group.key.paths) or None,
        "keep": [snapshot_message(verdict.snapshot) for verdict in group.keep] or None,
        "remove": [snapshot_message(snapshot) for snapshot in group.remove] or None,
        "reasons": [
            {"snapshot": snapshot_message(verdict.snapshot), "matches": list(verdict.reasons)}
            for verdict in group.keep
        ]
        or None,
    }


def _report(context: Context, plan: ForgetPlan, result: ForgetResult | None) -> int:
    output = context.output
    if result is None:
        if plan.remove and not context.json and not context.quiet:
            ids = " ".join(sorted(snapshot_id[:8] for snapshot_id in plan.remove))
            output.line(f"Would have removed the following snapshots:\n{{{ids}}}\n")
        return 0
    for snapshot_id, error in result.failed:
        output.warn(f"error: snapshot {snapshot_id[:8]} could not be removed: {error}")
    for snapshot_id, until in result.locked:
        output.note(f"snapshot {snapshot_id[:8]} stays: the store keeps it locked until {until}")
    output.note(f"removed {len(result.removed)} snapshots")
    return _INCOMPLETE if result.failed else 0
