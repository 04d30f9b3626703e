"""``list``: list the ids of a repository's objects."""

import argparse
from collections.abc import Iterator

from backup.commands.context import Context
from backup.commands.snapshot_flags import need_operands
from backup.errors import UsageError
from backup.repository.repository import FileKind, Repository

_FILES: dict[str, FileKind] = {
    "index": "index", "snapshots": "snapshots", "keys": "keys", "locks": "locks",
}  # fmt: skip


def configure(parser: argparse.ArgumentParser) -> None:
    """It has no flags of its own."""
    parser.usage = "python -m backup list [flags] blobs|packs|index|snapshots|keys|locks"


def run(arguments: argparse.Namespace, context: Context) -> int:
    """List them, one a line; with --json too, as restic does."""
    need_operands(arguments, ["a kind of objects"])
    kind = arguments.operands[0]
    if kind not in {"blobs", "packs", *_FILES}:
        raise UsageError(
            "there are no objects called {kind!r}",
            data="nothing was read or written",
            next_step="name one of blobs, packs, index, snapshots, keys, locks",
            kind=kind,
        )
    repository = context.open_repository()
    if kind == "locks":  # our own would be among them
        _print(context, _ids(repository, kind))
        return 0
    with context.lock(repository):
        _print(context, _ids(repository, kind))
    return 0


def _print(context: Context, lines: Iterator[str]) -> None:
    for line in lines:
        context.output.line(line)


def _ids(repository: Repository, kind: str) -> Iterator[str]:
    if kind == "packs":
        yield from (pack_id.hex() for pack_id in repository.list_packs())
    elif kind == "blobs":
        for place in repository.load_index():
            yield f"{place.blob.type.word} {place.blob.id.hex()}"
    else:
        yield from repository.list_files(_FILES[kind])
