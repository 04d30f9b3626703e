"""The flags and words that name snapshots, shared by the verbs that read them."""

from __future__ import annotations

import argparse
import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from backup.commands.context import Context
from backup.errors import UsageError
from backup.format.snapshot import Snapshot
from backup.repository.ids import SnapshotNotFoundError
from backup.retention.policy import parse_tag_list
from backup.snapshots.selection import (
    SnapshotFilter,
    choose_snapshots,
    find_snapshot,
    split_subfolder,
)
from backup.snapshots.walk import TreeReader, find_folder

if TYPE_CHECKING:  # numpy behind it costs a tenth of a second
    from backup.repository.index import Index
    from backup.repository.repository import Repository


def add_filter_flags(parser: argparse.ArgumentParser, *, short_host: bool = True) -> None:
    """Declare --host, --tag and --path; `short_host` false where -H means something else."""
    add = parser.add_argument
    names = ("-H", "--host") if short_host else ("--host",)
    add(*names, metavar="HOST", action="append", default=None,
        help="only snapshots of this host; may be given several times (RESTIC_HOST)")  # fmt: skip
    add("--tag", metavar="TAG,…", action="append", default=[],
        help="only snapshots with all these tags; may be given several times")  # fmt: skip
    add("--path", metavar="PATH", action="append", default=[],
        help="only snapshots of this path; given several times, of all of them")  # fmt: skip


def make_filter(arguments: argparse.Namespace, environment: Mapping[str, str]) -> SnapshotFilter:
    """Give what --host, --tag and --path ask for; RESTIC_HOST counts where --host is missing."""
    hosts = arguments.host
    if hosts is None:
        hosts = [environment.get("RESTIC_HOST", "")]
    return SnapshotFilter(
        hosts=tuple(host for host in hosts if host),
        tag_lists=tuple(parse_tag_list(text) for text in arguments.tag),
        paths=tuple(os.path.abspath(path) for path in arguments.path),
    )


def choose_one(context: Context, repository: Repository, text: str) -> tuple[Snapshot, bytes]:
    """Find the snapshot that was typed; also gives the subfolder, empty for none."""
    wanted = make_filter(context.arguments, context.environment)
    name, folder = split_subfolder(text)
    return find_snapshot(repository, name, wanted), folder


def choose_many(
    context: Context, repository: Repository, ids: Sequence[str]
) -> tuple[list[Snapshot], bool]:
    """Choose snapshots, oldest first, and warn about those that cannot be found or read.

    Returns:
        The snapshots, and whether all could be read; an id that nothing has does not count.
    """
    wanted = make_filter(context.arguments, context.environment)
    chosen = choose_snapshots(repository, ids, wanted)
    for error in chosen.errors:
        context.output.warn(f"warning: {error}; it is left out")
    return chosen.snapshots, all(isinstance(it, SnapshotNotFoundError) for it in chosen.errors)


def open_folder(
    repository: Repository, index: Index, snapshot: Snapshot, folder: bytes
) -> tuple[TreeReader, bytes]:
    """Give a reader of trees and the tree of a subfolder of a snapshot."""
    reader = TreeReader(repository, index)
    return reader, find_folder(reader, snapshot.tree, folder)


def need_operands(
    arguments: argparse.Namespace, names: Sequence[str], *, more: bool = False
) -> None:
    """Refuse a command line that has too few or too many operands.

    Args:
        arguments: The parsed command line.
        names: What is needed, in order.
        more: Whether more may follow.

    Raises:
        UsageError: The number is not right.
    """
    given = arguments.operands
    if len(given) < len(names):
        raise UsageError(
            "{verb} needs {missing}",
            data="nothing was read or written",
            next_step="run: python -m backup {verb} --help",
            verb=arguments.verb,
            missing=" and ".join(names[len(given) :]),
        )
    if len(given) > len(names) and not more:
        raise UsageError(
            "{verb} does not know what to do with {extra!r}",
            data="nothing was read or written",
            next_step="run: python -m backup {verb} --help",
            verb=arguments.verb,
            extra=given[len(names)],
        )
