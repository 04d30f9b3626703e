"""``repair index``, ``repair packs`` and ``repair snapshots``: mend what a check has found."""

import argparse

from backup.commands.context import Context
from backup.commands.rewrite import add_rewrite_flags, rewrite_and_tell
from backup.commands.snapshot_flags import add_filter_flags, choose_many
from backup.errors import UsageError
from backup.repair.index import (
    RepairIndexPlan,
    apply_repair_index,
    describe_unreadable,
    plan_repair_index,
)
from backup.repair.packs import RepairPacksPlan, apply_repair_packs, plan_repair_packs
from backup.repair.rewrite import RewriteRequest
from backup.repair.snapshots import RepairEdit

_ID_DIGITS = 64


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the flags."""
    parser.usage = (
        "python -m backup repair index [flags] | repair packs PACK … | repair snapshots [ID …]"
    )
    add = parser.add_argument
    add("--read-all-packs", action="store_true", help="index: read the header of every pack")
    add_rewrite_flags(parser)
    add_filter_flags(parser)


def run(arguments: argparse.Namespace, context: Context) -> int:
    """Repair, and say what was changed."""
    what, *operands = arguments.operands or [""]
    if what == "index" and not operands:
        return _repair_index(arguments, context)
    if what == "packs" and operands:
        return _repair_packs(arguments, context, [_parse_id(text) for text in operands])
    if what == "snapshots":
        return _repair_snapshots(arguments, context, operands)
    raise UsageError(
        "repair knows the index, packs that are named, and snapshots",
        data="nothing was changed",
        next_step="run repair index, repair snapshots, or repair packs with ids that "
        "check --read-data named",
    )


def _parse_id(text: str) -> bytes:
    digits = text.rpartition("/")[2]  # a check names packs as data/ab/abcd…
    try:
        if len(digits) == _ID_DIGITS:
            return bytes.fromhex(digits)
    except ValueError:
        pass
    raise UsageError(
        "{text!r} is no id of a pack",
        data="nothing was changed",
        next_step="take the ids from check --read-data, in full",
        text=text,
    )


def _repair_index(arguments: argparse.Namespace, context: Context) -> int:
    repository = context.open_repository()
    progress = context.progress()
    with context.lock(repository, exclusive=not arguments.dry_run) as lock:
        plan = plan_repair_index(
            repository, read_all_packs=arguments.read_all_packs, progress=progress
        )
        _print_plan(context, plan)
        if arguments.dry_run or not plan.is_needed or lock is None:
            return 1 if plan.unreadable else 0
        written = apply_repair_index(repository, plan, lock, progress)
    context.output.note(f"wrote {len(written)} index files")
    _say_done(context)
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


def _repair_packs(arguments: argparse.Namespace, context: Context, pack_ids: list[bytes]) -> int:
    repository = context.open_repository()
    progress = context.progress()
    with context.lock(repository, exclusive=not arguments.dry_run) as lock:
        plan = plan_repair_packs(repository, list(dict.fromkeys(pack_ids)), progress)
        _print_verdicts(context, plan)
        if arguments.dry_run or lock is None:
            return 0
        removed = apply_repair_packs(repository, plan, lock, progress)
    if removed:
        context.output.note(f"removed {removed} packs")
        context.output.note("now run backup: it stores again what is still at the source")
    _say_done(context)
    return 0


def _print_verdicts(context: Context, plan: RepairPacksPlan) -> None:
    for verdict in plan.verdicts:
        name = f"pack {verdict.id.hex()}"
        if verdict.is_sound:
            context.output.note(f"{name} is sound; it stays")
            continue
        kept, lost = len(verdict.salvaged), len(verdict.lost)
        context.output.note(f"{name}: {kept} blobs can be kept, {lost} are lost; the pack goes")


def _repair_snapshots(arguments: argparse.Namespace, context: Context, operands: list[str]) -> int:
    repository = context.open_repository()
    request = RewriteRequest("repaired", forget=arguments.forget, dry_run=arguments.dry_run)

    def told(path: bytes, what: str) -> None:
        context.output.say(f"  {context.output.path(path)}: {what}")

    with context.lock(repository, exclusive=not request.dry_run) as lock:
        snapshots, is_whole = choose_many(context, repository, operands)
        edit = RepairEdit(repository.load_index(), told)
        results = rewrite_and_tell(context, repository, snapshots, edit, request, lock)
    left = [it for it in results if it.is_lost and not it.is_removed]
    return 0 if is_whole and not left else 1


def _say_done(context: Context) -> None:
    if not context.json:
        context.output.line("done")
