"""``snapshots``: list the snapshots of a repository."""

import argparse
from collections.abc import Sequence
from typing import Any

from backup.commands.context import Context
from backup.commands.output import Column, format_size, format_table, show_text
from backup.commands.parser import parse_whole_number
from backup.commands.snapshot_flags import add_filter_flags, choose_many
from backup.format.snapshot import Snapshot, to_json
from backup.snapshots.groups import GroupKey, group_snapshots, parse_grouping


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the flags."""
    parser.usage = "python -m backup snapshots [flags] [ID …]"
    add_filter_flags(parser)
    add = parser.add_argument
    add("-c", "--compact", action="store_true", help="leave out the paths")
    add("-g", "--group-by", metavar="PARTS", default="", help="host, paths, tags")
    add("--latest", metavar="N", type=parse_whole_number, default=0,
        help="only the newest N of each host and paths")  # fmt: skip
    add("--last", action="store_true", help=argparse.SUPPRESS)


def run(arguments: argparse.Namespace, context: Context) -> int:
    """List them."""
    grouping = parse_grouping(arguments.group_by)
    repository = context.open_repository()
    with context.lock(repository):
        chosen, is_whole = choose_many(context, repository, arguments.operands)
    latest = 1 if arguments.last else arguments.latest
    groups = {
        key: _keep_latest(sorted(members, key=lambda it: (it.time, it.id)), latest)
        for key, members in group_snapshots(chosen, grouping).items()
    }
    if not chosen:
        context.output.note("no snapshots")
    if context.json:
        _print_json(context, groups, is_grouped=bool(grouping))
    else:
        _print_text(context, groups, is_grouped=bool(grouping))
    return 0 if is_whole else 1


def _keep_latest(snapshots: Sequence[Snapshot], count: int) -> list[Snapshot]:
    """Keep the newest `count` of each host and paths; 0 keeps all. Oldest first."""
    if not count:
        return list(snapshots)
    kept = {it.id for group in group_snapshots(snapshots).values() for it in group[:count]}
    return [snapshot for snapshot in snapshots if snapshot.id in kept]


def snapshot_message(snapshot: Snapshot) -> dict[str, Any]:
    """Give a snapshot as restic prints it: its fields, then its ids."""
    return to_json(snapshot) | {"id": snapshot.id, "short_id": snapshot.short_id}


def group_message(key: GroupKey) -> dict[str, Any]:
    """Give a group's key as restic prints it."""
    return {
        "hostname": key.hostname,
        "paths": list(key.paths) or None,
        "tags": list(key.tags) or None,
    }


def _print_json(
    context: Context, groups: dict[GroupKey, list[Snapshot]], *, is_grouped: bool
) -> None:
    lists = {key: [snapshot_message(it) for it in members] for key, members in groups.items()}
    if is_grouped:
        context.output.json(
            [{"group_key": group_message(key), "snapshots": rows} for key, rows in lists.items()]
        )
    else:
        context.output.json([row for rows in lists.values() for row in rows])


def _print_text(
    context: Context, groups: dict[GroupKey, list[Snapshot]], *, is_grouped: bool
) -> None:
    for key, members in groups.items():
        if is_grouped:
            context.output.line(describe_group(key))
        for line in format_snapshots(members, compact=context.arguments.compact):
            context.output.line(line)


def describe_group(key: GroupKey) -> str:
    """Give the line above a group, as restic writes it."""
    parts = [f"host [{key.hostname}]"] if key.hostname else []
    parts += [f"tags [{', '.join(key.tags)}]"] if key.tags else []
    parts += [f"paths [{', '.join(key.paths)}]"] if key.paths else []
    return f"snapshots for ({show_text(', '.join(parts))}):" if parts else "snapshots:"


def format_snapshots(snapshots: Sequence[Snapshot], *, compact: bool = False) -> list[str]:
    """Lay out a table of snapshots in their order, times in local time."""
    sizes = [it.summary.get("total_bytes_processed") for it in snapshots]
    columns = [
        Column("ID", [[it.short_id] for it in snapshots]),
        Column("Time", [[f"{it.time.astimezone():%Y-%m-%d %H:%M:%S}"] for it in snapshots]),
        Column("Host" if compact else "Host      ", [[it.hostname] for it in snapshots]),
        Column("Tags  " if compact else "Tags      ", _tag_cells(snapshots, compact=compact)),
    ]
    if not compact:
        columns.append(Column("Paths", _path_cells(snapshots)))
    if any(size is not None for size in sizes):
        cells = [["" if size is None else format_size(size)] for size in sizes]
        columns.append(Column("Size", cells))
    return format_table(columns, footer=f"{len(snapshots)} snapshots")


def _path_cells(snapshots: Sequence[Snapshot]) -> list[list[str]]:
    """Give the paths; where some snapshot has several, an empty line keeps rows apart."""
    spacer = [""] if any(len(snapshot.paths) > 1 for snapshot in snapshots) else []
    cells = [[*snapshot.paths, *spacer] for snapshot in snapshots]
    return [*cells[:-1], list(snapshots[-1].paths)] if snapshots else []


def _tag_cells(snapshots: Sequence[Snapshot], *, compact: bool) -> list[list[str]]:
    if compact:
        return [list(snapshot.tags) for snapshot in snapshots]
    return [[",".join(snapshot.tags)] for snapshot in snapshots]
