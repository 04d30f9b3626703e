"""``tag``: change the tags of snapshots."""

import argparse
from collections.abc import Sequence

from backup.commands.context import Context
from backup.commands.snapshot_flags import add_filter_flags, choose_many
from backup.retention.policy import parse_tag_list
from backup.snapshots.tag import TagChange, tag_snapshots


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the flags."""
    parser.usage = "python -m backup tag [flags] [ID …]"
    add = parser.add_argument
    add("--add", metavar="TAG,…", action="append", default=[], help="tags to add")
    add("--remove", metavar="TAG,…", action="append", default=[], help="tags to remove")
    add("--set", metavar="TAG,…", action="append", default=None,
        help="the new tags instead of the old ones; '' for none")  # fmt: skip
    add_filter_flags(parser)


def run(arguments: argparse.Namespace, context: Context) -> int:
    """Change them."""
    change = TagChange(
        replace=None if arguments.set is None else _flatten(arguments.set),
        add=_flatten(arguments.add),
        remove=_flatten(arguments.remove),
    )
    repository = context.open_repository()
    count = 0
    with context.lock(repository, exclusive=True) as lock:
        snapshots, is_whole = choose_many(context, repository, arguments.operands)
        if lock is None:
            return 1
        for one in tag_snapshots(repository, snapshots, change, lock=lock):
            count += 1
            _print_change(context, one.old_id, one.new_id)
    _print_summary(context, count)
    return 0 if is_whole else 1


def _flatten(lists: Sequence[str]) -> tuple[str, ...]:
    return tuple(tag for text in lists for tag in parse_tag_list(text) if tag)


def _print_change(context: Context, old_id: str, new_id: str) -> None:
    if context.json:
        context.output.json(
            {"message_type": "changed", "old_snapshot_id": old_id, "new_snapshot_id": new_id}
        )
    elif context.arguments.verbose:
        context.output.line(f"old snapshot ID: {old_id} -> new snapshot ID: {new_id}")


def _print_summary(context: Context, count: int) -> None:
    if context.json:
        context.output.json({"message_type": "summary", "changed_snapshots": count})
    elif not context.quiet:
        words = f"modified {count} snapshots" if count else "no snapshots were modified"
        context.output.line(words)
