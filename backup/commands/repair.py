"""``repair index``: let the index say again what the packs really hold."""

import argparse

from backup.commands.context import Context
from backup.errors import UsageError
from backup.repair import (
    RepairIndexPlan,
    apply_repair_index,
    describe_unreadable,
    plan_repair_index,
)


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the flags."""
    parser.usage = "python -m backup repair index [flags]"
    add = parser.add_argument
    add("--read-all-packs", action="store_true", help="read the header of every pack")
    add("-n", "--dry-run", action="store_true", help="change nothing, only say what would be done")


def run(arguments: argparse.Namespace, context: Context) -> int:
    """Repair, and say what was changed."""
    if arguments.operands != ["index"]:
        raise UsageError(
            "repair knows the index only",
            data="nothing was changed",
            next_step="run: python -m backup repair index; for the rest use restic repair",
        )
    repository = context.open_repository()
    progress = context.progress()
    with context.lock(repository, exclusive=not arguments.dry_run):
        plan = plan_repair_index(
            repository, read_all_packs=arguments.read_all_packs, progress=progress
        )
        _print_plan(context, plan)
        if arguments.dry_run or not plan.is_needed:
            return 1 if plan.unreadable else 0
        written = apply_repair_index(repository, plan, progress)
    context.output.note(f"wrote {len(written)} index files")
    if not context.json:
        context.output.line("done")
    return 1 if plan.unreadable else 0


def _print_plan(context: Context, plan: RepairIndexPlan) -> None:
    output = context.output
    for pack in plan.unreadable:
        output.warn(f"warning: {describe_unreadable(pack)}; it stays out of the index")
    for pack_id in plan.missing:
        output.note(f"pack {pack_id.hex()} is gone; the index forgets it")
    for pack_id in plan.read_again:
        output.note(f"pack {pack_id.hex()}: its entries are taken from the pack itself")
    for file_id in sorted(plan.damaged_index_files):
        output.note(f"index file {file_id} is damaged and is replaced")
    if not plan.is_needed:
        output.note("the index is right already; nothing to do")
