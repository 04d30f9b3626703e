"""Look into a site's repository: its snapshots, the files of one, a file through all of them.

What has the same path, size, time and content in several snapshots is one row; the newest of these
snapshots is the one to restore it from.
"""

import stat
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import groupby, islice
from urllib.parse import quote

from backup.format.snapshot import Snapshot
from backup.format.tree import Node
from backup.patterns.patterns import compile_patterns
from backup.progress import Progress
from backup.snapshots.find import Query, find_entries
from backup.snapshots.selection import choose_snapshots, load_readable_snapshots
from backup.snapshots.walk import Entry, TreeReader, find_folder, walk
from ops.backups.ransomware.suspicion import look_for_suspicion, write_suspicion
from ops.backups.repositories.moments import choose_snapshot
from ops.backups.repositories.open import hold_reading_lock, open_to_read
from ops.backups.retention.deletion_records import show_deletions
from ops.backups.retention.holds import show_holds
from ops.backups.retention.protection import AHEAD
from ops.backups.run.follow_up import KEY as METHOD
from ops.backups.run.follow_up import TOLD, read_methods
from ops.backups.tasks import Files, Find, Snapshots
from ops.catalog.open import open_catalog
from ops.catalog.tables.index import is_ahead
from ops.errors import OpsError, WrongUseError
from ops.estate.known_sites import title_of_known
from ops.estate.load.load import load_estate
from ops.estate.model.estate import Estate
from ops.estate.model.references import reveal
from ops.language.formats import format_moment, format_number, format_second, format_size
from ops.language.text import N_, _, fill, show_path
from ops.terminal.exit_codes import INCOMPLETE, report
from ops.terminal.output import Cell, write_json, write_line
from ops.terminal.progress import showing_progress
from ops.terminal.view import Column, Row, View, number, size, words, write_list

_MOST_FOUND = 100


def _taken(row: Row, zone: str) -> Cell:
    told = format_second(datetime.fromisoformat(row["taken_at"]), zone)
    if row["is_ahead"]:
        return Cell(f"{told} · {_(AHEAD)}", "warning")
    return Cell(told, at=row["taken_at"])


TAKEN = Column("taken_at", N_("Taken"), _taken, of=lambda row: row)
ID = Column(
    "id", N_("Snapshot"), link="/restore?site={site}&snapshot={id}", of=lambda row: row["id"][:8]
)
FIGURES = (
    Column("files", N_("Files"), number, of=lambda it: it["summary"].get("total_files_processed")),
    Column("size", N_("Size"), size, of=lambda it: it["summary"].get("total_bytes_processed")),
    Column("added", N_("New, packed"), size, of=lambda it: it["summary"].get("data_added_packed")),
)
SNAPSHOTS = View(
    N_("there is no snapshot yet"),
    ID,
    TAKEN,
    Column("paths", N_("Holds"), of=lambda row: " ".join(row["paths"])),
    Column(METHOD, N_("Method"), words(TOLD)),
    *FIGURES,
)


def show(wish: Snapshots) -> None:
    """Write a site's snapshots, oldest first; or what is held, or what was deleted of it."""
    if wish.holds:
        show_holds(wish.site, as_json=wish.json)
    elif wish.deletions:
        show_deletions(wish.site, as_json=wish.json)
    else:
        _list_snapshots(wish)


def _list_snapshots(wish: Snapshots) -> None:
    estate, name = load_estate(), wish.site
    known = title_of_known(estate, name)
    place = estate.store(wish.store) if wish.store else estate.primary_store
    repository = open_to_read(estate, name, place)
    readable = load_readable_snapshots(repository)
    for error in readable.errors:
        report(error)
    methods, now = _find_methods(estate, name), datetime.now(UTC)
    items = [
        {
            "id": it.id,
            "taken_at": it.time,
            "is_ahead": is_ahead(it.time, now),
            "paths": it.paths,
            "tags": it.tags,
            "hostname": it.hostname,
            "summary": it.summary,
            METHOD: methods.get(it.original or it.id),
        }
        for it in readable.snapshots
    ]
    zone, title = estate.organisation.timezone, f"{name} · {known} · {place.name}"
    is_told = write_list(SNAPSHOTS, items, as_json=wish.json, zone=zone, title=title)
    if is_told and (suspicion := look_for_suspicion(estate, name)):
        write_suspicion(suspicion, readable.snapshots, zone)


def _find_methods(estate: Estate, site: str) -> dict[str, str]:
    """Give by snapshot how it was read, from the catalog; nothing while that cannot be opened."""
    try:
        catalog = open_catalog(reveal(estate.catalog.url))
    except OpsError:
        return {}
    with catalog, catalog.reading() as session:
        return read_methods(session, site)


def list_files(wish: Files) -> None:
    """Write the files of a snapshot, folders before what they hold; of many, people get some."""
    estate, name, part = load_estate(), wish.site, wish.name
    title_of_known(estate, name)
    place = estate.store(wish.store) if wish.store else estate.primary_store
    repository = open_to_read(estate, name, place)
    with hold_reading_lock(repository):
        chosen = choose_snapshot(repository, estate, name, wanted=wish.snapshot)
        reader = TreeReader(repository, repository.load_index())
        entries = _entries(
            reader, chosen, wish.folder.strip("/") or name, recursive=wish.all or bool(part)
        )
        if part:
            entries = find_by_name(entries, part)
        zone = estate.organisation.timezone
        if wish.json:
            write_json((_entry_values(it) for it in entries), snapshot=chosen.id)
            return
        write_line(f"{chosen.short_id} · {format_second(chosen.time, zone)}")
        for entry in islice(entries, _MOST_FOUND) if part else entries:
            write_line(_entry_line(entry, zone))
        if part and next(entries, None) is not None:
            text = _("… there are more than {count}; give a longer piece of the name")
            write_line(text, count=_MOST_FOUND)


def find_by_name(entries: Iterator[Entry], part: str) -> Iterator[Entry]:
    """Yield the entries whose path below the site's folder holds a text, however it is written."""
    wanted = _plain(part)
    return (
        it for it in entries if wanted in _plain(_shown(it.path.lstrip(b"/").partition(b"/")[2]))
    )


def _plain(text: str) -> str:
    return unicodedata.normalize("NFC", text).casefold()


def _entries(
    reader: TreeReader, snapshot: Snapshot, folder: str, *, recursive: bool
) -> Iterator[Entry]:
    below = folder.encode("utf-8", "surrogateescape")
    tree = find_folder(reader, snapshot.tree, below)
    yield from walk(reader, tree, below=below, enters=lambda _entry: recursive)


def _entry_values(entry: Entry) -> dict[str, object]:
    node = entry.node
    return {
        "path": _shown(entry.path),
        "quoted": quote(b"/" + entry.path.lstrip(b"/")),
        "type": node.type,
        "mode": f"{node.mode & 0o777:04o}",
        "linktarget": _shown(node.linktarget) if node.type == "symlink" else None,
        "size": node.size,
        "mtime": datetime.fromtimestamp(node.mtime // 1_000_000_000, UTC),
    }


def _entry_line(entry: Entry, zone: str) -> str:
    node = entry.node
    is_folder = node.type == "dir"
    seconds = node.mtime // 1_000_000_000
    moment = format_moment(datetime.fromtimestamp(seconds, UTC), zone) if seconds else "–"
    size = "" if node.type != "file" else format_size(node.size)
    name = show_path(entry.path) + ("/" if is_folder else "")
    kind = stat.S_IFDIR if is_folder else stat.S_IFREG
    mode = stat.filemode(kind | (node.mode & 0o777))
    if node.type == "symlink":
        name += f" → {show_path(node.linktarget)}"
        mode = "l" + mode[1:]
    return f"{mode}  {size:>11}  {moment:23}  {name}"


def _shown(path: bytes) -> str:
    return path.decode("utf-8", "backslashreplace")


_MOST_VERSIONS = 10_000
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
            elif len(found) < _MOST_VERSIONS:
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
        for nth, it in enumerate(versions):
            is_folder = it.node.type == "dir"
            if nth == 0:
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
