"""``backup``: make a snapshot of files and folders, of stdin, or of what a command prints."""

import argparse
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from datetime import datetime
from typing import TYPE_CHECKING

from backup.commands.backup_sources import make_exclusion, make_mounts, read_targets
from backup.commands.context import Context
from backup.commands.output import format_duration, format_size
from backup.commands.pattern_flags import add_pattern_flags
from backup.commands.preload import Warming
from backup.errors import UsageError
from backup.sources.source import FolderSource

if TYPE_CHECKING:  # what does the work is loaded while the password is turned into a key
    from backup.archiver.create import BackupRequest, BackupResult
    from backup.commands.progress import QuietProgress
    from backup.format.snapshot import Snapshot
    from backup.repository.repository import Repository

INCOMPLETE = 3
DEFAULT_GROUPING = "host,paths"


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the flags."""
    parser.usage = "python -m backup backup [flags] PATH …"
    add = parser.add_argument
    add("-n", "--dry-run", action="store_true", help="store nothing, only say what would be")
    add_pattern_flags(parser, "exclude", "leave out")
    add("--exclude-caches", action="store_true", help="leave out folders with a CACHEDIR.TAG")
    add("--exclude-if-present", metavar="NAME[:HEADER]", action="append", default=[],
        help="leave out what lies beside a file of that name")  # fmt: skip
    add("--exclude-larger-than", metavar="SIZE", default="", help="leave out bigger files")
    add("--files-from", metavar="FILE", action="append", default=[],
        help="file with patterns of paths to back up")  # fmt: skip
    add("--files-from-verbatim", metavar="FILE", action="append", default=[],
        help="file with paths, one a line")  # fmt: skip
    add("--files-from-raw", metavar="FILE", action="append", default=[],
        help="file with paths, a null byte behind each")  # fmt: skip
    add("-x", "--one-file-system", action="store_true", help="do not enter other file systems")
    add("-f", "--force", action="store_true", help="read every file again")
    add("--ignore-inode", action="store_true",
        help="a file with another inode or change time may still be the same")  # fmt: skip
    add("--ignore-ctime", action="store_true",
        help="a file with another change time may still be the same")  # fmt: skip
    add("--parent", metavar="ID", default="", help="snapshot to compare with")
    add("-g", "--group-by", metavar="PARTS", default=DEFAULT_GROUPING,
        help="what the snapshot to compare with must share")  # fmt: skip
    add("-H", "--host", metavar="NAME", default=None, help="host's name (RESTIC_HOST)")
    add("--tag", metavar="TAG,…", action="append", default=[], help="labels of the snapshot")
    add(
        "--time", metavar="TIME", default="", help="the snapshot's time, e.g. '2026-11-24 22:00:00'"
    )
    add("--with-atime", action="store_true", help="store access times")
    add("--stdin", action="store_true", help="read the data from stdin")
    add("--stdin-filename", metavar="NAME", default="stdin", help="the file's name in the snapshot")
    add("--stdin-from-command", action="store_true", help="run PATH … and store what it prints")
    add("--skip-if-unchanged", action="store_true", help="no snapshot where nothing changed")
    add("--no-scan", action="store_true", help="do not count what a first backup has to do")
    add("--read-concurrency", metavar="N", default="", help="accepted for restic's sake")


def run(arguments: argparse.Namespace, context: Context) -> int:
    """Back up, and say what came of it."""
    with closing(Warming()) as warming:
        return _run(arguments, context, warming)


def _run(arguments: argparse.Namespace, context: Context, warming: Warming) -> int:
    started_at = time.monotonic()
    exclusion = make_exclusion(arguments, context.environment)
    targets, is_whole = read_targets(arguments, context)
    repository = context.open_repository(stdin_is_taken=arguments.stdin, meanwhile=warming.start)
    from backup.archiver.create import BackupRequest, create_snapshot
    from backup.archiver.parent import Leniency

    progress = context.progress()
    now = repository.clock.now()
    hostname = _hostname(arguments, context.environment)
    mounts, paths = make_mounts(arguments, targets, exclusion, progress)
    request = BackupRequest(
        mounts=mounts,
        hostname=hostname,
        paths=paths,
        time=_parse_time(arguments.time) if arguments.time else now,
        tags=_tags(arguments.tag),
        excludes=tuple(
            map(os.fsdecode, exclusion.patterns.sensitive if exclusion.patterns else ())
        ),
        force=arguments.force,
        leniency=Leniency(
            ctime=arguments.ignore_ctime or arguments.ignore_inode, inode=arguments.ignore_inode
        ),
        compression=arguments.compression,
        skip_if_unchanged=arguments.skip_if_unchanged,
        dry_run=arguments.dry_run,
        real_parents=True,
    )
    with context.lock(repository, writes=not arguments.dry_run, confirm_late=True) as lock:
        parent = _find_parent(context, repository, request)
        _say_parent(context, parent, arguments)
        request = _with_parent(request, parent)
        with _scanned(arguments, request, progress):
            result = create_snapshot(
                repository, request, lock=lock, progress=progress, seats=warming.seats
            )
    seconds = time.monotonic() - started_at
    if context.json:
        context.output.json(summary_message(result, seconds, dry_run=arguments.dry_run))
    elif not context.quiet:
        _print_summary(context, result, seconds)
    if result.outcome == "incomplete" or not is_whole:
        if not context.json:
            context.output.warn("warning: some of the source data could not be read")
        return INCOMPLETE
    return 0


def _hostname(arguments: argparse.Namespace, environment: Mapping[str, str]) -> str:
    if arguments.host is not None:
        return str(arguments.host)
    if environment.get("RESTIC_HOST"):
        return environment["RESTIC_HOST"]
    import socket

    return socket.gethostname()


def _tags(lists: list[str]) -> tuple[str, ...]:
    tags = [tag.strip() for text in lists for tag in text.split(",")]
    return tuple(dict.fromkeys(tag for tag in tags if tag))


def _parse_time(text: str) -> datetime:
    """Read a time, in the local zone where it names none.

    Raises:
        UsageError: It is no time.
    """
    try:
        return datetime.fromisoformat(text).astimezone()
    except ValueError as error:
        raise UsageError(
            "{text!r} is not a time", next_step="write it like '2026-11-24 22:00:00'", text=text
        ) from error


def _find_parent(
    context: Context, repository: "Repository", request: "BackupRequest"
) -> "Snapshot | None":
    from backup.snapshots.selection import find_snapshot, load_readable_snapshots

    arguments = context.arguments
    if arguments.parent:
        return find_snapshot(repository, arguments.parent)
    if request.force:
        return None
    readable = load_readable_snapshots(repository)
    for error in readable.errors:
        context.output.warn(f"warning: {error}")
    if arguments.group_by == DEFAULT_GROUPING:
        from backup.archiver.create import find_parent

        return find_parent(
            readable.snapshots,
            hostname=request.hostname,
            paths=request.paths,
            before=request.time,
        )
    earlier = [it for it in readable.snapshots if it.time <= request.time]
    return _find_in_group(earlier, request, arguments.group_by)


def _find_in_group(
    snapshots: list["Snapshot"], request: "BackupRequest", grouping: str
) -> "Snapshot | None":
    """Give the newest snapshot of the group that this backup will belong to."""
    from backup.format.snapshot import text_as_stored
    from backup.snapshots.groups import group_snapshots, parse_grouping

    hostname = text_as_stored(request.hostname)
    paths = tuple(sorted(map(text_as_stored, request.paths)))
    tags = tuple(sorted(map(text_as_stored, request.tags)))
    parts = parse_grouping(grouping)
    for key, members in group_snapshots(snapshots, parts).items():
        if (
            ("host" not in parts or key.hostname == hostname)
            and ("paths" not in parts or key.paths == paths)
            and ("tags" not in parts or key.tags == tags)
        ):
            return members[0]
    return None


def _with_parent(request: "BackupRequest", parent: "Snapshot | None") -> "BackupRequest":
    from dataclasses import replace

    return replace(request, parent=parent)


@contextmanager
def _scanned(
    arguments: argparse.Namespace, request: "BackupRequest", progress: "QuietProgress"
) -> Iterator[None]:
    """Count beside a first backup how much there is to do, if anybody is shown that."""
    if arguments.no_scan or request.parent is not None or not progress.wants_total:
        yield
        return
    from backup.archiver.scan import Scan

    sources = [mount.source for mount in request.mounts]
    with closing(Scan([it for it in sources if isinstance(it, FolderSource)])) as scan:
        progress.watch(scan)
        yield


def _say_parent(context: Context, parent: "Snapshot | None", arguments: argparse.Namespace) -> None:
    if context.json or context.quiet or arguments.force or arguments.stdin:
        return
    if parent is None:
        context.output.line("no parent snapshot found, will read all files")
        return
    context.output.line(f"using parent snapshot {parent.short_id}")
    if parent.program_version.startswith("restic "):
        context.output.note(
            "restic has cut its big files: those over 512 KiB that change are stored again whole"
        )


def summary_message(result: "BackupResult", seconds: float, *, dry_run: bool) -> dict[str, object]:
    """Give restic's ``summary`` message."""
    counters = dict(result.summary)
    start, end = counters.pop("backup_start", ""), counters.pop("backup_end", "")
    message: dict[str, object] = {"message_type": "summary", **counters}
    message |= {"total_duration": seconds, "backup_start": start, "backup_end": end}
    if result.snapshot_id:
        message["snapshot_id"] = result.snapshot_id
    if dry_run:
        message["dry_run"] = True
    return message


def _print_summary(context: Context, result: "BackupResult", seconds: float) -> None:
    line = context.output.line
    figures = {name: value for name, value in result.summary.items() if isinstance(value, int)}
    line()
    for title, name in (("Files:      ", "files"), ("Dirs:       ", "dirs")):
        line(
            f"{title} {figures[name + '_new']:5} new, {figures[name + '_changed']:5} changed, "
            f"{figures[name + '_unmodified']:5} unmodified"
        )
    verb = "Would add" if context.arguments.dry_run else "Added"
    stored = format_size(figures["data_added_packed"])
    line(f"{verb} to the repository: {format_size(figures['data_added']):<5} ({stored:<5} stored)")
    line()
    line(
        f"processed {figures['total_files_processed']} files, "
        f"{format_size(figures['total_bytes_processed'])} in {format_duration(seconds)}"
    )
    if result.snapshot_id:
        line(f"snapshot {result.snapshot_id[:8]} saved")
    elif not context.arguments.dry_run:
        line("skipped creating snapshot")
