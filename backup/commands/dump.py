"""``dump``: print a file of a snapshot, or a folder as an archive."""

import argparse
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from backup.commands.context import Context
from backup.commands.snapshot_flags import (
    add_filter_flags,
    choose_one,
    need_operands,
    open_folder,
)
from backup.errors import BackupError
from backup.snapshots.dump import read_content, write_archive
from backup.snapshots.walk import TreeReader, find_entry

Write = Callable[[bytes], object]


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the flags."""
    parser.usage = "python -m backup dump [flags] ID[:FOLDER] PATH"
    add_filter_flags(parser)
    add = parser.add_argument
    add("-a", "--archive", metavar="FORMAT", choices=["tar", "zip"], default="tar",
        help="how a folder is written: tar or zip")  # fmt: skip
    add("-t", "--target", metavar="FILE", default="", help="write here instead of to stdout")


def run(arguments: argparse.Namespace, context: Context) -> int:
    """Print it."""
    need_operands(arguments, ["a snapshot's id, or latest", "a path in the snapshot"])
    repository = context.open_repository()
    with context.lock(repository):
        snapshot, folder = choose_one(context, repository, arguments.operands[0])
        reader, tree = open_folder(repository, repository.load_index(), snapshot, folder)
        path = os.fsencode(arguments.operands[1])
        with _open_target(context) as write:
            _dump(reader, tree, path, write, arguments)
    return 0


def _dump(
    reader: TreeReader, tree: bytes, path: bytes, write: Write, arguments: argparse.Namespace
) -> None:
    entry = find_entry(reader, tree, path)
    if entry is None or entry.node.subtree is not None:
        root, below = (tree, b"") if entry is None else (entry.node.subtree or b"", entry.path)
        write_archive(reader, root, below, write, arguments.archive)
    elif entry.node.type == "file":
        for piece in read_content(reader, entry.node):
            write(piece)
    else:
        raise BackupError(
            "{path} in the snapshot is a {type}, and has no content to print",
            data="nothing was changed",
            next_step="name a file or a folder",
            path=entry.path.decode("utf-8", "backslashreplace"),
            type=entry.node.type,
        )


@contextmanager
def _open_target(context: Context) -> Iterator[Write]:
    """Give what takes the bytes; a file gets its name only when it is whole."""
    target = context.arguments.target
    if not target:
        yield context.output.raw
        context.output.flush()
        return
    if os.path.lexists(target) and not os.path.isfile(target):
        with _named(target), open(target, "wb") as file:
            yield file.write
        return
    unfinished = target + ".unfinished"
    with _named(target):
        try:
            with open(unfinished, "wb") as file:
                yield file.write
            os.replace(unfinished, target)
        except BaseException:
            with suppress(OSError):
                os.unlink(unfinished)
            raise


@contextmanager
def _named(target: str) -> Iterator[None]:
    """Say which file could not be written: what fails on an open one has no name."""
    try:
        yield
    except OSError as error:
        raise BackupError(
            "cannot write {path}",
            why="{reason}",
            data="the repository was only read; no half-written file was left under that name",
            next_step="make room there, or name another file with --target",
            path=target,
            reason=error.strerror or type(error).__name__,
        ) from error
