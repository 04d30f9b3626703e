"""Look into a site's repository: its snapshots, and the files of one."""

import stat
import unicodedata
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import islice
from urllib.parse import quote

from backup.format.snapshot import Snapshot
from backup.snapshots.selection import load_readable_snapshots
from backup.snapshots.walk import Entry, TreeReader, find_folder, walk
from ops.backups.browse.tasks import Files, Snapshots
from ops.backups.ransomware.suspicion import look_for_suspicion, write_suspicion
from ops.backups.repositories.moments import choose_snapshot
from ops.backups.repositories.open import hold_reading_lock, open_to_read
from ops.backups.retention.cli_holds import show_deletions, show_holds
from ops.backups.retention.protection import AHEAD
from ops.backups.run.full_reads import KEY as METHOD
from ops.backups.run.full_reads import TOLD, read_methods
from ops.catalog.open import open_catalog
from ops.catalog.tables.index import is_ahead
from ops.errors import OpsError
from ops.estate.known_sites import title_of_known
from ops.estate.load.load import load_estate
from ops.estate.model.estate import Estate
from ops.estate.model.references import reveal
from ops.language.formats import format_moment, format_second, format_size
from ops.language.text import N_, _, show_path
from ops.terminal.exit_codes import report
from ops.terminal.output import Cell, write_json, write_line
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
