"""Find files by name over all snapshots of a site: since when each is there, and until when.

What has the same path, size, time and content in several snapshots is one row; the newest of these
snapshots is the one to restore it from.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import groupby
from urllib.parse import quote

from backup.format.snapshot import Snapshot
from backup.format.tree import Node
from backup.patterns.patterns import compile_patterns
from backup.progress import Progress
from backup.snapshots.find import Query, find_entries
from backup.snapshots.selection import choose_snapshots
from backup.snapshots.walk import Entry, TreeReader, walk
from ops.backups.browse.tasks import Find
from ops.backups.repositories.open import hold_reading_lock, open_to_read
from ops.errors import WrongUseError
from ops.estate.known_sites import title_of_known
from ops.estate.load.load import load_estate
from ops.language.formats import format_moment, format_number, format_size
from ops.language.text import N_, _, fill, show_path
from ops.terminal.exit_codes import INCOMPLETE, report
from ops.terminal.output import write_json, write_line
from ops.terminal.progress import showing_progress

_MOST_FOUND = 10_000
_NANOSECONDS = 1_000_000_000
_Version = tuple[bytes, str, int, int, bytes]


@dataclass(slots=True)
class Version:
    """One version of a file, folder or link.

    Attributes:
        path: In the snapshots.
        node: What they say of it.
        oldest, newest: The snapshots that have it, the first and the last of them.
        count: How many have it.
    """

    path: bytes
    node: Node
    oldest: Snapshot
    newest: Snapshot
    count: int = 1

    @property
    def changed_at(self) -> datetime:
        """When it was last changed."""
        return datetime.fromtimestamp(self.node.mtime // _NANOSECONDS, UTC)


@showing_progress
def find_files(wish: Find, progress: Progress) -> int:
    """Write what fits; gives the exit code.

    Returns:
        0 where something was found, 1 where nothing was, 3 where there is more or a snapshot
        could not be read.

    Raises:
        WrongUseError: There is no pattern, or no such site or store.
    """
    if not wish.name.strip():
        raise WrongUseError(
            "there is nothing to look for", next_step="add `--name`, e.g. --name 'bao-cao*.pdf'"
        )
    estate, name = load_estate(), wish.site
    known = title_of_known(estate, name)
    place = estate.store(wish.store) if wish.store else estate.primary_store
    repository = open_to_read(estate, name, place)
    with hold_reading_lock(repository):
        chosen = choose_snapshots(repository, [wish.snapshot] if wish.snapshot else [])
        for error in chosen.errors:
            report(error)
        reader = TreeReader(repository, repository.load_index())
        found, is_whole = search(reader, chosen.snapshots, wish.name, progress)
    code = INCOMPLETE if chosen.errors or not is_whole else 0 if found else 1
    if wish.json:
        items = [_as_values(it) for it in found]
        write_json(items, site=name, store=place.name, is_whole=is_whole)
        return code
    if not found:
        write_line(
            _("nothing of that name is in {count} snapshots of {site}").format(
                count=format_number(len(chosen.snapshots)), site=name
            )
        )
        return code
    write_line(f"{name} · {known} · {place.name}")
    _write_found(found, estate.organisation.timezone)
    if not is_whole:
        write_line(_("there is more; ask for less with a longer name"))
    text = N_(
        "to get one back: `{program} backup.restore --site {site} --snapshot ID --include PATH"
        " --target FOLDER`"
    )
    write_line(fill(text, {"site": name}))
    return code


def search(
    reader: TreeReader, snapshots: Sequence[Snapshot], pattern: str, progress: Progress
) -> tuple[list[Version], bool]:
    """Give all versions that fit, by path and then oldest first, and whether these are all.

    Raises:
        DamagedError: A tree cannot be read.
        StoreError: The store failed.
    """
    patterns = compile_patterns((), [pattern])
    query = Query([patterns])
    found: dict[_Version, Version] = {}

    def list_fitting(snapshot: Snapshot) -> Iterator[Entry]:
        if "/" in pattern:
            return find_entries(reader, snapshot, query)
        # A name is that of the entry itself, not of a folder it lies in.
        entries = walk(reader, snapshot.tree)
        return (it for it in entries if patterns.match(b"/" + it.node.name))

    progress.start("look into snapshots", len(snapshots), "snapshots")
    for snapshot in snapshots:
        for entry in list_fitting(snapshot):
            key = _version_of(entry.path, entry.node)
            if key in found:
                found[key].newest = snapshot
                found[key].count += 1
            elif len(found) < _MOST_FOUND:
                found[key] = Version(entry.path, entry.node, snapshot, snapshot)
            else:
                return _in_order(found.values()), False
        progress.advance()
    progress.finish()
    return _in_order(found.values()), True


def _in_order(found: Iterable[Version]) -> list[Version]:
    return sorted(found, key=lambda it: (it.path, it.oldest.time))


def _version_of(path: bytes, node: Node) -> _Version:
    if node.type == "dir":  # its time changes with what lies in it
        return path, node.type, 0, 0, b""
    return path, node.type, node.size, node.mtime, b"".join(node.content_ids())


def _write_found(found: Iterable[Version], zone: str) -> None:
    """Write each path once, and below it a line a version, which fits 80 columns."""
    for path, versions in groupby(found, key=lambda it: it.path):
        for number, it in enumerate(versions):
            is_folder = it.node.type == "dir"
            if number == 0:
                write_line(show_path(path) + ("/" if is_folder else ""))
            size = format_size(it.node.size) if it.node.type == "file" else ""
            changed = "" if is_folder else _minute(it.changed_at, zone)
            saved = f"{_minute(it.oldest.time, zone)} – {_minute(it.newest.time, zone)}"
            write_line(f"  {it.newest.short_id}  {size:>10}  {changed:16}  {saved}")
    write_line()
    write_line(_("Each line: newest snapshot that has it, size, changed, saved from – to."))


def _minute(moment: datetime, zone: str) -> str:
    return format_moment(moment, zone).rpartition(" ")[0]


def _as_values(it: Version) -> dict[str, object]:
    return {
        "path": it.path.decode("utf-8", "backslashreplace"),
        "quoted": quote(it.path),
        "type": it.node.type,
        "size": it.node.size,
        "changed_at": it.changed_at,
        "oldest_snapshot": it.oldest.id,
        "saved_from": it.oldest.time.astimezone(UTC),
        "newest_snapshot": it.newest.id,
        "saved_to": it.newest.time.astimezone(UTC),
        "snapshots": it.count,
    }
