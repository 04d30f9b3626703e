"""From the flags of ``backup`` to its sources: what is read, and what is left out."""

import argparse
import os
import posixpath
from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING

from backup.commands.context import Context
from backup.commands.output import show_path
from backup.commands.pattern_flags import read_list, read_patterns
from backup.errors import UsageError
from backup.progress import Progress
from backup.sources.exclusion import Exclusion
from backup.sources.source import FolderSource, StreamSource
from backup.sources.targets import Target, place_targets

if TYPE_CHECKING:  # see `backup.commands.backup`
    from backup.archiver.request import Mount
    from backup.patterns.markers import Marker

_PATH_FLAGS = ("files_from", "files_from_verbatim", "files_from_raw")


def make_exclusion(arguments: argparse.Namespace, environment: Mapping[str, str]) -> Exclusion:
    """Read what --exclude and its relatives ask for; loads nothing where nothing is asked.

    Raises:
        UsageError: A pattern or a size makes no sense, or a file cannot be read.
    """
    size = arguments.exclude_larger_than
    markers: list[Marker] = []
    if arguments.exclude_if_present or arguments.exclude_caches:
        from backup.patterns.markers import CACHE_MARKER, parse_marker

        markers = [parse_marker(text) for text in arguments.exclude_if_present]
        markers += [CACHE_MARKER] if arguments.exclude_caches else []
    if size:
        from backup.quantities import parse_size
    patterns = read_patterns(arguments, environment, "exclude")
    return Exclusion(patterns, parse_size(size) if size else None, tuple(markers))


def read_targets(arguments: argparse.Namespace, context: Context) -> tuple[list[Target], bool]:
    """Find what is to be backed up; also says whether everything that was named exists.

    Raises:
        UsageError: Nothing is named, nothing of it exists, or flags contradict each other.
    """
    if arguments.stdin or arguments.stdin_from_command:
        _check_stream_flags(arguments)
        return [], True
    named = [os.fsencode(path) for path in arguments.operands]
    named += _listed(arguments, context)
    if not named:
        raise UsageError(
            "nothing to back up is named",
            data="nothing was stored",
            next_step="name files or folders, e.g. python -m backup backup /var/www",
        )
    there = [path for path in named if os.path.lexists(path)]
    for path in named:
        if path not in there:
            context.output.warn(f"warning: {show_path(path)} does not exist")
    if not there:
        raise UsageError(
            "nothing of what is named exists",
            data="nothing was stored",
            next_step="check the paths",
        )
    return place_targets(there), len(there) == len(named)


def _check_stream_flags(arguments: argparse.Namespace) -> None:
    if any(getattr(arguments, flag) for flag in _PATH_FLAGS):
        raise UsageError("--files-from cannot be used together with --stdin")
    if arguments.stdin_from_command and not arguments.operands:
        raise UsageError(
            "--stdin-from-command needs a command",
            next_step="write it behind two dashes, e.g. … --stdin-from-command -- pg_dump portal",
        )
    if arguments.operands and not arguments.stdin_from_command:
        raise UsageError("--stdin takes no paths", next_step="leave out the paths, or --stdin")


def _listed(arguments: argparse.Namespace, context: Context) -> list[bytes]:
    """Read the paths of --files-from and its relatives."""
    paths = []
    for file in arguments.files_from:
        from glob import glob

        from backup.patterns.pattern_files import read_file_list

        for line in read_file_list(read_list(file)):
            matching = sorted(glob(line, include_hidden=True))
            if not matching:
                context.output.warn(f"warning: nothing matches {show_path(line)}")
            paths += matching
    for file in arguments.files_from_verbatim:
        paths += [line for line in read_list(file).replace(b"\r\n", b"\n").split(b"\n") if line]
    for file in arguments.files_from_raw:
        content = read_list(file)
        if content and not content.endswith(b"\0"):
            raise UsageError(
                "the list {file} does not end in a null byte",
                why="it may have been cut off",
                data="nothing was stored",
                file=file,
            )
        paths += [path for path in content.split(b"\0") if path]
    return paths


def make_mounts(
    arguments: argparse.Namespace,
    targets: list[Target],
    exclusion: Exclusion,
    progress: Progress,
) -> tuple[list["Mount"], tuple[str, ...]]:
    """Give the sources with their places, and the paths that the snapshot names."""
    if arguments.stdin or arguments.stdin_from_command:
        return _stream_mount(arguments)
    from backup.archiver.request import Mount

    is_excluded = exclusion.path_test()
    told: set[str] = set()  # a scan beside the backup meets the same ones

    def doubt(folder: bytes, marker: "Marker") -> None:
        place = f"{os.fsdecode(folder)}/{os.fsdecode(marker.name)}"
        if place not in told:
            told.add(place)
            progress.note(f"{place} is no valid marker; it is ignored")

    filter_names = exclusion.name_filter(doubt)
    mounts = [
        Mount(
            at=target.at,
            source=FolderSource(
                path=target.path,
                is_excluded=is_excluded,
                filter_names=filter_names,
                one_file_system=arguments.one_file_system,
                also_enter=target.also_enter,
                is_mount_point=arguments.one_file_system and target.is_mount_point,
                with_atime=arguments.with_atime,
                options_key=exclusion.key,
            ),
        )
        for target in targets
        if is_excluded is None or not is_excluded(target.path, os.lstat(target.path))
    ]
    named = [os.path.abspath(path) for path in arguments.operands]
    if any(getattr(arguments, flag) for flag in _PATH_FLAGS):
        named = [os.fsdecode(target.path) for target in targets]
    return mounts, tuple(sorted(set(named)))


def _stream_mount(arguments: argparse.Namespace) -> tuple[list["Mount"], tuple[str, ...]]:
    from backup.archiver.request import Mount
    from backup.sources.source import open_command, open_stdin

    place = posixpath.normpath("/" + arguments.stdin_filename)
    reader = open_stdin
    if arguments.stdin_from_command:
        reader = partial(open_command, arguments.operands)
    source = StreamSource(open_reader=reader)
    return [Mount(at=os.fsencode(place), source=source)], (place,)
