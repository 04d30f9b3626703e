"""``rewrite``: take files out of snapshots that there are already."""

import argparse
from collections.abc import Iterable, Sequence

from backup.commands.context import Context
from backup.commands.ls import describe_snapshot
from backup.commands.pattern_flags import add_pattern_flags, read_patterns
from backup.commands.snapshot_flags import add_filter_flags, choose_many
from backup.errors import UsageError
from backup.format.snapshot import Snapshot
from backup.repair.rewrite import ExcludeEdit, RewriteRequest, Rewritten, rewrite_snapshots
from backup.repair.rewritten_trees import Edit
from backup.repository.locks import Lock
from backup.repository.repository import Repository

_TAG = "rewrite"


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the flags."""
    parser.usage = "python -m backup rewrite [flags] --exclude PATTERN [ID …]"
    add_pattern_flags(parser, "exclude", "take this out")
    add_rewrite_flags(parser)
    add_filter_flags(parser)


def add_rewrite_flags(parser: argparse.ArgumentParser) -> None:
    """Declare what ``repair snapshots`` takes too."""
    add = parser.add_argument
    add("--forget", action="store_true", help="remove the snapshots that were written anew")
    add("-n", "--dry-run", action="store_true", help="change nothing, only say what would be done")


def run(arguments: argparse.Namespace, context: Context) -> int:
    """Take it out, and say what was changed."""
    patterns = read_patterns(arguments, context.environment, "exclude")
    if not patterns:
        raise UsageError(
            "rewrite needs to know what to take out",
            data="nothing was changed",
            next_step="add --exclude PATTERN",
        )
    repository = context.open_repository()
    request = RewriteRequest(_TAG, forget=arguments.forget, dry_run=arguments.dry_run)
    edit = ExcludeEdit(
        patterns, lambda path: context.output.say(f"excluding {context.output.path(path)}")
    )
    locked = context.lock(
        repository, exclusive=request.forget and not request.dry_run, writes=not request.dry_run
    )
    with locked as lock:
        snapshots, is_whole = choose_many(context, repository, arguments.operands)
        rewrite_and_tell(context, repository, snapshots, edit, request, lock)
    return 0 if is_whole else 1


def rewrite_and_tell(
    context: Context,
    repository: Repository,
    snapshots: Sequence[Snapshot],
    edit: Edit,
    request: RewriteRequest,
    lock: Lock | None,
) -> list[Rewritten]:
    """Write snapshots anew, and say what became of each, as restic does; gives it too."""
    results = []
    say = context.output.say
    named = _name_each(context, snapshots)
    for result in rewrite_snapshots(repository, named, edit, request, lock=lock):
        results.append(result)
        for line in _lines(result, request):
            say(line)
        context.output.flush()
    count = sum(it.is_changed or it.is_removed for it in results)
    verb = "would be" if request.dry_run else "were"
    if not count:
        say(f"\nno snapshots {verb} modified")
    else:
        say(f"\n{'would modify' if request.dry_run else 'modified'} {count} snapshots")
    if count and not request.dry_run:
        context.output.note(
            "the data of what was taken out stays in the repository until no snapshot has it and "
            "it is pruned"
        )
    return results


def _name_each(context: Context, snapshots: Iterable[Snapshot]) -> Iterable[Snapshot]:
    """Name each snapshot when its turn comes."""
    for snapshot in snapshots:
        context.output.say(f"\n{describe_snapshot(snapshot)}")
        yield snapshot


def _lines(result: Rewritten, request: RewriteRequest) -> list[str]:
    snapshot = result.snapshot
    if result.is_lost:
        if result.is_removed:
            return [f"removed empty snapshot {snapshot.short_id}"]
        if request.forget:
            return ["would delete empty snapshot"]
        return ["nothing of it can be read; with --forget it goes"]
    if not result.is_changed:
        return []
    if request.dry_run:
        return [
            "would save new snapshot",
            *(["would remove old snapshot"] if request.forget else []),
        ]
    lines = [f"saved new snapshot {result.new_id[:8]}"]
    return [*lines, f"removed old snapshot {snapshot.short_id}"] if result.is_removed else lines
