"""``check``: look for damage in the repository."""

import argparse
from typing import TYPE_CHECKING, Literal

from backup.check.check import CheckRequest, CheckResult, check_repository
from backup.check.findings import Finding, Severity
from backup.commands.context import Context
from backup.commands.output import format_size, show_text
from backup.commands.snapshot_flags import need_operands
from backup.errors import BackupError, UsageError

if TYPE_CHECKING:
    from backup.quantities import PackSubset


class RepositoryDamagedError(BackupError):
    """The check found errors."""


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the flags."""
    parser.usage = "python -m backup check [flags]"
    add = parser.add_argument
    add("--read-data", action="store_true", help="read all packs back")
    add("--read-data-subset", metavar="PART", default="", help="n/t, x%% or a size: read a part")
    add("--with-cache", action="store_true", help="accepted for restic's sake; no cache is trusted")


def run(arguments: argparse.Namespace, context: Context) -> int:
    """Check, and say what was found."""
    need_operands(arguments, [])
    request = CheckRequest(read_data=_read_data(arguments))
    repository = context.open_repository()
    with context.lock(repository):
        result = check_repository(repository, request, context.progress())
    for finding in result.findings:
        _print_finding(context, finding)
    _print_result(context, result)
    if not result.errors:
        return 0
    raise RepositoryDamagedError(
        "the check found {count} errors",
        data="what other snapshots hold is untouched; nothing was changed",
        next_step="{advice}",
        count=len(result.errors),
        advice=result.errors[0].next_step,
    )


def _read_data(arguments: argparse.Namespace) -> "PackSubset | Literal['none', 'all']":
    if not arguments.read_data_subset:
        return "all" if arguments.read_data else "none"
    if arguments.read_data:
        raise UsageError(
            "--read-data and --read-data-subset cannot be used together",
            next_step="keep one of them",
        )
    from backup.quantities import parse_subset

    return parse_subset(arguments.read_data_subset)


def _print_finding(context: Context, finding: Finding) -> None:
    if not context.json:
        context.output.warn(
            f"{finding.severity}: {show_text(str(finding))}\n  next: {finding.next_step}"
        )
    elif finding.severity is Severity.ERROR:
        context.output.warn_json({"message_type": "error", "message": str(finding)})


def _print_result(context: Context, result: CheckResult) -> None:
    if context.json:
        steps = [finding.next_step for finding in result.findings]
        message = {
            "message_type": "summary",
            "num_errors": len(result.errors),
            "broken_packs": [pack_id.hex() for pack_id in result.damaged_packs] or None,
            "suggest_repair_index": any("repair index" in step for step in steps),
            "suggest_prune": any("prune" in step for step in steps),
        }
        context.output.json(message)
        return
    counts = result.counts
    context.output.note(
        f"checked {counts.snapshots} snapshots, {counts.trees} folders, {counts.packs} packs "
        f"with {counts.blobs} blobs; read {counts.packs_read} packs "
        f"({format_size(counts.bytes_read)}) back"
    )
    if not result.errors:
        context.output.line("no errors were found")
