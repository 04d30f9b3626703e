"""``stats``: count files, sizes and blobs."""

import argparse

from backup.commands.context import Context
from backup.commands.output import format_size
from backup.commands.snapshot_flags import add_filter_flags, choose_many
from backup.snapshots.statistics import MODES, Count, count_snapshots

_PERCENT = 100


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the flags."""
    parser.usage = "python -m backup stats [flags] [ID …]"
    add_filter_flags(parser)
    parser.add_argument("--mode", choices=MODES, default="restore-size", metavar="MODE",
        help=", ".join(MODES))  # fmt: skip


def run(arguments: argparse.Namespace, context: Context) -> int:
    """Count."""
    repository = context.open_repository()
    with context.lock(repository):
        snapshots, is_whole = choose_many(context, repository, arguments.operands)
        index = repository.load_index()
        if not context.json:
            context.output.say("scanning...")
        count = count_snapshots(repository, index, snapshots, arguments.mode)
    if context.json:
        context.output.json(_message(count, len(snapshots)))
    else:
        context.output.line(f"Stats in {arguments.mode} mode:")
        for title, value in _lines(count, len(snapshots), is_raw=arguments.mode == "raw-data"):
            context.output.line(f"{title:>25}  {value}")
    return 0 if is_whole else 1


def _ratio(count: Count) -> float:
    return count.compressed_plain / count.compressed if count.compressed else 0.0


def _progress(count: Count) -> float:
    return _PERCENT * count.compressed_plain / count.uncompressed if count.uncompressed else 0.0


def _saving(count: Count) -> float:
    return (1 - count.size / count.uncompressed) * _PERCENT if count.uncompressed else 0.0


def _message(count: Count, snapshots: int) -> dict[str, float]:
    optional: dict[str, float] = {
        "total_uncompressed_size": count.uncompressed,
        "compression_ratio": _ratio(count),
        "compression_progress": _progress(count),
        "compression_space_saving": _saving(count),
        "total_file_count": count.files,
        "total_blob_count": count.blobs,
    }
    message: dict[str, float] = {"total_size": count.size}
    message |= {name: value for name, value in optional.items() if value}
    message["snapshots_count"] = snapshots
    return message


def _lines(count: Count, snapshots: int, *, is_raw: bool) -> list[tuple[str, str]]:
    rows = [("Snapshots processed:", str(snapshots))]
    if count.blobs:
        rows.append(("Total Blob Count:", str(count.blobs)))
    if count.files:
        rows.append(("Total File Count:", str(count.files)))
    if is_raw and count.uncompressed:
        rows.append(("Total Uncompressed Size:", format_size(count.uncompressed)))
    rows.append(("Total Size:", format_size(count.size)))
    if is_raw and count.uncompressed:
        rows.append(("Compression Progress:", f"{_progress(count):.2f}%"))
        rows.append(("Compression Ratio:", f"{_ratio(count):.2f}x"))
        rows.append(("Compression Space Saving:", f"{_saving(count):.2f}%"))
    return rows
