"""Look into a site's repository: its snapshots, and the files of one."""

import re
import stat
from collections.abc import Iterator
from datetime import UTC, datetime

from backup.format.snapshot import Snapshot
from backup.repository.repository import Repository
from backup.snapshots.selection import SnapshotFilter, find_snapshot, load_readable_snapshots
from backup.snapshots.walk import Entry, TreeReader, find_folder, walk
from ops.catalog.opening import open_catalog
from ops.errors import OpsError, WrongUseError
from ops.estate.load import load_estate
from ops.estate.models import Estate
from ops.estate.references import reveal
from ops.jobs.reading_lock import hold_reading_lock
from ops.jobs.reading_methods import KEY as METHOD
from ops.jobs.reading_methods import TOLD, read_methods
from ops.jobs.repositories import open_to_read
from ops.jobs.vanished import title_of_known
from ops.present import format_moment, format_size, write_json, write_line, write_table
from ops.tasks.running import report
from ops.text import _, show_path

_DAY_FIRST = re.compile(r"^(\d\d)/(\d\d)/(\d{4})")
_BEFORE_OFFSET = re.compile(r" +([+-]\d\d:\d\d)$")


class NoSnapshotError(OpsError):
    """No snapshot is what was asked for."""


def list_snapshots(name: str, *, store: str, as_json: bool) -> None:
    """Write a site's snapshots, oldest first."""
    estate = load_estate()
    known = title_of_known(estate, name)
    place = estate.store(store) if store else estate.primary_store
    repository = open_to_read(estate, name, place)
    readable = load_readable_snapshots(repository)
    for error in readable.errors:
        report(error)
    methods = _find_methods(estate, name)
    if as_json:
        write_json([
            {**_as_values(it), METHOD: methods.get(it.original or it.id)}
            for it in readable.snapshots
        ])  # fmt: skip
        return
    if not readable.snapshots:
        write_line(_("there is no snapshot yet"))
        return
    rows = [_row(it, estate, methods.get(it.original or it.id, "")) for it in readable.snapshots]
    heads = [
        _("Snapshot"), _("Taken"), _("Holds"), _("Method"), _("Files"), _("Size"),
        _("New, packed"),
    ]  # fmt: skip
    write_table(heads, rows, title=f"{name} · {known} · {place.name}", right=(4, 5, 6))


def _find_methods(estate: Estate, site: str) -> dict[str, str]:
    """Give by snapshot how it was read, from the catalog; nothing while that cannot be opened."""
    try:
        catalog = open_catalog(reveal(estate.catalog.url))
    except OpsError:
        return {}
    try:
        with catalog.reading() as session:
            return read_methods(session, site)
    finally:
        catalog.close()


def _as_values(snapshot: Snapshot) -> dict[str, object]:
    return {
        "id": snapshot.id,
        "taken_at": snapshot.time,
        "paths": snapshot.paths,
        "tags": snapshot.tags,
        "hostname": snapshot.hostname,
        "summary": snapshot.summary,
    }


def _row(snapshot: Snapshot, estate: Estate, method: str) -> list[str]:
    numbers = snapshot.summary
    size, added = numbers.get("total_bytes_processed"), numbers.get("data_added_packed")
    return [
        snapshot.short_id,
        format_moment(snapshot.time, estate.organisation.timezone),
        " ".join(snapshot.paths),
        _(TOLD[method]) if method in TOLD else "–",
        str(numbers.get("total_files_processed", "")),
        "" if size is None else format_size(size),
        "" if added is None else format_size(added),
    ]


def choose_snapshot(
    repository: Repository, estate: Estate, site: str, *, wanted: str = "", at: str = ""
) -> Snapshot:
    """Choose one snapshot.

    Args:
        repository: The site's.
        estate: For its time zone.
        site: Name of the site; `latest` and `at` mean snapshots of the whole site.
        wanted: Beginning of an id, `latest`, or empty.
        at: A moment in the organisation's zone; the newest snapshot not after it is meant.

    Raises:
        SnapshotNotFoundError, NoSnapshotError: There is none.
        WrongUseError: The moment cannot be read, or both are given.
    """
    whole = SnapshotFilter(paths=(f"/{site}",))
    if not at:
        return find_snapshot(repository, wanted or "latest", whole)
    if wanted:
        raise WrongUseError(
            "--snapshot and --at name two snapshots", next_step="leave one of the two out"
        )
    moment = read_moment(at, estate)
    snapshots = load_readable_snapshots(repository).snapshots
    fitting = [it for it in snapshots if whole.matches(it) and it.time <= moment]
    if not fitting:
        raise NoSnapshotError(
            'the site "{site}" has no snapshot from before {moment}',
            data="nothing was changed",
            next_step="`{program} backup.list --site {site}` lists what there is",
            site=site,
            moment=moment,
        )
    return fitting[-1]


def read_moment(text: str, estate: Estate) -> datetime:
    """Read `2026-11-20 18:00`, or `20/11/2026 18:00 +07:00` as it stands on the screen.

    Without an offset it is a moment in the organisation's zone.

    Raises:
        WrongUseError: It is no moment.
    """
    try:
        dashed = _DAY_FIRST.sub(r"\3-\2-\1", text.strip())
        moment = datetime.fromisoformat(_BEFORE_OFFSET.sub(r"\1", dashed))
    except ValueError as error:
        raise WrongUseError(
            '"{text}" is not a moment',
            next_step="write it like '20/11/2026 18:00' or '2026-11-20 18:00'",
            text=text,
        ) from error
    return moment if moment.tzinfo else moment.replace(tzinfo=estate.zone)


def list_files(
    name: str, *, store: str, snapshot: str, folder: str, recursive: bool, as_json: bool
) -> None:
    """Write the files of a snapshot, folders before what they hold."""
    estate = load_estate()
    title_of_known(estate, name)
    place = estate.store(store) if store else estate.primary_store
    repository = open_to_read(estate, name, place)
    with hold_reading_lock(repository):
        chosen = choose_snapshot(repository, estate, name, wanted=snapshot)
        reader = TreeReader(repository, repository.load_index())
        entries = _entries(reader, chosen, folder.strip("/") or name, recursive=recursive)
        zone = estate.organisation.timezone
        if as_json:
            write_json([_entry_values(it) for it in entries])
            return
        write_line(f"{chosen.short_id} · {format_moment(chosen.time, zone)}")
        for entry in entries:
            write_line(_entry_line(entry, zone))


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
        "type": node.type,
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
