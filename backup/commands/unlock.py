"""``unlock``: remove stale locks."""

import argparse

from backup.commands.context import Context
from backup.commands.output import show_text
from backup.commands.snapshot_flags import need_operands
from backup.repository.locks import list_locks, remove_locks


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the flags."""
    parser.usage = "python -m backup unlock [flags]"
    parser.add_argument("--remove-all", action="store_true", help="also locks that are not stale")


def run(arguments: argparse.Namespace, context: Context) -> int:
    """Remove them, and say whose are left."""
    need_operands(arguments, [])
    repository = context.open_repository()
    removed = remove_locks(repository, all_locks=arguments.remove_all)
    for lock in removed:
        context.output.note(f"removed lock {show_text(lock.describe())}")
    if removed and not context.json:
        context.output.say(f"successfully removed {len(removed)} locks")
    for lock in list_locks(repository):
        context.output.note(
            f"left lock {lock.describe()}: its holder may still be at work\n"
            "  next: once you are sure that nobody works on the repository: unlock --remove-all"
        )
    return 0
