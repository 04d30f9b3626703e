"""A site as sources: what is read, in which order, and where it comes to lie in the snapshot.

Databases are read first and files after them, so that every row finds its upload; the manifest is
made last and tells how it went. What cannot be read is refused before anything starts; that is
`ops.backups.sources.availability`.
"""

import os
import stat
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from backup.archiver.create import BackupRequest, Mount
from backup.patterns.patterns import Patterns, compile_patterns
from backup.sources.databases.connection import DumpFacts
from backup.sources.databases.sqlite_copy import COMPANIONS
from backup.sources.remote.bounds import MOST_HOLES_BYTES
from backup.sources.source import FolderSource, TextSource
from ops.backups import MANIFEST
from ops.backups.pages.notes import PageNote
from ops.backups.sources.availability import chosen_databases
from ops.backups.sources.delivery_verdict import Judged
from ops.backups.sources.parts import (
    DatabaseFacts,
    copy_path,
    database_sources,
    files_path,
    is_folder_here,
    remote_source,
)
from ops.estate.model.estate import Estate
from ops.estate.model.sites import DatabasePart, FilesPart, Site

_FOLDER_DEPTH = 2
_MOST_FOLDERS = 2_000


@dataclass(slots=True)
class DatabaseReading:
    """One database while it is read.

    Attributes:
        part: As the estate describes it.
        at: Its path in the snapshot, without the site.
        facts: What is known of the copy; None before it is made.
    """

    part: DatabasePart
    at: str
    facts: DatabaseFacts | None = None

    def take(self, facts: DatabaseFacts) -> None:
        """Take in what is known of the copy."""
        self.facts = facts


@dataclass(slots=True)
class FilesReading:
    """One folder while it is read; what it counts was met and not left out.

    Attributes:
        part: As the estate describes it.
        at: Its path in the snapshot, without the site.
        left_out: Patterns and live database files that are left out.
        started_at: When its first entry was met; None for an empty folder.
        files: Regular files.
        size_bytes: Their sizes, as listed.
        folders: How many of them lie below each top folder, and each folder in one.
        lost: What the way of reading it cannot keep; English.
    """

    part: FilesPart
    at: str
    left_out: tuple[str, ...]
    started_at: datetime | None = None
    files: int = 0
    size_bytes: int = 0
    folders: dict[bytes, int] = field(default_factory=dict)
    lost: tuple[str, ...] = ()

    def count(self, path: bytes, size: int) -> None:
        """Count a file.

        Args:
            path: From the part's own folder, with a slash in front.
            size: In bytes.
        """
        self.files += 1
        self.size_bytes += size
        end = path.find(b"/", 1)
        for _depth in range(_FOLDER_DEPTH):
            folder = path[1:end]
            if end < 0 or (folder not in self.folders and len(self.folders) >= _MOST_FOLDERS):
                return
            self.folders[folder] = self.folders.get(folder, 0) + 1
            end = path.find(b"/", end + 1)

    def take_size(self, size: int) -> None:
        """Note the size of what a command printed."""
        self.files, self.size_bytes = 1, size

    def lose(self, lost: tuple[str, ...]) -> None:
        """Note what cannot be kept."""
        self.lost = lost


@dataclass(slots=True)
class Reading:
    """What one run reads of a site, in that order, and what it has learnt so far.

    Attributes:
        site: Which.
        databases, files: Its parts.
        take_pages: Gives what was noted of its chosen pages beside the reading; may wait.
        pages: What was noted of them, from when all but the manifest was read.
        started_at, ended_at: When reading began, and when all but the manifest was read.
        missing: Paths that could not be read, with the system's words.
        deliveries: What is thought of what other systems delivered, once it is stored.
    """

    site: Site
    databases: list[DatabaseReading] = field(default_factory=list)
    files: list[FilesReading] = field(default_factory=list)
    take_pages: Callable[[], tuple[PageNote, ...]] = tuple
    pages: tuple[PageNote, ...] = ()
    started_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    ended_at: datetime | None = None
    missing: list[tuple[bytes, str]] = field(default_factory=list)
    deliveries: list[Judged] = field(default_factory=list)

    @property
    def damaged(self) -> list[DatabaseReading]:
        """The databases whose copies a check has found damaged."""
        return [it for it in self.databases if it.facts is not None and it.facts.problems]

    @property
    def doubtful(self) -> list[Judged]:
        """The deliveries that are not as agreed."""
        return [it for it in self.deliveries if it.outcome != "ok"]

    @property
    def torn(self) -> list[DatabaseReading]:
        """The databases whose copies need not be of one moment."""
        return [
            it
            for it in self.databases
            if isinstance(it.facts, DumpFacts) and not it.facts.is_consistent
        ]

    @property
    def without_history(self) -> list[DatabaseReading]:
        """The databases with tables whose own history is not in the copy."""
        return [
            it
            for it in self.databases
            if isinstance(it.facts, DumpFacts) and it.facts.without_history
        ]

    @property
    def consistent_at(self) -> datetime | None:
        """The moment from which the oldest copy of a database is; None without databases."""
        moments = [it.facts.consistent_at for it in self.databases if it.facts is not None]
        return min(moments, default=None)

    @property
    def gap_seconds(self) -> float | None:
        """Seconds between the oldest database's state and the end of the files; None without."""
        if not self.files or self.consistent_at is None or self.ended_at is None:
            return None
        return round((self.ended_at - self.consistent_at).total_seconds(), 3)


def make_request(
    estate: Estate,
    site: Site,
    *,
    manifest: Callable[[Reading], bytes],
    now: datetime,
    database: str | None = None,
    full_read: bool = False,
) -> tuple[BackupRequest, Reading]:
    """Turn a site into a request to back it up.

    Args:
        estate: The estate it belongs to.
        site: Which; `check_site` has let it pass.
        manifest: Makes the manifest when everything else has been read.
        now: The snapshot's time; written in the organisation's offset.
        database: Take this database alone; the snapshot then has that one path.
        full_read: Read every byte of the source again.

    Returns:
        The request, and what the run will have learnt when it has ended.
    """
    reading = Reading(site)
    root = f"/{site.name}"
    chosen = chosen_databases(site, database)
    mounts = [mount for part in chosen for mount in _database_mounts(estate, reading, part, root)]
    if database is None:
        mounts += [_files_mount(estate, reading, part, root) for part in site.files]

    def make_manifest() -> bytes:
        reading.ended_at = datetime.now(UTC)
        reading.pages = reading.take_pages()
        return manifest(reading)

    mounts.append(Mount(os.fsencode(f"{root}/{MANIFEST}"), TextSource(make_manifest)))
    request = BackupRequest(
        mounts=mounts,
        hostname=site.name,
        paths=(root if database is None else path_alone(site, chosen[0]),),
        time=now.astimezone(estate.zone),
        tags=_tags(site),
        excludes=site.exclude,
        force=full_read,
        most_hole_bytes=MOST_HOLES_BYTES,
    )
    return request, reading


def path_alone(site: Site, part: DatabasePart) -> str:
    """Give the one path of a snapshot that holds this database alone."""
    return f"/{site.name}/{copy_path(part)}"


def _tags(site: Site) -> tuple[str, ...]:
    tags = [f"unit:{site.unit}"]
    if site.system:
        tags.append(f"system:{site.system}")
    return (*tags, *(f"class:{name}" for name in site.classes))


def _database_mounts(
    estate: Estate, reading: Reading, part: DatabasePart, root: str
) -> list[Mount]:
    noted = DatabaseReading(part, copy_path(part))
    reading.databases.append(noted)
    sources = database_sources(estate, part, estate.service.scratch / reading.site.name, noted.take)
    return [Mount(os.fsencode(f"{root}/{at}"), source) for at, source in sources]


def _files_mount(estate: Estate, reading: Reading, part: FilesPart, root: str) -> Mount:
    if not is_folder_here(part):
        return _remote_mount(estate, reading, part, root)
    # A link at the top would be stored as a link: what it leads to is meant.
    top = os.path.realpath(os.fsencode(part.path))
    live = find_live_files(reading.site, top)
    patterns = compile_excludes((*reading.site.exclude, *part.exclude), os.fsencode(part.path))
    shown = [path[len(top) + 1 :].decode("utf-8", "backslashreplace") for path in sorted(live)]
    noted = FilesReading(part, files_path(part), (*reading.site.exclude, *part.exclude, *shown))
    reading.files.append(noted)
    source = FolderSource(
        path=top,
        is_excluded=_make_test(noted, patterns, live, len(top)),
        keeps_excluded_folders=True,
        one_file_system=part.one_file_system,
        options_key=repr((patterns.sensitive, sorted(live))),
    )
    return Mount(os.fsencode(f"{root}/{noted.at}"), source)


def _remote_mount(estate: Estate, reading: Reading, part: FilesPart, root: str) -> Mount:
    top = os.fsencode(part.path).rstrip(b"/")
    left_out = (*reading.site.exclude, *part.exclude)
    patterns = compile_excludes(left_out, top)
    noted = FilesReading(part, files_path(part), left_out)
    reading.files.append(noted)
    source = remote_source(
        estate,
        part,
        is_excluded=_make_test(noted, patterns, frozenset(), len(top)),
        options_key=repr(patterns.sensitive),
        on_lost=noted.lose,
        on_size=noted.take_size,
    )
    return Mount(os.fsencode(f"{root}/{noted.at}"), source)


def compile_excludes(texts: Sequence[str], top: bytes) -> Patterns:
    """Compile patterns that start at a part's own folder.

    A pattern that begins with that folder's path, as restic would want it, means the same.
    """
    prefix = top.rstrip(b"/")
    patterns = []
    for text in texts:
        pattern = os.fsencode(text)
        bare = pattern.removeprefix(b"!")
        mark = pattern[: len(pattern) - len(bare)]
        patterns.append(
            mark + (bare.removeprefix(prefix) if bare.startswith(prefix + b"/") else bare)
        )
    return compile_patterns(patterns)


def find_live_files(site: Site, top: bytes) -> frozenset[bytes]:
    """Give the paths below `top` that belong to the site's live SQLite databases.

    Their bytes change while they are read; the copies among the databases hold what counts.
    """
    files = set()
    for part in site.databases:
        if part.engine == "sqlite" and part.host is None:
            path = os.path.realpath(os.fsencode(part.database))
            files |= {path + suffix.encode() for suffix in COMPANIONS}
    return frozenset(path for path in files if path.startswith(top.rstrip(b"/") + b"/"))


def _make_test(
    noted: FilesReading, patterns: Patterns, live: frozenset[bytes], top_length: int
) -> Callable[[bytes, os.stat_result], bool]:
    """Give the test that leaves entries out, and counts those that stay."""
    has_patterns = bool(patterns)

    def is_excluded(path: bytes, status: os.stat_result) -> bool:
        if path in live or (has_patterns and patterns.match(path[top_length:])):
            return True
        if stat.S_ISREG(status.st_mode):
            noted.count(path[top_length:], status.st_size)
        if noted.started_at is None:
            noted.started_at = datetime.now(UTC)
        return False

    return is_excluded
